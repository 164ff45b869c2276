/** Encodings that node:zlib decompresses. `deflate` is the zlib format, as in RFC 9110. */
export type StreamedEncoding = 'gzip' | 'deflate' | 'zstd'

/** Supported encodings of HTTP bodies and gRPC messages. */
export type Encoding = StreamedEncoding | 'snappy'

export type DecompressFailure = 'too_large' | 'budget_full' | 'corrupt'

/** Bytes, or why there are none. */
export type Decompressed = (bytes: Uint8Array | undefined, failure: DecompressFailure | undefined) => void
