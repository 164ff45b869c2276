// Hot path: every request body and every large decompressed body goes through here, chunk by chunk.
import type { Holding } from './holding.ts'

/** Minimum bytes of the first buffer. A sender that trickles costs no more than this. */
const MIN_FIRST_BYTES = 4_096
/**
 * Buffer bytes to allocate for each byte received. An announced length is only a promise: a sender of one byte of 64 MiB
 * gets 4 KiB, and one at full speed, whose first chunk has 64 KiB, gets 512 KiB at once.
 */
const AHEAD_ANNOUNCED = 8
/** Growth factor of the buffer if no length was announced. */
const GROWTH = 2

/** `kept`: the chunk itself became the buffer. `full`: the budget had no room for it, or the request has ended. */
export type Appended = 'copied' | 'kept' | 'full'

/** Bytes that arrive in chunks, in one buffer that grows. The holding owns the buffer and is charged for all of it. */
export class GrowingBytes {
  readonly #holding: Holding
  readonly #max: number
  readonly #announced: boolean
  #buffer: Buffer | undefined
  length = 0

  /**
   * @param max maximum number of bytes
   * @param announced whether exactly `max` bytes were announced
   */
  constructor(holding: Holding, max: number, announced: boolean) {
    this.#holding = holding
    this.#max = max
    this.#announced = announced
  }

  append(chunk: Buffer): Appended {
    if (this.length === 0 && this.#announced && chunk.length === this.#max) {
      if (!this.#holding.take(chunk.length)) return 'full'
      this.#buffer = chunk
      this.length = chunk.length
      return 'kept'
    }
    const buffer = this.#room(this.length + chunk.length)
    if (buffer === undefined) return 'full'
    buffer.set(chunk, this.length)
    this.length += chunk.length
    return 'copied'
  }

  view(): Buffer {
    return this.#buffer === undefined ? Buffer.alloc(0) : this.#buffer.subarray(0, this.length)
  }

  #room(needed: number): Buffer | undefined {
    const had = this.#buffer
    if (had !== undefined && needed <= had.length) return had
    const ahead = this.#announced ? needed * AHEAD_ANNOUNCED : (had?.length ?? 0) * GROWTH
    const buffer = this.#holding.borrow(Math.max(needed, Math.min(this.#max, Math.max(MIN_FIRST_BYTES, ahead))))
    if (buffer === undefined) return undefined
    if (had !== undefined) {
      buffer.set(had.subarray(0, this.length))
      this.#holding.giveBack(had)
    }
    this.#buffer = buffer
    return buffer
  }
}
