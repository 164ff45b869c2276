/** Bytes. Smaller buffers are cheaper to allocate than to keep. */
const MIN_BYTES = 16_384
/** Bytes of the largest buffer that is kept. */
const MAX_BYTES = 4_194_304
/** Maximum bytes of unused buffers in the pool. */
const KEPT_BYTES = 16_777_216

/**
 * A pool of buffers to receive requests into. A new buffer of some hundred KB for each request is garbage outside of the
 * heap, and V8 collects the whole heap for every 32 MB of it: that took a third of the time of the HTTP receiver and more
 * than half of gRPC's.
 */
export class BufferPool {
  /** Free buffers by size. Sizes are powers of two. */
  readonly #free = new Map<number, Buffer[]>()
  #kept = 0

  /** @returns the length of the buffer that `borrow(bytes)` returns, so that it can be charged before it exists */
  sizeFor(bytes: number): number {
    return bytes < MIN_BYTES || bytes > MAX_BYTES ? bytes : 2 ** Math.ceil(Math.log2(bytes))
  }

  /** Returns a buffer of `sizeFor(bytes)`, with its previous contents. */
  borrow(bytes: number): Buffer {
    const size = this.sizeFor(bytes)
    const buffer = this.#free.get(size)?.pop()
    if (buffer === undefined) return Buffer.allocUnsafeSlow(size)
    this.#kept -= size
    return buffer
  }

  /** Takes a buffer back; the caller must no longer use it. */
  giveBack(buffer: Buffer): void {
    const size = buffer.length
    if (size < MIN_BYTES || size > MAX_BYTES || this.#kept + size > KEPT_BYTES) return
    this.#kept += size
    const free = this.#free.get(size)
    if (free === undefined) this.#free.set(size, [buffer])
    else free.push(buffer)
  }
}

/** One pool for the process, shared by its servers. */
export const RECEIVE_BUFFERS = new BufferPool()
