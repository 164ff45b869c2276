/** Shows the first `initial` requests of each second, then every `thereafter`th of that second; 0 is none. */
export class Sampler {
  readonly #initial: number
  readonly #thereafter: number
  #second = -1
  #seen = 0

  constructor(initial: number, thereafter: number) {
    this.#initial = initial
    this.#thereafter = thereafter
  }

  /** @param nowMs wall clock, ms since the epoch */
  shows(nowMs: number): boolean {
    const second = Math.floor(nowMs / 1_000)
    if (second !== this.#second) {
      this.#second = second
      this.#seen = 0
    }
    this.#seen++
    const later = this.#seen - this.#initial
    return later <= 0 || (this.#thereafter > 0 && later % this.#thereafter === 0)
  }
}
