/** A token bucket: at most `perSecond` a second over time, at most `burst` at once. */
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

  /** Takes a token; otherwise says in how many ms there will be one. */
  take(): true | number {
    const now = performance.now()
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#atMs) * this.#perMs)
    this.#atMs = now
    if (this.#tokens < 1) return (1 - this.#tokens) / this.#perMs
    this.#tokens--
    return true
  }
}
