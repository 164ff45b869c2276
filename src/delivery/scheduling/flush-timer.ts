import { timerDelay } from '../../telemetry/timer-delay.ts'

/**
 * Calls `due` for each entry once its deadline has passed. All entries wait the same time, so they are due in the order in
 * which they were added: one list and one timer serve any number of lanes.
 */
export class FlushTimer<Entry> {
  readonly #due: (entry: Entry, deadlineMs: number) => void
  #entries: { readonly entry: Entry; readonly deadlineMs: number }[] = []
  #head = 0
  #timer: NodeJS.Timeout | undefined

  readonly #background: boolean

  /** @param background the timer does not keep the process alive */
  constructor(due: (entry: Entry, deadlineMs: number) => void, background = false) {
    this.#due = due
    this.#background = background
  }

  add(entry: Entry, deadlineMs: number): void {
    this.#entries.push({ entry, deadlineMs })
    if (this.#timer === undefined) this.#arm()
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#entries = []
    this.#head = 0
  }

  #arm(): void {
    const next = this.#entries[this.#head]
    if (next === undefined) return
    this.#timer = setTimeout(() => this.#fire(), timerDelay(next.deadlineMs - performance.now()))
    if (this.#background) this.#timer.unref()
  }

  #fire(): void {
    this.#timer = undefined
    const now = performance.now()
    for (
      let next = this.#entries[this.#head];
      next !== undefined && next.deadlineMs <= now;
      next = this.#entries[this.#head]
    ) {
      this.#head++
      this.#due(next.entry, next.deadlineMs)
    }
    if (this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head)
      this.#head = 0
    }
    if (this.#timer === undefined) this.#arm()
  }
}
