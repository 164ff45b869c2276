import { firstPlace } from './first-place.ts'
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
 * The waiting runs of one lane, oldest first. Runs are taken at the front and added at the end; after an outage they are
 * also taken from the middle. After a failed put they return to their position.
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

  /** Adds items that joined the newest batch: to its last run, if that ends directly before them. */
  extend(run: Run): void {
    const last = this.at(this.length - 1)
    if (last?.batch === run.batch && last.to === run.from)
      this.#runs[this.#runs.length - 1] = { batch: run.batch, from: last.from, to: run.to }
    else this.#runs.push(run)
  }

  /** Removes the newest run. */
  dropLast(): void {
    if (this.length > 0) this.#runs.length--
  }

  /** Restores the order, after runs from elsewhere were added. */
  sort(): void {
    this.#runs = this.#runs.slice(this.#head).sort((a, b) => byOrder(a as Run, b as Run))
    this.#head = 0
  }

  /** Returns taken runs to their positions, so that the runs are always in arrival order. */
  putBack(runs: readonly Run[]): void {
    const oldestFirst = runs.toSorted(byOrder)
    const [oldest, newest] = [oldestFirst[0], oldestFirst.at(-1)]
    if (oldest === undefined || newest === undefined) return
    const place = this.#firstPlace((run) => byOrder(run, oldest) > 0)
    const next = this.at(place)
    if (next !== undefined && byOrder(next, newest) < 0) {
      // Runs left out of their put, because of its time span, belong between them.
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

  /** Returns the index of the first run queued at `sinceMs` or later; `length` if there is none. */
  firstSince(sinceMs: number): number {
    return this.#firstPlace((run) => run.batch.order >= sinceMs)
  }

  /** Returns the index of the first run for which `reached` is true, as it is for all later ones. */
  #firstPlace(reached: (run: Run) => boolean): number {
    return firstPlace(this.length, (place) => reached(this.#runs[this.#head + place] as Run))
  }

  /** Replaces `count` runs from `place` on by `instead`. */
  replace(place: number, count: number, instead: Run | undefined): void {
    if (place > 0) {
      if (instead === undefined) this.#runs.splice(this.#head + place, count)
      else this.#runs.splice(this.#head + place, count, instead)
      return
    }
    for (let i = 0; i < count; i++) this.#runs[this.#head++] = undefined
    if (instead !== undefined) this.#runs[--this.#head] = instead
    // More than half of the array is consumed: drop that half, so that the array of a lane that never empties stays bounded.
    if (this.#head > 64 && this.#head * 2 > this.#runs.length) {
      this.#runs = this.#runs.slice(this.#head)
      this.#head = 0
    }
  }
}
