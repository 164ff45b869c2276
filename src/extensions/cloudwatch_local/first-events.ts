import type { Logger } from '../../telemetry/logger.ts'
import type { Batch } from './store/store.ts'

/** Maximum characters of an event to show. */
const MAX_SHOWN = 400

/** Logs the first events to arrive, so that a new user sees them. */
export class FirstEvents {
  readonly #count: number
  readonly #logger: Logger
  #shown = 0

  constructor(count: number, logger: Logger) {
    this.#count = count
    this.#logger = logger
  }

  show({ stream, events }: Batch): void {
    for (const { timestamp, message } of events) {
      if (this.#shown >= this.#count) return
      this.#shown += 1
      const time = new Date(timestamp).toISOString().slice(11, -1)
      const text = message.length > MAX_SHOWN ? `${message.slice(0, MAX_SHOWN)}…` : message
      this.#logger.info(
        `${this.#shown} of the first ${this.#count}: ${time} ${stream.group.name} ${stream.name} ${text}`,
      )
    }
  }
}
