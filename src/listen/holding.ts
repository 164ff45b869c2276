import type { ByteBudget } from '../component/byte-budget.ts'
import { RECEIVE_BUFFERS } from './buffer-pool.ts'

/** What one request holds while it is received: bytes of the budget, taken before they are kept, and buffers of the pool. */
export class Holding {
  readonly #budget: ByteBudget
  #bytes = 0
  #buffers: Buffer[] = []

  constructor(budget: ByteBudget) {
    this.#budget = budget
  }

  /** False when the budget is full; what was taken before stays taken. */
  take(bytes: number): boolean {
    if (!this.#budget.reserve(bytes)) return false
    this.#bytes += bytes
    return true
  }

  /** A buffer of `bytes` or more that is this request's until `release`. */
  borrow(bytes: number): Buffer {
    const buffer = RECEIVE_BUFFERS.borrow(bytes)
    this.#buffers.push(buffer)
    return buffer
  }

  /** Gives one buffer back before `release`. */
  giveBack(buffer: Buffer): void {
    this.#buffers = this.#buffers.filter((kept) => kept !== buffer)
    RECEIVE_BUFFERS.giveBack(buffer)
  }

  /** Gives everything back, for others to write to; again and again does no harm. */
  release(): void {
    this.#budget.release(this.#bytes)
    this.#bytes = 0
    for (const buffer of this.#buffers) RECEIVE_BUFFERS.giveBack(buffer)
    this.#buffers = []
  }
}

/**
 * Whether a request of `bytes` has a chance at all: for a moment it is held twice, as it was received and as what is to
 * be sent. Asked before anything is read, so that under overload nothing is read for nothing. Under three quarters full
 * there is always a chance for what fits.
 */
export function hasRoomFor(budget: ByteBudget, bytes: number): boolean {
  const needed = Math.min(2 * bytes, Math.max(bytes, budget.capacity / 4))
  return budget.used + needed <= budget.capacity
}
