/**
 * Smaller offsets are ignored: the Date of an answer has whole seconds and does not include the answer's latency. The AWS SDK
 * corrects skew from four minutes on; signatures are valid for five.
 */
const MIN_OFFSET_MS = 240_000

/** AWS's time: this machine's clock, corrected by the offset that AWS's answers show. */
export class Clock {
  #offsetMs = 0
  /** Wall clock minus monotonic clock when the offset was learned. */
  #stepMs = 0

  /** @param offsetMs AWS's time minus this machine's */
  learn(offsetMs: number): void {
    this.#offsetMs = Math.abs(offsetMs) < MIN_OFFSET_MS ? 0 : offsetMs
    this.#stepMs = step()
  }

  /** ms to add to this machine's time. */
  get offsetMs(): number {
    // The clock was set since, probably correctly, or the machine slept: the offset no longer applies.
    return this.#offsetMs === 0 || Math.abs(step() - this.#stepMs) >= MIN_OFFSET_MS ? 0 : this.#offsetMs
  }

  now(): number {
    return Date.now() + this.offsetMs
  }
}

function step(): number {
  return Date.now() - performance.now()
}
