import { accepted, type Answer, type LogsConsumer, type LogsRequest } from '../../component/consumer.ts'
import type { Identity } from '../../component/authenticator.ts'
import type { Refused, Retry } from '../../accounting/outcome.ts'
import { type Size, SizeGuess } from '../../listen/size-guess.ts'
import type { TransportCounters } from './counters.ts'

/** Hands the requests of one transport to the pipelines, and counts what becomes of them. */
export class Forward {
  readonly #next: LogsConsumer
  readonly #counters: TransportCounters
  readonly #sizes = new SizeGuess()

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

  /**
   * Asked before a request is read, so that what would not be taken is not. Counts nothing.
   * @param kind format and encoding
   * @param bytes its length as it comes; 0 where that is not known: refused then only where nothing at all would be taken
   * @returns why it would not be taken; undefined where it may be
   */
  earlyRefusal(kind: string, bytes: number): Retry | undefined {
    const { protobuf, held } = this.#sizes.guess(kind, bytes)
    return this.#next.earlyRefusal?.(protobuf, held)
  }

  /** What a request that came as `bytes` took: the next of its kind may be refused by that. */
  learnSize(kind: string, bytes: number, size: Size): void {
    this.#sizes.learn(kind, bytes, size)
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
