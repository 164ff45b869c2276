import type { Answer, LogsConsumer, LogsExporter, LogsRequest, Reservation } from '../../component/consumer.ts'
import type { Retry } from '../../accounting/outcome.ts'
import { outcomeOfOne } from './outcome-of.ts'
import { Progress } from './progress.ts'

/** The consumer of a pipeline with one exporter, the usual case: one listener per request and no outcomes to combine. */
export class OneExporter implements LogsConsumer {
  readonly #exporter: LogsExporter

  constructor(exporter: LogsExporter) {
    this.#exporter = exporter
  }

  consume(request: LogsRequest, answer: Answer): void {
    const reservation = this.#exporter.reserve(request)
    if (reservation.kind === 'reserved') reservation.commit(new SingleProgress(reservation, answer))
    else answer(reservation)
  }

  earlyRefusal(requestBytes: number, heldBytes: number): Retry | undefined {
    return this.#exporter.earlyRefusal?.(requestBytes, heldBytes)
  }
}

class SingleProgress extends Progress {
  readonly #answer: Answer

  constructor(reservation: Reservation, answer: Answer) {
    super(reservation)
    this.#answer = answer
  }

  protected override reached(): void {
    this.#answer(outcomeOfOne(this))
  }
}
