import type { Answer, LogsConsumer, LogsExporter, LogsRequest, Reservation } from '../../component/consumer.ts'
import type { Refused, Retry } from '../../accounting/outcome.ts'
import { outcomeOfAll, type NamedPart } from './outcome-of.ts'
import { Progress } from './progress.ts'

export interface NamedExporter {
  /** Id as written in the config. */
  readonly id: string
  readonly exporter: LogsExporter
}

/**
 * Admission over several exporters, all or nothing: every exporter reserves, then every exporter commits. If one cannot
 * reserve, the earlier reservations are released and its reason is the answer to the sender.
 */
export class FanOut implements LogsConsumer {
  readonly #exporters: readonly NamedExporter[]

  constructor(exporters: readonly NamedExporter[]) {
    this.#exporters = exporters
  }

  consume(request: LogsRequest, answer: Answer): void {
    const reservations = this.#reserveAll(request)
    if ('kind' in reservations) {
      answer(reservations)
      return
    }
    const parts: NamedPart[] = []
    let pending = reservations.length
    const reached = () => {
      pending--
      if (pending === 0) answer(outcomeOfAll(parts))
    }
    for (const [i, { id }] of this.#exporters.entries()) {
      const reservation = reservations[i] as Reservation // one per exporter, in the same order
      parts.push({ exporter: id, progress: new Part(reservation, reached) })
    }
    for (const { progress } of parts) progress.reservation.commit(progress)
  }

  /** One exporter that would refuse is enough, as in `consume`. */
  earlyRefusal(requestBytes: number, heldBytes: number): Retry | undefined {
    for (const { exporter } of this.#exporters) {
      const refusal = exporter.earlyRefusal?.(requestBytes, heldBytes)
      if (refusal !== undefined) return refusal
    }
    return undefined
  }

  #reserveAll(request: LogsRequest): readonly Reservation[] | Retry | Refused {
    const reservations: Reservation[] = []
    let complete = false
    try {
      for (const { exporter } of this.#exporters) {
        const reservation = exporter.reserve(request)
        if (reservation.kind !== 'reserved') return reservation
        reservations.push(reservation)
      }
      complete = true
      return reservations
    } finally {
      // Also when an exporter throws, which is a bug: bytes that stay reserved would fill the budget for good.
      if (!complete) for (const reservation of reservations) reservation.release()
    }
  }
}

class Part extends Progress {
  readonly #reached: () => void

  constructor(reservation: Reservation, reached: () => void) {
    super(reservation)
    this.#reached = reached
  }

  protected override reached(): void {
    this.#reached()
  }
}
