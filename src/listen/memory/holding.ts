import type { ByteBudget } from '../../component/byte-budget.ts'
import { RECEIVE_BUFFERS } from './buffer-pool.ts'

/**
 * The memory of one request while it is received: bytes of the budget, charged before they are kept, and buffers of the
 * pool. It is `open` until the owner calls `release`, when the bytes were passed on or the request ended in any other way.
 * Work on the bytes stops at that moment (`onRelease`), and nothing can be charged to a request that has ended.
 */
export class Holding {
  readonly #budget: ByteBudget
  #state: 'open' | 'released' = 'open'
  #bytes = 0
  #peakBytes = 0
  #buffers: Buffer[] = []
  #stop: (() => void) | undefined

  constructor(budget: ByteBudget) {
    this.#budget = budget
  }

  /** Peak of the bytes charged to the budget: a growing buffer is held twice for a moment. */
  get peakBytes(): number {
    return this.#peakBytes
  }

  get released(): boolean {
    return this.#state === 'released'
  }

  /** @returns false if the budget is full or the request has ended; earlier charges stay */
  take(bytes: number): boolean {
    if (this.released || !this.#budget.reserve(bytes)) return false
    this.#bytes += bytes
    if (this.#bytes > this.#peakBytes) this.#peakBytes = this.#bytes
    return true
  }

  /** @returns a buffer of `bytes` or more, owned by this request until `release`; undefined if `take` would return false */
  borrow(bytes: number): Buffer | undefined {
    if (!this.take(RECEIVE_BUFFERS.sizeFor(bytes))) return undefined
    const buffer = RECEIVE_BUFFERS.borrow(bytes)
    this.#buffers.push(buffer)
    return buffer
  }

  /** Returns one buffer before `release`. */
  giveBack(buffer: Buffer): void {
    const kept = this.#buffers.filter((one) => one !== buffer)
    if (kept.length === this.#buffers.length)
      throw new Error('a buffer was returned to a request that does not hold it')
    this.#buffers = kept
    this.#bytes -= buffer.length
    this.#budget.release(buffer.length)
    RECEIVE_BUFFERS.giveBack(buffer)
  }

  /** @param stop called by `release` if it comes before the work is done: the work must not touch the bytes after that */
  onRelease(stop: (() => void) | undefined): void {
    this.#stop = stop
  }

  /** Stops the work on the bytes and gives all memory back. Later calls do nothing. */
  release(): void {
    if (this.released) return
    this.#state = 'released'
    this.#stop?.()
    this.#stop = undefined
    this.#budget.release(this.#bytes)
    this.#bytes = 0
    for (const buffer of this.#buffers) RECEIVE_BUFFERS.giveBack(buffer)
    this.#buffers = []
  }
}

/**
 * Returns whether the budget may have room for a request of `bytes`, which is held twice for a moment: as received, and as
 * queued for sending. Checked before anything is read, so that overload does not waste reads. A budget under three quarters
 * full accepts any request that fits.
 */
export function hasRoomFor(budget: ByteBudget, bytes: number): boolean {
  const needed = Math.min(2 * bytes, Math.max(bytes, budget.capacity / 4))
  return budget.used + needed <= budget.capacity
}
