import type { Component } from '../../component/component.ts'
import type { LogsExporter, LogsRequest, Reservation } from '../../component/consumer.ts'
import type { ExporterSettings } from '../../component/factory.ts'
import { formatComponentId } from '../../component/id.ts'
import type { Refused } from '../../accounting/outcome.ts'
import { NOTHING_REJECTED } from '../../accounting/rejections.ts'
import { countRecords } from '../../otlp/check.ts'
import { registerLedger } from '../../accounting/ledger-metrics.ts'
import { Ledger } from '../../accounting/ledger.ts'
import { MalformedProtobuf } from '../../wire/protobuf-reader.ts'
import type { NopConfig } from './config.ts'

/** Checks the bytes as every exporter does, counts the records and drops them. */
export class NopExporter implements Component, LogsExporter {
  readonly ledger = new Ledger()
  readonly #settings: ExporterSettings<NopConfig>
  #unregister: () => void = () => {}

  constructor(settings: ExporterSettings<NopConfig>) {
    this.#settings = settings
  }

  async start(): Promise<void> {
    this.#unregister = registerLedger(this.#settings.metrics, formatComponentId(this.#settings.id), this.ledger)
  }

  async shutdown(): Promise<void> {
    this.#unregister()
  }

  reserve(request: LogsRequest): Reservation | Refused {
    try {
      return this.#reservation(countRecords(request.bytes))
    } catch (error) {
      if (error instanceof MalformedProtobuf) return { kind: 'refused', cause: 'malformed', message: error.message }
      throw error
    }
  }

  #reservation(records: number): Reservation {
    return {
      kind: 'reserved',
      records,
      rejected: NOTHING_REJECTED,
      answerOn: 'queued',
      warning: '',
      commit: (listener) => {
        this.ledger.receive(records)
        listener.queued(undefined)
        this.ledger.settle({ kind: 'delivered' }, records)
        listener.settled({ kind: 'delivered' }, records)
      },
      release() {},
    }
  }
}
