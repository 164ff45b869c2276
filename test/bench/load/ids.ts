/** Before the id in the body of every record; occurs nowhere else. */
export const ID_MARK = '@@'
export const ID_DIGITS = 10
/** Stands in a body until its record has an id. */
export const NO_ID = `${ID_MARK}${'0'.repeat(ID_DIGITS)}`

/** Ids `[first, first + count)`. */
export interface IdRange {
  readonly first: number
  readonly count: number
}

export interface Audit {
  /** Acknowledged records that never came. */
  readonly lost: number
  /** Times a record came again, or after a retryable answer to its sender. */
  readonly doubled: number
}

/** How often each id came. */
export class SeenIds {
  #times = new Uint8Array(1 << 20)
  /** Ids that came at least once. */
  distinct = 0

  mark(id: number): void {
    if (id >= this.#times.length) {
      const grown = new Uint8Array(Math.max(id + 1, this.#times.length * 2))
      grown.set(this.#times)
      this.#times = grown
    }
    const times = this.#times[id] ?? 0
    if (times === 0) this.distinct++
    if (times < 255) this.#times[id] = times + 1
  }

  /**
   * @param issued ids `[0, issued)` were sent
   * @param refused records with a retryable answer
   * @param unknown what may or may not have been taken: its connection broke
   */
  audit(issued: number, refused: readonly IdRange[], unknown: readonly IdRange[]): Audit {
    const expected = new Uint8Array(Math.max(issued, this.#times.length)).fill(1, 0, issued)
    for (const { first, count } of refused) expected.fill(0, first, first + count)
    for (const { first, count } of unknown)
      for (let id = first; id < first + count; id++) expected[id] = Math.min(1, this.#times[id] ?? 0)
    let lost = 0
    let doubled = 0
    for (let id = 0; id < expected.length; id++) {
      const surplus = (this.#times[id] ?? 0) - (expected[id] ?? 0)
      if (surplus < 0) lost++
      else doubled += surplus
    }
    return { lost, doubled }
  }
}
