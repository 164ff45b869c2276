import { CloudWatchLogs } from './cloudwatch-logs.ts'
import type { Component } from '../../component/component.ts'
import type { LogsExporter, LogsRequest, Reservation } from '../../component/consumer.ts'
import type { ExporterSettings } from '../../component/factory.ts'
import { formatComponentId } from '../../component/id.ts'
import type { Refused, Retry } from '../../component/outcome.ts'
import { registerLedger } from '../../telemetry/ledger-metrics.ts'
import type { Ledger } from '../../telemetry/ledger.ts'
import type { Config } from './config.ts'
import { registerMetrics } from './metrics.ts'

/** The exporter as a component of the daemon: `CloudWatchLogs` with its metrics shown. */
export class CloudWatchLogsExporter implements Component, LogsExporter {
  readonly #settings: ExporterSettings<Config>
  readonly #logs: CloudWatchLogs
  #unregister: (() => void)[] = []

  constructor(settings: ExporterSettings<Config>) {
    this.#settings = settings
    this.#logs = new CloudWatchLogs(settings)
  }

  get ledger(): Ledger {
    return this.#logs.ledger
  }

  async start(): Promise<void> {
    await this.#logs.start()
    const { metrics, id } = this.#settings
    const name = formatComponentId(id)
    const { queue } = this.#logs
    const fill = { size: () => queue.size, capacity: () => queue.capacity }
    this.#unregister = [registerLedger(metrics, name, this.ledger, fill), registerMetrics(metrics, name, this.#logs)]
  }

  async shutdown(signal: AbortSignal): Promise<void> {
    await this.#logs.shutdown(signal)
    for (const unregister of this.#unregister) unregister()
    this.#unregister = []
  }

  reserve(request: LogsRequest): Reservation | Retry | Refused {
    return this.#logs.reserve(request)
  }
}
