/** A token bucket: at most `perSecond` tokens per second over time, at most `burst` at once. */
export class Pace {
  readonly #perMs: number
  readonly #burst: number
  #tokens: number
  #atMs = performance.now()

  constructor(perSecond: number, burst: number) {
    this.#perMs = perSecond / 1_000
    this.#burst = burst
    this.#tokens = burst
  }

  /** Returns the ms until there is a token; 0 if there is one. */
  waitMs(): number {
    const now = performance.now()
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#atMs) * this.#perMs)
    this.#atMs = now
    return Math.max(0, 1 - this.#tokens) / this.#perMs
  }

  /** Takes a token. Call only if `waitMs()` is 0. */
  take(): void {
    this.#tokens--
  }
}
