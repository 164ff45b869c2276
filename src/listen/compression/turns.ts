/** Limits how many jobs run at once; the others wait in order. A withdrawn job leaves nothing behind. */
export class Turns {
  readonly #max: number
  #working = 0
  readonly #waiting = new Set<() => void>()

  constructor(max: number) {
    this.#max = max
  }

  /** @param start called when there is room, possibly before this returns; the job must call `end` when it is over */
  wait(start: () => void): void {
    if (this.#working === this.#max) {
      this.#waiting.add(start)
      return
    }
    this.#working++
    start()
  }

  /** @returns true if the job was still waiting; it never starts then */
  withdraw(start: () => void): boolean {
    return this.#waiting.delete(start)
  }

  /** Ends a started job and starts the next one. */
  end(): void {
    const [next] = this.#waiting
    if (next === undefined) {
      this.#working--
      return
    }
    this.#waiting.delete(next)
    next()
  }
}
