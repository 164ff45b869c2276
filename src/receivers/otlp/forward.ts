import { accepted, type Answer, type LogsConsumer, type LogsRequest } from '../../component/consumer.ts'
import type { Identity } from '../../component/authenticator.ts'
import type { Refused, Retry } from '../../accounting/outcome.ts'
import { countRecords } from '../../otlp/check.ts'
import { MalformedProtobuf } from '../../wire/protobuf-reader.ts'
import type { TransportCounters } from './counters.ts'

/** Hands the requests of one transport to the pipelines, and counts what becomes of them. */
export class Forward {
  readonly #next: LogsConsumer
  readonly #counters: TransportCounters

  constructor(next: LogsConsumer, counters: TransportCounters) {
    this.#next = next
    this.#counters = counters
  }

  /**
   * @param bytes an ExportLogsServiceRequest, lent until this returns; an empty one is a success without a record
   * @param answer called once, possibly before this returns
   */
  consume(bytes: Uint8Array, metadata: LogsRequest['metadata'], identity: Identity | undefined, answer: Answer): void {
    const counters = this.#counters
    if (bytes.length === 0) {
      counters.requestsAccepted++
      return answer(accepted(0))
    }
    let lent = true
    this.#next.consume({ bytes, receivedAtMs: Date.now(), metadata, identity, answerOn: 'queued' }, (outcome) => {
      if (outcome.kind === 'accepted') {
        counters.requestsAccepted++
        counters.accepted += outcome.records - outcome.rejected
        counters.refused += outcome.rejected
      } else {
        // After `consume` the bytes are gone: then the request is counted, and its records cannot be.
        if (lent) this.#countRefused(outcome, bytes)
        counters.requestsRefused[outcome.cause]++
      }
      answer(outcome)
    })
    lent = false
  }

  /** Counts a request that is accepted although its JSON holds records, or anything at all, that is not OTLP. */
  notUnderstood(): void {
    this.#counters.requestsNotUnderstood++
  }

  /** Counts a request that was refused before a pipeline saw it. */
  refused(outcome: Retry | Refused): void {
    this.#counters.requestsRefused[outcome.cause]++
  }

  #countRefused(outcome: Retry | Refused, bytes: Uint8Array): void {
    const records = recordsIn(bytes)
    if (outcome.cause === 'storage_failed') this.#counters.failed += records
    else this.#counters.refused += records
  }
}

function recordsIn(bytes: Uint8Array): number {
  try {
    return countRecords(bytes)
  } catch (error) {
    // Malformed bytes are refused for that reason, and hold no record that could be counted.
    if (error instanceof MalformedProtobuf) return 0
    throw error
  }
}
