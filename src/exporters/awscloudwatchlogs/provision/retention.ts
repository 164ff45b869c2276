import type { Logger } from '../../../telemetry/logger.ts'
import type { CreationCalls } from './creation-calls.ts'

/** Maximum groups waiting for retention. Groups are created at twice its pace, so this takes 40 minutes to reach. */
const MAX_WAITING = 10_000
/** Maximum names in the log line about groups without their retention. */
const MAX_NAMED = 20

/**
 * Sets the retention of created groups. Retries until CloudWatch answers: the quota is 5 calls a second, and a group without
 * retention keeps its events, and their cost, forever.
 */
export class Retention {
  readonly #calls: CreationCalls
  readonly #days: number
  readonly #logger: Logger
  readonly #waiting = new Set<string>()
  readonly #stopping = new AbortController()

  constructor(calls: CreationCalls, days: number, logger: Logger) {
    this.#calls = calls
    this.#days = days
    this.#logger = logger
  }

  /** Runs in the background: a group without its retention accepts events. */
  set(group: string): void {
    if (this.#days === 0) return
    if (this.#waiting.size >= MAX_WAITING) return this.#report([group], `${MAX_WAITING} other groups wait for theirs`)
    this.#waiting.add(group)
    void this.#set(group)
  }

  stop(): void {
    this.#stopping.abort()
    if (this.#waiting.size > 0) this.#report([...this.#waiting], 'the exporter is stopping')
    this.#waiting.clear()
  }

  async #set(group: string): Promise<void> {
    const { signal } = this.#stopping
    const outcome = await this.#calls.run('retention', (calls) => calls.putRetentionPolicy(group, this.#days, signal))
    if (!this.#waiting.delete(group)) return
    // A missing group was deleted in the meantime.
    if (outcome.kind === 'done' || outcome.kind === 'missing') return
    this.#report([group], 'message' in outcome ? outcome.message : outcome.kind)
  }

  #report(groups: readonly string[], error: string): void {
    this.#logger.error('log groups were created without their retention: set it by hand', {
      groups: groups.slice(0, MAX_NAMED),
      count: groups.length,
      days: this.#days,
      error,
    })
  }
}
