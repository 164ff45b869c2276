import type { ByteBudget } from '../component/byte-budget.ts'

/** What one request holds of the byte budget while it is received. Bytes are taken before they are kept. */
export class Holding {
  readonly #budget: ByteBudget
  #bytes = 0

  constructor(budget: ByteBudget) {
    this.#budget = budget
  }

  /** False when the budget is full; what was taken before stays taken. */
  take(bytes: number): boolean {
    if (!this.#budget.reserve(bytes)) return false
    this.#bytes += bytes
    return true
  }

  /** Gives everything back; again and again does no harm. */
  release(): void {
    this.#budget.release(this.#bytes)
    this.#bytes = 0
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
