/**
 * The one bound on what a process holds in buffers: receive buffers, lanes, tails. Taken before memory is, given back
 * when the bytes are dropped. Counts are exact: a reservation that is not given back is a leak, and one given back twice throws.
 */
export class ByteBudget {
  readonly capacity: number
  #used = 0
  /** The most that was ever held, for `/metrics`. */
  peak = 0

  /** @param capacity bytes, at least 1 */
  constructor(capacity: number) {
    if (!Number.isSafeInteger(capacity) || capacity < 1)
      throw new RangeError(`a byte budget needs a positive size, not ${capacity}`)
    this.capacity = capacity
  }

  get used(): number {
    return this.#used
  }

  /** Takes `bytes` if they fit; false leaves everything as it was. */
  reserve(bytes: number): boolean {
    if (this.#used + bytes > this.capacity) return false
    this.#used += bytes
    if (this.#used > this.peak) this.peak = this.#used
    return true
  }

  /** @throws RangeError if more comes back than was taken: a double release would let memory grow without a bound. */
  release(bytes: number): void {
    if (bytes > this.#used) throw new RangeError(`${bytes} bytes given back to a budget that holds ${this.#used}`)
    this.#used -= bytes
  }
}
