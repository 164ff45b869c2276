import { accepted, type Answer, type LogsConsumer, type LogsRequest } from '../component/consumer.ts'
import type { Refused, Retry } from '../accounting/outcome.ts'
import { type Size, SizeGuess } from '../listen/size-guess.ts'
import type { TransportCounters } from './counters.ts'

/** Passes the requests of one transport to the pipelines, and counts their outcomes. */
export class Forward {
  readonly #next: LogsConsumer
  readonly #counters: TransportCounters
  readonly #sizes = new SizeGuess()

  constructor(next: LogsConsumer, counters: TransportCounters) {
    this.#next = next
    this.#counters = counters
  }

  /**
   * @param request its bytes are valid until this returns; an empty one succeeds without a record
   * @param answer called once, possibly before this returns
   */
  consume(request: LogsRequest, answer: Answer): void {
    const counters = this.#counters
    if (request.bytes.length === 0) {
      counters.requestsAccepted++
      return answer(accepted(0))
    }
    this.#next.consume(request, (outcome) => {
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
   * Checks before a request is read whether it would be refused anyway. Counts nothing.
   * @param kind format and encoding
   * @param bytes its length as sent; 0 if unknown: it is refused then only if nothing at all would be accepted
   * @returns why it would be refused; undefined if it may be accepted
   */
  earlyRefusal(kind: string, bytes: number): Retry | undefined {
    const { protobuf, held } = this.#sizes.guess(kind, bytes)
    return this.#next.earlyRefusal?.(protobuf, held)
  }

  /** Learns how much memory a request of `bytes` needed, for early refusals of requests of this kind. */
  learnSize(kind: string, bytes: number, size: Size): void {
    this.#sizes.learn(kind, bytes, size)
  }

  /** Counts an accepted request whose JSON, or a record in it, has no field of OTLP. */
  notUnderstood(): void {
    this.#counters.requestsNotUnderstood++
  }

  /** Counts records only if they are known: parsing a request just to refuse it costs most under overload. */
  #countRefused({ cause, records = 0 }: Retry | Refused): void {
    if (cause === 'storage_failed') this.#counters.failed += records
    else this.#counters.refused += records
  }
}
