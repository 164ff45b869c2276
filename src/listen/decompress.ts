import zlib from 'node:zlib'
import { GrowingBytes } from './growing-bytes.ts'
import type { Holding } from './holding.ts'

/** Content codings that can be undone. `deflate` is the zlib format, as RFC 9110 has it. */
export type Encoding = 'gzip' | 'deflate' | 'zstd'

export type DecompressFailure = 'too_large' | 'budget_full' | 'corrupt'

/** Bytes, or why there are none. */
export type Decompressed = (bytes: Uint8Array | undefined, failure: DecompressFailure | undefined) => void

// Small bodies are undone at once, without a stream and a turn through the thread pool: 10 µs against 100 µs. These bounds
// keep that under about 3 ms of the event loop; a bomb stops at the second one and goes on, if the limit lets it, off it.
const AT_ONCE_INPUT_BYTES = 262_144
const AT_ONCE_OUTPUT_BYTES = 1_048_576

/**
 * Large bodies undone at a time; the others wait, compressed. A bomb costs its limit twice while its buffer grows, and two
 * keep both cores busy.
 */
const MOST_STREAMING = 2

/** RFC 9659: a window of at most 8 MB for content coding. zstd's own limit would let a sender ask for 128 MB. */
const ZSTD_WINDOW_LOG = 23
const ZSTD_PARAMS = { [zlib.constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG }

interface Codec {
  sync(bytes: Uint8Array, options: zlib.ZlibOptions & { info: true }): Buffer
  stream(): zlib.Gunzip | zlib.Inflate | zlib.ZstdDecompress
}

const CODECS: Readonly<Record<Encoding, Codec>> = {
  gzip: { sync: zlib.gunzipSync, stream: () => zlib.createGunzip() },
  deflate: { sync: zlib.inflateSync, stream: () => zlib.createInflate() },
  zstd: {
    sync: (bytes, options) => zlib.zstdDecompressSync(bytes, { ...options, params: ZSTD_PARAMS } as zlib.ZstdOptions),
    stream: () => zlib.createZstdDecompress({ params: ZSTD_PARAMS }),
  },
}

/**
 * Undoes a content coding. `done` is called once, possibly before this returns.
 *
 * @param limit most bytes of output; a bomb is stopped there, not after
 * @param holding output is taken from it as it comes; it must not be released before `done`
 */
export function decompress(
  encoding: Encoding,
  bytes: Uint8Array,
  limit: number,
  holding: Holding,
  done: Decompressed,
): void {
  if (bytes.length > AT_ONCE_INPUT_BYTES) return decompressStreaming(encoding, bytes, limit, holding, done)
  const maxOutputLength = Math.min(limit, AT_ONCE_OUTPUT_BYTES)
  let result: { buffer: Uint8Array; engine: { bytesWritten: number } }
  try {
    // `info` makes these return what they read, beside what they made of it; the types do not know.
    const options = { info: true, maxOutputLength, chunkSize: chunkSize(bytes.length, maxOutputLength) } as const
    result = CODECS[encoding].sync(bytes, options) as unknown as typeof result
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_BUFFER_TOO_LARGE') return done(undefined, 'corrupt')
    if (limit <= AT_ONCE_OUTPUT_BYTES) return done(undefined, 'too_large')
    return decompressStreaming(encoding, bytes, limit, holding, done)
  }
  // What follows the compressed data is no part of the message.
  if (result.engine.bytesWritten !== bytes.length) return done(undefined, 'corrupt')
  if (!holding.take(result.buffer.length)) return done(undefined, 'budget_full')
  done(result.buffer, undefined)
}

/** One chunk for all output where that is likely: logs shrink to an eighth or so. */
function chunkSize(inputBytes: number, maxOutputLength: number): number {
  return Math.max(1_024, Math.min(inputBytes * 10, maxOutputLength))
}

let streaming = 0
/** Their number is bounded by the budget, which holds what they wait with. */
const waiting: (() => void)[] = []

function decompressStreaming(
  encoding: Encoding,
  bytes: Uint8Array,
  limit: number,
  holding: Holding,
  done: Decompressed,
): void {
  if (streaming === MOST_STREAMING) {
    waiting.push(() => decompressStreaming(encoding, bytes, limit, holding, done))
    return
  }
  streaming++
  const stream = CODECS[encoding].stream()
  const output = new GrowingBytes(undefined, holding)
  let over = false
  const finish = (failure: DecompressFailure | undefined) => {
    if (over) return
    over = true
    stream.destroy()
    done(failure === undefined ? output.view() : undefined, failure)
    streaming--
    waiting.shift()?.()
  }
  stream.on('data', (chunk: Buffer) => {
    if (over) return
    if (output.length + chunk.length > limit) finish('too_large')
    else if (holding.take(chunk.length)) output.append(chunk)
    else finish('budget_full')
  })
  stream.once('end', () => finish(stream.bytesWritten === bytes.length ? undefined : 'corrupt'))
  stream.on('error', () => finish('corrupt'))
  stream.end(bytes)
}
