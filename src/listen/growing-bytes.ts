import type { Holding } from './holding.ts'

/** The most that is set aside before it is needed: an announced length is only a promise. */
const MOST_AHEAD_BYTES = 1_048_576
/** Where the length is not known. */
const FIRST_BYTES = 65_536

/** Bytes that arrive in pieces, in one buffer that doubles; it is the holding's, and gone when that is released. */
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

  /** Keeps a piece; its bytes are copied, unless it is the first and the last. */
  append(chunk: Buffer): void {
    if (this.length === 0 && chunk.length === this.#total) {
      this.#buffer = chunk
    } else {
      this.#room(this.length + chunk.length).set(chunk, this.length)
    }
    this.length += chunk.length
  }

  view(): Buffer {
    return this.#buffer === undefined ? Buffer.alloc(0) : this.#buffer.subarray(0, this.length)
  }

  #room(needed: number): Buffer {
    const had = this.#buffer
    if (had !== undefined && needed <= had.length) return had
    const first = this.#total === undefined ? FIRST_BYTES : MOST_AHEAD_BYTES
    const ahead = Math.min(this.#total ?? Number.POSITIVE_INFINITY, Math.max(first, (had?.length ?? 0) * 2))
    const buffer = this.#holding.borrow(Math.max(needed, ahead))
    if (had !== undefined) {
      buffer.set(had.subarray(0, this.length))
      this.#holding.giveBack(had)
    }
    this.#buffer = buffer
    return buffer
  }
}
