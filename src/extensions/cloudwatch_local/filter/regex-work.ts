import { invalidParameter } from '../answer/service-error.ts'

/**
 * Maximum work: instructions of a regular expression times characters of one event. RE2 takes 0.01 to 1 ns each if it can build
 * its automaton, and 15 to 32 ns if that grows too large (`[a-m].{1000}[0-9]`, measured): a second then. It cannot be
 * interrupted, so longer work is refused. 64 KiB leave room for 500 instructions, 1 MB for 30.
 */
const MAX_STEPS = 32_000_000

/** The work of the regular expressions of one filter pattern on one event. */
export class RegexWork {
  #steps = 0

  /** Starts the next event. */
  begin(): void {
    this.#steps = 0
  }

  /**
   * Call before a regular expression runs.
   * @throws ServiceError InvalidParameterException
   */
  take(source: string, instructions: number, text: string): void {
    const steps = instructions * text.length
    this.#steps += steps
    if (this.#steps <= MAX_STEPS) return
    const maxCharacters = Math.floor(MAX_STEPS / instructions)
    throw invalidParameter(
      `Invalid filter pattern: %${source}% has ${instructions} instructions, with which cloudwatch_local searches at most ` +
        `${maxCharacters} characters of an event, and one has more: write a smaller count in { }, fewer alternatives, or a term ` +
        'instead of the regular expression; or exclude the event by startTime, endTime or logStreamNames',
    )
  }
}
