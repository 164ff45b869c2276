import type { Transform } from 'node:stream'
import type { DecompressFailure, Decompressed } from './encodings.ts'
import { GrowingBytes } from '../memory/growing-bytes.ts'
import type { Holding } from '../memory/holding.ts'
import { Turns } from './turns.ts'

/**
 * Large bodies decompressed concurrently; the others wait, compressed. A bomb costs twice its limit while its buffer grows,
 * and two keep both cores busy.
 */
const MAX_STREAMING = 2

/**
 * Bytes of input for one pass through the thread pool. They are copied: zlib reads on another thread, and the request's own
 * buffer goes back to the pool the moment its sender disconnects.
 */
const SLICE_BYTES = 65_536

/** One for the process, as it bounds the memory and threads of the process. */
const turns = new Turns(MAX_STREAMING)

/** Decompresses a large body on the thread pool. For the contract see `decompress`. */
export function decompressStreaming(
  createStream: () => Transform & { readonly bytesWritten: number },
  bytes: Uint8Array,
  limit: number,
  holding: Holding,
  done: Decompressed,
): void {
  const start = () => {
    const stream = createStream()
    const output = new GrowingBytes(holding, limit, false)
    const slice = Buffer.allocUnsafeSlow(Math.min(SLICE_BYTES, bytes.length))
    let over = false
    let read = 0
    const stop = () => {
      over = true
      stream.destroy()
      turns.end()
    }
    const finish = (failure: DecompressFailure | undefined) => {
      if (over) return
      holding.onRelease(undefined)
      done(failure === undefined ? output.view() : undefined, failure)
      stop()
    }
    const feed = () => {
      if (over) return
      if (read === bytes.length) {
        stream.end()
        return
      }
      const part = bytes.subarray(read, read + slice.length)
      slice.set(part)
      read += part.length
      stream.write(slice.subarray(0, part.length), feed)
    }
    holding.onRelease(stop)
    stream.on('data', (chunk: Buffer) => {
      if (over) return
      if (output.length + chunk.length > limit) finish('too_large')
      else if (output.append(chunk) === 'full') finish('budget_full')
    })
    stream.once('end', () => finish(stream.bytesWritten === bytes.length ? undefined : 'corrupt'))
    stream.on('error', () => finish('corrupt'))
    feed()
  }
  holding.onRelease(() => turns.withdraw(start))
  turns.wait(start)
}
