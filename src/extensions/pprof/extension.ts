import type { Component } from '../../component/component.ts'
import type { Logger } from '../../telemetry/logger.ts'

/** Accepted so that a collector's config runs; opens nothing. */
export class Pprof implements Component {
  readonly #logger: Logger

  constructor(logger: Logger) {
    this.#logger = logger
  }

  async start(): Promise<void> {
    this.#logger.info('pprof profiles the Go runtime and has no effect here; start node with --cpu-prof or --inspect')
  }

  async shutdown(): Promise<void> {}
}
