import { firstPlace } from '../../../contract/first-place.ts'

/** Both ends are included. */
export type IdRange = readonly [from: number, to: number]

const FIRST_RANGES = 8

/**
 * A set of integers that mostly form long ranges. Filled first, queried afterwards. Two doubles per range and no object: if
 * every second record is settled, a full queue has a million ranges.
 */
export class IdRanges {
  /** from, to, from, to, … */
  #ends = new Float64Array(2 * FIRST_RANGES)
  #count = 0
  #sorted = true

  add(from: number, to: number): void {
    const last = 2 * (this.#count - 1)
    if (last >= 0) {
      const lastTo = this.#ends[last + 1] as number
      // Ids are mostly added in order.
      if (from === lastTo + 1) {
        this.#ends[last + 1] = to
        return
      }
      if (from <= lastTo) this.#sorted = false
    }
    if (2 * this.#count === this.#ends.length) {
      const grown = new Float64Array(2 * this.#ends.length)
      grown.set(this.#ends)
      this.#ends = grown
    }
    this.#ends[2 * this.#count] = from
    this.#ends[2 * this.#count + 1] = to
    this.#count++
  }

  /** Number of ranges. */
  get stretches(): number {
    this.#sort()
    return this.#count
  }

  /** Yields the ranges in order; no two are adjacent. */
  *[Symbol.iterator](): Generator<IdRange> {
    this.#sort()
    for (let i = 0; i < this.#count; i++) yield [this.#from(i), this.#to(i)]
  }

  has(id: number): boolean {
    const at = this.#firstReaching(id)
    return at < this.#count && this.#from(at) <= id
  }

  /** The largest number; 0 if the set is empty. */
  get last(): number {
    this.#sort()
    return this.#count === 0 ? 0 : this.#to(this.#count - 1)
  }

  /** Returns how many numbers of `[from, to]` are in the set. */
  countIn(from: number, to: number): number {
    let count = 0
    for (let at = this.#firstReaching(from); at < this.#count && this.#from(at) <= to; at++)
      count += Math.min(to, this.#to(at)) - Math.max(from, this.#from(at)) + 1
    return count
  }

  /** Yields the ranges of `[from, to]` that are not in the set. */
  *without(from: number, to: number): Generator<IdRange> {
    let next = from
    for (let at = this.#firstReaching(from); at < this.#count && this.#from(at) <= to; at++) {
      if (this.#from(at) > next) yield [next, this.#from(at) - 1]
      next = Math.max(next, this.#to(at) + 1)
    }
    if (next <= to) yield [next, to]
  }

  #from(at: number): number {
    return this.#ends[2 * at] as number
  }

  #to(at: number): number {
    return this.#ends[2 * at + 1] as number
  }

  /** Returns the index of the first range that does not end before `id`. */
  #firstReaching(id: number): number {
    this.#sort()
    return firstPlace(this.#count, (at) => this.#to(at) >= id)
  }

  #sort(): void {
    if (this.#sorted) return
    this.#sorted = true
    const ends = this.#ends
    const order = Uint32Array.from({ length: this.#count }, (_, i) => i)
    order.sort((a, b) => (ends[2 * a] as number) - (ends[2 * b] as number))
    const merged = new Float64Array(ends.length)
    let count = 0
    for (const i of order) {
      const from = ends[2 * i] as number
      const to = ends[2 * i + 1] as number
      const lastTo = merged[2 * count - 1]
      if (lastTo !== undefined && count > 0 && from <= lastTo + 1) merged[2 * count - 1] = Math.max(lastTo, to)
      else {
        merged[2 * count] = from
        merged[2 * count + 1] = to
        count++
      }
    }
    this.#ends = merged
    this.#count = count
  }
}

/** Returns the ranges of these numbers. */
export function rangesOf(ids: readonly number[]): IdRanges {
  const ranges = new IdRanges()
  for (const id of Float64Array.from(ids).sort()) ranges.add(id, id)
  return ranges
}
