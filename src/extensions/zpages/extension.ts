import type { Component } from '../../component/component.ts'
import type { Logger } from '../../telemetry/logger.ts'

/** Accepted so that a collector's config runs; opens nothing. */
export class Zpages implements Component {
  readonly #logger: Logger

  constructor(logger: Logger) {
    this.#logger = logger
  }

  async start(): Promise<void> {
    this.#logger.info('zpages has no effect here; see /metrics for pipeline data')
  }

  async shutdown(): Promise<void> {}
}
