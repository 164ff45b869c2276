/**
 * The memory bound of a process: bytes in buffers (receive buffers, lanes, tails), and JavaScript heap for the bookkeeping
 * of waiting records. Reserve before allocating; release when the memory is dropped. Counts are exact: a reservation that is
 * not released is a leak, and a second release throws.
 */
export class ByteBudget {
  readonly capacity: number
  /** Bytes of heap; infinity if the heap size is unknown. */
  readonly heapCapacity: number
  #used = 0
  #heapUsed = 0
  /** Largest value of `used` so far, for `/metrics`. */
  peak = 0

  /**
   * @param capacity bytes of buffers, at least 1
   * @param heapCapacity bytes of heap for bookkeeping: a one-record request of 150 bytes may cost 800 bytes of heap
   */
  constructor(capacity: number, heapCapacity: number = Number.POSITIVE_INFINITY) {
    if (!Number.isSafeInteger(capacity) || capacity < 1)
      throw new RangeError(`the capacity of a byte budget has to be a positive integer, not ${capacity}`)
    this.capacity = capacity
    this.heapCapacity = heapCapacity
  }

  get used(): number {
    return this.#used
  }

  get heapUsed(): number {
    return this.#heapUsed
  }

  /** Fill level of the fuller of its two bounds: 0 to 1. */
  get fullness(): number {
    return Math.max(this.#used / this.capacity, this.#heapUsed / this.heapCapacity)
  }

  /** Reserves both amounts if they fit. Returns false, and reserves nothing, if not. */
  reserve(bytes: number, heapBytes: number = 0): boolean {
    if (this.#used + bytes > this.capacity || this.#heapUsed + heapBytes > this.heapCapacity) return false
    this.#used += bytes
    this.#heapUsed += heapBytes
    if (this.#used > this.peak) this.peak = this.#used
    return true
  }

  /** @throws RangeError if more is released than is reserved: a double release would let memory grow without bound. */
  release(bytes: number, heapBytes: number = 0): void {
    if (bytes > this.#used) throw new RangeError(`${bytes} bytes released from a budget that holds ${this.#used}`)
    if (heapBytes > this.#heapUsed)
      throw new RangeError(`${heapBytes} bytes of heap released from a budget that holds ${this.#heapUsed}`)
    this.#used -= bytes
    this.#heapUsed -= heapBytes
  }
}
