import type { QueuedBatch } from './queue.ts'

/** Items `[from, to)` of one batch. */
export interface Run {
  readonly batch: QueuedBatch
  readonly from: number
  readonly to: number
}

/**
 * The runs that wait in one lane, oldest first. Taken at the front, put back at the front after a failed put, added at
 * the end; after an outage also taken from the middle.
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

  unshift(runs: readonly Run[]): void {
    if (runs.length <= this.#head) {
      this.#head -= runs.length
      for (let i = 0; i < runs.length; i++) this.#runs[this.#head + i] = runs[i]
    } else {
      this.#runs = [...runs, ...this.#runs.slice(this.#head)]
      this.#head = 0
    }
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
