/** A worker that waits for its turn to do some work. */
export interface Waiter {
  /** @param done true: another worker did the work; false: it is this worker's turn */
  turn(name: string, done: boolean): void
}

/** A worker that asks this soon after work was done decided to ask before it was done. */
const RECENT_MS = 1_000

/** The parent's side of `Siblings.once`: of all workers that want the same work done, one does it while the others wait. */
export class Turns {
  /** Waiters by name; the first one has its turn. */
  readonly #waiting = new Map<string, Waiter[]>()
  /** Time at which work was done (performance.now()), by name, oldest first. */
  readonly #done = new Map<string, number>()

  want(name: string, waiter: Waiter): void {
    this.#forgetOld()
    if (this.#done.has(name)) return waiter.turn(name, true)
    const others = this.#waiting.get(name)
    if (others !== undefined) return void others.push(waiter)
    this.#waiting.set(name, [waiter])
    waiter.turn(name, false)
  }

  /** @param done false: the next waiter gets its turn */
  finished(name: string, waiter: Waiter, done: boolean): void {
    const [first, ...others] = this.#waiting.get(name) ?? []
    if (first !== waiter) return
    this.#forgetOld()
    if (done) this.#done.set(name, performance.now())
    if (done || others.length === 0) {
      this.#waiting.delete(name)
      for (const other of others) other.turn(name, true)
    } else {
      this.#waiting.set(name, others)
      others[0]?.turn(name, false)
    }
  }

  #forgetOld(): void {
    for (const [name, doneAtMs] of this.#done) {
      if (performance.now() - doneAtMs < RECENT_MS) return
      this.#done.delete(name)
    }
  }

  /** Removes a worker that exited; its unfinished work goes to the next waiter. */
  forget(waiter: Waiter): void {
    for (const [name, waiting] of this.#waiting) {
      const left = waiting.filter((one) => one !== waiter)
      if (waiting[0] === waiter) this.finished(name, waiter, false)
      else this.#waiting.set(name, left)
    }
  }
}
