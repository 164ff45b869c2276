import { accepted, type Answer, type LogsConsumer, type LogsRequest } from '../../component/consumer.ts'
import type { Identity } from '../../component/authenticator.ts'
import type { Refused, Retry } from '../../accounting/outcome.ts'
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
    this.#next.consume({ bytes, receivedAtMs: Date.now(), metadata, identity, answerOn: 'queued' }, (outcome) => {
      if (outcome.kind === 'accepted') {
        counters.requestsAccepted++
        counters.accepted += outcome.records - outcome.rejected
        counters.refused += outcome.rejected
      } else {
        this.#countRefused(outcome)
        counters.requestsRefused[outcome.cause]++
      }
      answer(outcome)
    })
  }

  /** Counts a request that is accepted although its JSON holds records, or anything at all, that is not OTLP. */
  notUnderstood(): void {
    this.#counters.requestsNotUnderstood++
  }

  /** Records only where somebody has counted them: reading a request to refuse it costs most when there is least time. */
  #countRefused({ cause, records = 0 }: Retry | Refused): void {
    if (cause === 'storage_failed') this.#counters.failed += records
    else this.#counters.refused += records
  }
}
