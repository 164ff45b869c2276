/** Encodings that can be undone. `deflate` is the zlib format, as RFC 9110 has it. */
export type Encoding = 'gzip' | 'deflate' | 'zstd'

export type DecompressFailure = 'too_large' | 'budget_full' | 'corrupt'

/** Bytes, or why there are none. */
export type Decompressed = (bytes: Uint8Array | undefined, failure: DecompressFailure | undefined) => void
