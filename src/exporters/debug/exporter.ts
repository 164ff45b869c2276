import type { Component } from '../../component/component.ts'
import type { LogsExporter, LogsRequest, Reservation } from '../../component/consumer.ts'
import type { ExporterSettings } from '../../component/factory.ts'
import { formatComponentId } from '../../component/id.ts'
import type { Refused } from '../../accounting/outcome.ts'
import { NOTHING_REJECTED } from '../../accounting/rejections.ts'
import { countRecords, countResourceLogs } from '../../otlp/check.ts'
import { decodeBeginning, type DecodeLimits } from '../../otlp/logs.ts'
import { registerLedger } from '../../accounting/ledger-metrics.ts'
import { Ledger } from '../../accounting/ledger.ts'
import { MalformedProtobuf } from '../../wire/protobuf-reader.ts'
import type { DebugConfig } from './config.ts'
import { detailedText, normalText } from './logs-text.ts'
import { openOutput, type Output } from './output.ts'
import { Sampler } from './sampler.ts'

/**
 * Maximum shown of one request. A record takes over a kilobyte of heap, as objects and as lines, and a request may hold
 * thirty million of them.
 */
const SHOWN: DecodeLimits = { fields: 10_000, textBytes: 1_048_576 }
const NOT_SHOWN = `… the rest of this request is not shown: it has over ${SHOWN.fields} fields or ${SHOWN.textBytes} bytes of text`

/** Prints the records of a pipeline. */
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
      answerOn: 'queued',
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
    const { logger } = this.#output
    logger.info('logs', { resource_logs: countResourceLogs(request.bytes), log_records: records })
    if (verbosity === 'basic') return
    const { logs, complete } = decodeBeginning(request.bytes, SHOWN)
    const text = verbosity === 'normal' ? normalText(logs) : detailedText(logs)
    logger.info(complete ? text : `${text}\n${NOT_SHOWN}`)
  }
}
