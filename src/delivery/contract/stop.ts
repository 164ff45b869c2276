/** Result of a wait that a stop ended. */
export const STOPPED = Symbol('stopped')

/**
 * Ends waits at shutdown. `Promise.race` with one promise that lives as long as the process keeps 325 bytes of each wait
 * until that promise resolves: a replay of 400,000 dead letters would fill a heap of 128 MB.
 */
export class Stop {
  readonly #waits = new Set<() => void>()
  #isRequested = false

  get isRequested(): boolean {
    return this.#isRequested
  }

  request(): void {
    this.#isRequested = true
    for (const end of this.#waits) end()
    this.#waits.clear()
  }

  /** Resolves as `work`, or with STOPPED once a stop is requested. A later failure of `work` is ignored then. */
  before<T>(work: Promise<T>): Promise<T | typeof STOPPED> {
    return new Promise((resolve, reject) => {
      const end = () => resolve(STOPPED)
      if (this.#isRequested) end()
      else this.#waits.add(end)
      work.then(
        (value) => {
          this.#waits.delete(end)
          resolve(value)
        },
        (error: unknown) => {
          this.#waits.delete(end)
          reject(error instanceof Error ? error : new Error(String(error)))
        },
      )
    })
  }
}
