import type { Component } from '../../component/component.ts'
import type { LogsExporter, LogsRequest, Reservation } from '../../component/consumer.ts'
import type { ExporterSettings } from '../../component/factory.ts'
import { formatComponentId } from '../../component/id.ts'
import type { Refused } from '../../accounting/outcome.ts'
import { NOTHING_REJECTED } from '../../accounting/rejections.ts'
import { countRecords } from '../../otlp/check.ts'
import { decodeLogs } from '../../otlp/logs.ts'
import { registerLedger } from '../../accounting/ledger-metrics.ts'
import { Ledger } from '../../accounting/ledger.ts'
import { MalformedProtobuf } from '../../wire/protobuf-reader.ts'
import type { DebugConfig } from './config.ts'
import { detailedText, normalText } from './logs-text.ts'
import { openOutput, type Output } from './output.ts'
import { Sampler } from './sampler.ts'

/** Shows what comes through a pipeline. */
export class DebugExporter implements Component, LogsExporter {
  readonly ledger = new Ledger()
  readonly #settings: ExporterSettings<DebugConfig>
  readonly #sampler: Sampler
  #output: Output
  #unregister: () => void = () => {}

  constructor(settings: ExporterSettings<DebugConfig>) {
    const { sampling_initial, sampling_thereafter } = settings.config
    this.#settings = settings
    this.#sampler = new Sampler(sampling_initial, sampling_thereafter)
    this.#output = { logger: settings.logger, close() {} }
  }

  async start(): Promise<void> {
    const { config, id, metrics } = this.#settings
    if (!config.use_internal_logger) this.#output = openOutput(config.output_paths ?? ['stdout'])
    this.#unregister = registerLedger(metrics, formatComponentId(id), this.ledger)
  }

  async shutdown(): Promise<void> {
    this.#unregister()
    this.#output.close()
    this.#output = { logger: this.#settings.logger, close() {} }
  }

  reserve(request: LogsRequest): Reservation | Refused {
    try {
      return this.#reservation(request, countRecords(request.bytes))
    } catch (error) {
      if (error instanceof MalformedProtobuf) return { kind: 'refused', cause: 'malformed', message: error.message }
      throw error
    }
  }

  #reservation(request: LogsRequest, records: number): Reservation {
    return {
      kind: 'reserved',
      records,
      rejected: NOTHING_REJECTED,
      warning: '',
      commit: (listener) => {
        if (this.#sampler.shows(request.receivedAtMs)) this.#show(request, records)
        this.ledger.receive(records)
        listener.queued(undefined)
        this.ledger.settle({ kind: 'delivered' }, records)
        listener.settled({ kind: 'delivered' }, records)
      },
      release() {},
    }
  }

  #show(request: LogsRequest, records: number): void {
    const { verbosity } = this.#settings.config
    const logs = decodeLogs(request.bytes)
    const { logger } = this.#output
    logger.info('logs', { resource_logs: logs.length, log_records: records })
    if (verbosity === 'basic') return
    logger.info(verbosity === 'normal' ? normalText(logs) : detailedText(logs))
  }
}
