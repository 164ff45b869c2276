import { invalidParameter } from '../answer/service-error.ts'

/**
 * Instructions of a regular expression times characters of one event. RE2 takes 0.01 to 1 ns each where it can build its
 * automaton, and 15 to 32 ns where that grows too large (`[a-m].{1000}[0-9]`, measured): a second then. It cannot be
 * interrupted, so what could take longer is refused. 64 KiB leave room for 500 instructions, 1 MB for 30.
 */
const MAX_STEPS = 32_000_000

/** The work of the regular expressions of one filter pattern on one event. */
export class RegexWork {
  #steps = 0

  /** The next event. */
  begin(): void {
    this.#steps = 0
  }

  /**
   * Asked before a regular expression runs.
   * @throws ServiceError InvalidParameterException
   */
  take(source: string, instructions: number, text: string): void {
    const steps = instructions * text.length
    this.#steps += steps
    if (this.#steps <= MAX_STEPS) return
    const most = Math.floor(MAX_STEPS / instructions)
    throw invalidParameter(
      `Invalid filter pattern: %${source}% has ${instructions} instructions, with which cloudwatch_local searches at most ` +
        `${most} characters of an event, and one has more: write a smaller count in { }, fewer alternatives, or a term in place of ` +
        'the regular expression; or leave the event out by startTime, endTime or logStreamNames',
    )
  }
}
