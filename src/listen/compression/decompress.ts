import zlib from 'node:zlib'
import type { Decompressed, Encoding, StreamedEncoding } from './encodings.ts'
import type { Holding } from '../memory/holding.ts'
import { decompressStreaming } from './streaming.ts'
import { decompressSnappy } from './snappy.ts'

// Small bodies are decompressed synchronously, without a stream and the thread pool: 10 µs against 100 µs. These bounds
// keep that under about 3 ms of the event loop. A larger output starts again on the thread pool if the limit allows it.
const AT_ONCE_INPUT_BYTES = 262_144
const AT_ONCE_OUTPUT_BYTES = 1_048_576

/** RFC 9659: a window of at most 8 MB for content coding. zstd's own limit would let a sender ask for 128 MB. */
const ZSTD_WINDOW_LOG = 23
const ZSTD_PARAMS = { [zlib.constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG }

interface Codec {
  sync(bytes: Uint8Array, options: zlib.ZlibOptions & { info: true }): Buffer
  readonly stream: () => zlib.Gunzip | zlib.Inflate | zlib.ZstdDecompress
}

const CODECS: Readonly<Record<StreamedEncoding, Codec>> = {
  gzip: { sync: zlib.gunzipSync, stream: () => zlib.createGunzip() },
  deflate: { sync: zlib.inflateSync, stream: () => zlib.createInflate() },
  zstd: {
    sync: (bytes, options) => zlib.zstdDecompressSync(bytes, { ...options, params: ZSTD_PARAMS } as zlib.ZstdOptions),
    stream: () => zlib.createZstdDecompress({ params: ZSTD_PARAMS }),
  },
}

/**
 * Decompresses a body. `done` is called once, possibly before this returns, unless the holding is released first: then
 * the work stops and `done` is never called.
 *
 * @param bytes read on this thread only, so they may go back to the pool as soon as the holding is released
 * @param limit maximum bytes of output; a decompression bomb is stopped there
 * @param holding charged for the output as it grows
 */
export function decompress(
  encoding: Encoding,
  bytes: Uint8Array,
  limit: number,
  holding: Holding,
  done: Decompressed,
): void {
  if (encoding === 'snappy') return decompressSnappy(bytes, limit, holding, done)
  const codec = CODECS[encoding]
  if (bytes.length > AT_ONCE_INPUT_BYTES) return decompressStreaming(codec.stream, bytes, limit, holding, done)
  const maxOutputLength = Math.min(limit, AT_ONCE_OUTPUT_BYTES)
  let result: { buffer: Uint8Array; engine: { bytesWritten: number } }
  try {
    // `info` makes these return the bytes read together with the output; the types lack it.
    const options = { info: true, maxOutputLength, chunkSize: chunkSize(bytes.length, maxOutputLength) } as const
    result = codec.sync(bytes, options) as unknown as typeof result
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_BUFFER_TOO_LARGE') return done(undefined, 'corrupt')
    if (limit <= AT_ONCE_OUTPUT_BYTES) return done(undefined, 'too_large')
    return decompressStreaming(codec.stream, bytes, limit, holding, done)
  }
  // Trailing data is not part of the message.
  if (result.engine.bytesWritten !== bytes.length) return done(undefined, 'corrupt')
  if (!holding.take(result.buffer.length)) return done(undefined, 'budget_full')
  done(result.buffer, undefined)
}

/** A chunk that is likely to hold all output: logs compress to about an eighth. */
function chunkSize(inputBytes: number, maxOutputLength: number): number {
  return Math.max(1_024, Math.min(inputBytes * 10, maxOutputLength))
}
