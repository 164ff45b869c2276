/** Ends included. */
export type IdRange = readonly [from: number, to: number]

/** A set of whole numbers that come in long stretches. Filled first, asked then. */
export class IdRanges {
  #ranges: IdRange[] = []
  #sorted = true

  add(from: number, to: number): void {
    const last = this.#ranges.at(-1)
    // They come in order for the most part.
    if (last !== undefined && from === last[1] + 1) this.#ranges[this.#ranges.length - 1] = [last[0], to]
    else this.#ranges.push([from, to])
    this.#sorted = false
  }

  /** In order, none touching another. */
  get ranges(): readonly IdRange[] {
    return this.#inOrder()
  }

  has(id: number): boolean {
    const ranges = this.#inOrder()
    let low = 0
    let high = ranges.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const [from, to] = ranges[middle] as IdRange
      if (id > to) low = middle + 1
      else if (id < from) high = middle
      else return true
    }
    return false
  }

  /** 0 if there is none. */
  get last(): number {
    return this.#inOrder().at(-1)?.[1] ?? 0
  }

  /** How many of `[from, to]` are in it. */
  countIn(from: number, to: number): number {
    let count = 0
    for (const range of this.#inOrder()) count += Math.max(0, Math.min(to, range[1]) - Math.max(from, range[0]) + 1)
    return count
  }

  /** What of `[from, to]` is not in it. */
  without(from: number, to: number): IdRange[] {
    const gaps: IdRange[] = []
    let next = from
    for (const range of this.#inOrder()) {
      if (range[0] > to) break
      if (range[0] > next) gaps.push([next, range[0] - 1])
      next = Math.max(next, range[1] + 1)
    }
    if (next <= to) gaps.push([next, to])
    return gaps
  }

  #inOrder(): readonly IdRange[] {
    if (this.#sorted) return this.#ranges
    const merged: [number, number][] = []
    for (const [from, to] of this.#ranges.sort((a, b) => a[0] - b[0])) {
      const last = merged.at(-1)
      if (last !== undefined && from <= last[1] + 1) last[1] = Math.max(last[1], to)
      else merged.push([from, to])
    }
    this.#ranges = merged
    this.#sorted = true
    return merged
  }
}

/** Stretches of these numbers. */
export function rangesOf(ids: readonly number[]): IdRange[] {
  const ranges: [number, number][] = []
  for (const id of Float64Array.from(ids).sort()) {
    const last = ranges.at(-1)
    if (last !== undefined && id <= last[1] + 1) last[1] = id
    else ranges.push([id, id])
  }
  return ranges
}

/** Everything from 1 to `last` that is not among these numbers. */
export function rangesWithout(ids: readonly number[], last: number): IdRange[] {
  const ranges: IdRange[] = []
  let next = 1
  for (const id of Float64Array.from(ids).sort()) {
    if (id > next) ranges.push([next, id - 1])
    next = id + 1
  }
  if (next <= last) ranges.push([next, last])
  return ranges
}
