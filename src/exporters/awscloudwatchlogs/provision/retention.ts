import type { Logger } from '../../../telemetry/logger.ts'
import type { CreationCalls } from './creation-calls.ts'

/** Groups whose retention is remembered. Groups are created at twice its pace, so this is reached after 40 minutes of them. */
const MAX_REMEMBERED = 10_000
/** Names in the log line about groups that are left without. */
const MAX_NAMED = 20

/**
 * Sets the retention of groups that were created. It is tried until CloudWatch answers: its quota is 5 calls a second, and
 * a group that is left without keeps its events, and their cost, for ever.
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

  /** Nobody waits for it: a group without its retention takes events. */
  set(group: string): void {
    if (this.#days === 0) return
    if (this.#waiting.size >= MAX_REMEMBERED) return this.#leave([group], `${MAX_REMEMBERED} others wait for theirs`)
    this.#waiting.add(group)
    void this.#set(group)
  }

  stop(): void {
    this.#stopping.abort()
    if (this.#waiting.size > 0) this.#leave([...this.#waiting], 'the exporter is stopping')
    this.#waiting.clear()
  }

  async #set(group: string): Promise<void> {
    const { signal } = this.#stopping
    const outcome = await this.#calls.run('retention', (calls) => calls.putRetentionPolicy(group, this.#days, signal))
    if (!this.#waiting.delete(group)) return
    // A group that is missing was deleted meanwhile.
    if (outcome.kind === 'accepted' || outcome.kind === 'missing') return
    this.#leave([group], 'message' in outcome ? outcome.message : outcome.kind)
  }

  #leave(groups: readonly string[], error: string): void {
    this.#logger.error('log groups were created without their retention: set it by hand', {
      groups: groups.slice(0, MAX_NAMED),
      count: groups.length,
      days: this.#days,
      error,
    })
  }
}
