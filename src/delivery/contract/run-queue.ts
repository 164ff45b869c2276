import type { QueuedBatch } from './queue.ts'

/** Items `[from, to)` of one batch. */
export interface Run {
  readonly batch: QueuedBatch
  readonly from: number
  readonly to: number
}

function byOrder(a: Run, b: Run): number {
  return a.batch.order - b.batch.order || a.from - b.from
}

/**
 * The runs that wait in one lane, oldest first. Taken at the front and added at the end; after an outage also taken from
 * the middle. After a failed put they come back to where they were.
 *
 *   #runs  | taken, undefined … | oldest | … | newest |
 *            0                    #head
 */
export class RunQueue {
  #runs: (Run | undefined)[] = []
  #head = 0

  get length(): number {
    return this.#runs.length - this.#head
  }

  at(place: number): Run | undefined {
    return this.#runs[this.#head + place]
  }

  push(run: Run): void {
    this.#runs.push(run)
  }

  /** Adds items that joined the newest batch: to its last run, where that ends in front of them. */
  extend(run: Run): void {
    const last = this.at(this.length - 1)
    if (last?.batch === run.batch && last.to === run.from)
      this.#runs[this.#runs.length - 1] = { batch: run.batch, from: last.from, to: run.to }
    else this.#runs.push(run)
  }

  /** Takes out the newest. */
  dropLast(): void {
    if (this.length > 0) this.#runs.length--
  }

  /** Brings everything in order, after runs were added that have waited elsewhere. */
  sort(): void {
    this.#runs = this.#runs.slice(this.#head).sort((a, b) => byOrder(a as Run, b as Run))
    this.#head = 0
  }

  /** Puts runs that were taken back where they were: what waits is always in the order in which it came. */
  putBack(runs: readonly Run[]): void {
    const oldestFirst = runs.toSorted(byOrder)
    const [oldest, newest] = [oldestFirst[0], oldestFirst.at(-1)]
    if (oldest === undefined || newest === undefined) return
    const place = this.#firstPlace((run) => byOrder(run, oldest) > 0)
    const next = this.at(place)
    if (next !== undefined && byOrder(next, newest) < 0) {
      // What would have stretched their put over its span was left behind, and belongs between them.
      for (const run of oldestFirst) this.#runs.push(run)
      this.sort()
    } else if (place > 0) this.#runs.splice(this.#head + place, 0, ...oldestFirst)
    else if (runs.length <= this.#head) {
      this.#head -= runs.length
      for (let i = 0; i < runs.length; i++) this.#runs[this.#head + i] = oldestFirst[i]
    } else {
      this.#runs = [...oldestFirst, ...this.#runs.slice(this.#head)]
      this.#head = 0
    }
  }

  /** Place of the first run that was queued at `sinceMs` or later; `length` if there is none. */
  firstSince(sinceMs: number): number {
    return this.#firstPlace((run) => run.batch.order >= sinceMs)
  }

  /** Place of the first run for which `reached` holds, as it does for all after it. */
  #firstPlace(reached: (run: Run) => boolean): number {
    let low = 0
    let high = this.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (reached(this.#runs[this.#head + middle] as Run)) high = middle
      else low = middle + 1
    }
    return low
  }

  /** Takes out `count` runs from `place` on and puts `instead` there. */
  replace(place: number, count: number, instead: Run | undefined): void {
    if (place > 0) {
      if (instead === undefined) this.#runs.splice(this.#head + place, count)
      else this.#runs.splice(this.#head + place, count, instead)
      return
    }
    for (let i = 0; i < count; i++) this.#runs[this.#head++] = undefined
    if (instead !== undefined) this.#runs[--this.#head] = instead
    // Half of the array is behind us: let it go, so that a lane that never empties does not grow.
    if (this.#head > 64 && this.#head * 2 > this.#runs.length) {
      this.#runs = this.#runs.slice(this.#head)
      this.#head = 0
    }
  }
}
