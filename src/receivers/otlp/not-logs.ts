import type { Refused } from '../../accounting/outcome.ts'
import type { Logger } from '../../telemetry/logger.ts'

/**
 * Answers senders of traces and metrics. Most set OTEL_EXPORTER_OTLP_ENDPOINT, which points all three signals here; they
 * are told which variable to set, and the operator once for each signal.
 */
export class NotLogs {
  readonly #logger: Logger
  readonly #said = new Set<string>()

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** @param signal what came: `traces`, `metrics`, `profiles` */
  refuse(signal: string): Refused {
    const advice = 'set OTEL_EXPORTER_OTLP_LOGS_ENDPOINT instead of OTEL_EXPORTER_OTLP_ENDPOINT'
    if (!this.#said.has(signal)) {
      this.#said.add(signal)
      this.#logger.warn(`a client sends ${signal}, which is refused (said once): this daemon takes logs; ${advice}`)
    }
    return { kind: 'refused', cause: 'not_logs', message: `this server takes logs, not ${signal}: ${advice}` }
  }
}
