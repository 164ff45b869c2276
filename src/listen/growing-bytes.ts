import type { Holding } from './holding.ts'

const FIRST_BYTES = 65_536
/**
 * How many times what has come is set aside for what is to come. An announced length is only a promise: whoever sends one
 * byte of 64 MiB gets 64 KiB, and a sender at full speed, whose first piece is that long, 512 at once.
 */
const AHEAD_ANNOUNCED = 8
const AHEAD_UNKNOWN = 2

/** Bytes that arrive in pieces, in one buffer that grows; it is the holding's, and gone when that is released. */
export class GrowingBytes {
  readonly #total: number | undefined
  readonly #holding: Holding
  #buffer: Buffer | undefined
  length = 0

  /** @param total bytes there will be at the most, where that is known */
  constructor(total: number | undefined, holding: Holding) {
    this.#total = total
    this.#holding = holding
  }

  /**
   * Keeps a piece; its bytes are copied, unless it is the first and the last.
   * @returns whether they were, so that the piece itself is not needed any more
   */
  append(chunk: Buffer): boolean {
    const whole = this.length === 0 && chunk.length === this.#total
    if (whole) this.#buffer = chunk
    else this.#room(this.length + chunk.length).set(chunk, this.length)
    this.length += chunk.length
    return !whole
  }

  view(): Buffer {
    return this.#buffer === undefined ? Buffer.alloc(0) : this.#buffer.subarray(0, this.length)
  }

  #room(needed: number): Buffer {
    const had = this.#buffer
    if (had !== undefined && needed <= had.length) return had
    const ahead = Math.max(FIRST_BYTES, needed * (this.#total === undefined ? AHEAD_UNKNOWN : AHEAD_ANNOUNCED))
    const buffer = this.#holding.borrow(Math.max(needed, Math.min(this.#total ?? ahead, ahead)))
    if (had !== undefined) {
      buffer.set(had.subarray(0, this.length))
      this.#holding.giveBack(had)
    }
    this.#buffer = buffer
    return buffer
  }
}
