/**
 * The one bound on what a process holds: bytes of buffers (receive buffers, lanes, tails), and the JavaScript heap that the
 * bookkeeping of what waits costs. Taken before memory is, given back when it is dropped. Counts are exact: a reservation
 * that is not given back is a leak, and one given back twice throws.
 */
export class ByteBudget {
  readonly capacity: number
  /** Bytes of heap; infinity where nothing is known of the heap. */
  readonly heapCapacity: number
  #used = 0
  #heapUsed = 0
  /** The most bytes of buffers that were ever held, for `/metrics`. */
  peak = 0

  /**
   * @param capacity bytes of buffers, at least 1
   * @param heapCapacity bytes of heap for bookkeeping: a one-record request may have 150 bytes and cost 800 of heap
   */
  constructor(capacity: number, heapCapacity: number = Number.POSITIVE_INFINITY) {
    if (!Number.isSafeInteger(capacity) || capacity < 1)
      throw new RangeError(`a byte budget needs a positive size, not ${capacity}`)
    this.capacity = capacity
    this.heapCapacity = heapCapacity
  }

  get used(): number {
    return this.#used
  }

  get heapUsed(): number {
    return this.#heapUsed
  }

  /** How full it is, by the fuller of its two bounds: 0 to 1. */
  get fullness(): number {
    return Math.max(this.#used / this.capacity, this.#heapUsed / this.heapCapacity)
  }

  /** Takes both if they fit; false leaves everything as it was. */
  reserve(bytes: number, heapBytes: number = 0): boolean {
    if (this.#used + bytes > this.capacity || this.#heapUsed + heapBytes > this.heapCapacity) return false
    this.#used += bytes
    this.#heapUsed += heapBytes
    if (this.#used > this.peak) this.peak = this.#used
    return true
  }

  /** @throws RangeError if more comes back than was taken: a double release would let memory grow without a bound. */
  release(bytes: number, heapBytes: number = 0): void {
    if (bytes > this.#used) throw new RangeError(`${bytes} bytes given back to a budget that holds ${this.#used}`)
    if (heapBytes > this.#heapUsed)
      throw new RangeError(`${heapBytes} bytes of heap given back to a budget that holds ${this.#heapUsed}`)
    this.#used -= bytes
    this.#heapUsed -= heapBytes
  }
}
