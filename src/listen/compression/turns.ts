/** Lets a few at a time work, in the order in which they came. One that is withdrawn leaves nothing behind. */
export class Turns {
  readonly #max: number
  #working = 0
  readonly #waiting = new Set<() => void>()

  constructor(max: number) {
    this.#max = max
  }

  /** @param start called once it is its turn, possibly before this returns; `end` is due after it */
  wait(start: () => void): void {
    if (this.#working === this.#max) {
      this.#waiting.add(start)
      return
    }
    this.#working++
    start()
  }

  /** @returns whether it was still waiting; if so it never starts */
  withdraw(start: () => void): boolean {
    return this.#waiting.delete(start)
  }

  /** One that started has ended: the next one starts. */
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
