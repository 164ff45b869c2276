/** Encodings that node:zlib undoes. `deflate` is the zlib format, as RFC 9110 has it. */
export type StreamedEncoding = 'gzip' | 'deflate' | 'zstd'

/** Encodings that can be undone, of HTTP bodies and of gRPC messages. */
export type Encoding = StreamedEncoding | 'snappy'

export type DecompressFailure = 'too_large' | 'budget_full' | 'corrupt'

/** Bytes, or why there are none. */
export type Decompressed = (bytes: Uint8Array | undefined, failure: DecompressFailure | undefined) => void
