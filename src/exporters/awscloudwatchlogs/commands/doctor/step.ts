// The checks of `doctor`: each has a name, a bounded time and one or more findings.

/** `fail`: the daemon cannot work like this. `warn`: it can, and the operator should know. `skip`: not tried. */
export type Status = 'ok' | 'warn' | 'fail' | 'skip'

export interface Finding {
  readonly status: Status
  readonly detail: string
  /** An instruction for the operator. */
  readonly advice?: string | undefined
  /** The IAM action that is missing. */
  readonly action?: string | undefined
  /** The IAM statement that allows it. */
  readonly statement?: object | undefined
}

export interface Reported extends Finding {
  readonly exporter: string
  readonly step: string
}

/** A step that takes longer than this is announced. */
const ANNOUNCED_AFTER_MS = 2_000

export interface Reporter {
  report(reported: Reported): void
  /** Shows that a step is under way. */
  progress(text: string): void
}

/** Runs the steps of one exporter, one after another. */
export class Steps {
  readonly #exporter: string
  readonly #reporter: Reporter
  readonly #stop: AbortSignal
  readonly #timeoutMs: number
  failed = false

  constructor(exporter: string, reporter: Reporter, stop: AbortSignal, timeoutMs: number) {
    this.#exporter = exporter
    this.#reporter = reporter
    this.#stop = stop
    this.#timeoutMs = timeoutMs
  }

  get stopped(): boolean {
    return this.#stop.aborted
  }

  report(step: string, finding: Finding): void {
    if (finding.status === 'fail') this.failed = true
    this.#reporter.report({ exporter: this.#exporter, step, ...finding })
  }

  /**
   * Runs `work` until it is done, the time is over or the command is stopped.
   * @param work gets a signal that ends it
   * @throws what `work` throws; OutOfTime
   */
  async within<T>(step: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const timeout = AbortSignal.timeout(this.#timeoutMs)
    const signal = AbortSignal.any([this.#stop, timeout])
    const announcement = setTimeout(
      () => this.#reporter.progress(`${step}: waiting for an answer, at most ${this.#timeoutMs / 1_000} s`),
      ANNOUNCED_AFTER_MS,
    )
    const ended = Promise.withResolvers<never>()
    const outOfTime = () => new OutOfTime(this.#stop.aborted ? 'stopped' : `no answer in ${this.#timeoutMs / 1_000} s`)
    const end = () => ended.reject(outOfTime())
    if (signal.aborted) end()
    else signal.addEventListener('abort', end, { once: true })
    try {
      signal.throwIfAborted()
      // A source of credentials ignores the signal.
      return await Promise.race([work(signal), ended.promise])
    } catch (error) {
      if (signal.aborted) throw outOfTime()
      throw error
    } finally {
      ended.promise.catch(() => {})
      clearTimeout(announcement)
      signal.removeEventListener('abort', end)
    }
  }
}

export class OutOfTime extends Error {
  override readonly name = 'OutOfTime'
}
