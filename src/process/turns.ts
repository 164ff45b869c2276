/** Somebody who can be told that it is their turn, or that another has done it. */
export interface Waiter {
  turn(name: string, done: boolean): void
}

/** Who asks so soon after something was done had seen it missing before that. */
const RECENT_MS = 1_000

/** What the parent keeps for `Siblings.once`: of all that want the same thing done, one does it while the others wait. */
export class Turns {
  /** By name, first the one whose turn it is. */
  readonly #waiting = new Map<string, Waiter[]>()
  /** performance.now() by name, the oldest first. */
  readonly #done = new Map<string, number>()

  want(name: string, waiter: Waiter): void {
    this.#forgetOld()
    if (this.#done.has(name)) return waiter.turn(name, true)
    const others = this.#waiting.get(name)
    if (others !== undefined) return void others.push(waiter)
    this.#waiting.set(name, [waiter])
    waiter.turn(name, false)
  }

  /** @param done false: the next one has its turn */
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

  /** It is gone, and what it was at is not done. */
  forget(waiter: Waiter): void {
    for (const [name, waiting] of this.#waiting) {
      const left = waiting.filter((one) => one !== waiter)
      if (waiting[0] === waiter) this.finished(name, waiter, false)
      else this.#waiting.set(name, left)
    }
  }
}
