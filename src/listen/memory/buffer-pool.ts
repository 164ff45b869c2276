/** Bytes. Smaller buffers cost less to make than to keep. */
const MIN_BYTES = 16_384
/** Bytes of the largest buffer that is kept. */
const MAX_BYTES = 4_194_304
/** What the pool keeps at the most while nobody uses it. */
const KEPT_BYTES = 16_777_216

/**
 * Buffers to receive requests into, used again and again. A new one of some hundred KB for each request is garbage outside
 * of the heap, and V8 collects the whole heap for every 32 MB of it: that was a third of the time of the HTTP receiver and
 * more than half of gRPC's.
 */
export class BufferPool {
  /** Free ones by size. Sizes are powers of two. */
  readonly #free = new Map<number, Buffer[]>()
  #kept = 0

  /** @returns the length of the buffer that `borrow(bytes)` returns, so that it can be charged before it exists */
  sizeFor(bytes: number): number {
    return bytes < MIN_BYTES || bytes > MAX_BYTES ? bytes : 2 ** Math.ceil(Math.log2(bytes))
  }

  /** A buffer of `sizeFor(bytes)`, with whatever was in it before. */
  borrow(bytes: number): Buffer {
    const size = this.sizeFor(bytes)
    const buffer = this.#free.get(size)?.pop()
    if (buffer === undefined) return Buffer.allocUnsafeSlow(size)
    this.#kept -= size
    return buffer
  }

  /** Takes a buffer back that nobody reads any more. */
  giveBack(buffer: Buffer): void {
    const size = buffer.length
    if (size < MIN_BYTES || size > MAX_BYTES || this.#kept + size > KEPT_BYTES) return
    this.#kept += size
    const free = this.#free.get(size)
    if (free === undefined) this.#free.set(size, [buffer])
    else free.push(buffer)
  }
}

/** One for the process: what one server gives back, another uses. */
export const RECEIVE_BUFFERS = new BufferPool()
