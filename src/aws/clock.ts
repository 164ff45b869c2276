/**
 * Smaller differences are left alone: the Date of an answer has whole seconds, and does not show how long the answer took.
 * Four minutes is where the AWS SDK speaks of a skew; signatures are good for five.
 */
const MIN_OFFSET_MS = 240_000

/** The time as AWS has it: this machine's clock, corrected by what the answers of AWS show. */
export class Clock {
  #offsetMs = 0
  /** Wall clock less monotonic clock when the offset was learned. */
  #stepMs = 0

  /** @param offsetMs time of AWS less the time of this machine */
  learn(offsetMs: number): void {
    this.#offsetMs = Math.abs(offsetMs) < MIN_OFFSET_MS ? 0 : offsetMs
    this.#stepMs = step()
  }

  /** To be added to the time of this machine, ms. */
  get offsetMs(): number {
    // Somebody set the clock since, most likely right, or the machine slept: the offset is of another clock.
    return this.#offsetMs === 0 || Math.abs(step() - this.#stepMs) >= MIN_OFFSET_MS ? 0 : this.#offsetMs
  }

  now(): number {
    return Date.now() + this.offsetMs
  }
}

function step(): number {
  return Date.now() - performance.now()
}
