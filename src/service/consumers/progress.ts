import type { LogsRequest, Reservation, StageListener } from '../../component/consumer.ts'
import type { Retry, Settlement } from '../../accounting/outcome.ts'

/** Retry delay for a sender whose records were still in memory at shutdown: the time a restart takes. */
const AFTER_RESTART_MS = 5_000

/**
 * The progress of one request in one exporter: calls `reached` once, when the stage that the receiver answers on is
 * reached or cannot be.
 */
export abstract class Progress implements StageListener {
  readonly reservation: Reservation
  /** Reason why the sender has to retry the request; undefined if it does not. */
  failure: Retry | undefined
  /** Records neither delivered nor dead-lettered, by reason; undefined while there is none. */
  missed: Map<string, number> | undefined
  readonly queuedOnly: boolean
  #unsettled: number

  constructor(reservation: Reservation, answerOn: LogsRequest['answerOn']) {
    this.reservation = reservation
    this.queuedOnly = answerOn === 'queued'
    this.#unsettled = reservation.records - reservation.rejected.count
  }

  queued(failure: Retry | undefined): void {
    this.failure = failure
    if (failure !== undefined || this.queuedOnly || this.#unsettled === 0) this.reached()
  }

  settled(settlement: Settlement, records: number): void {
    if (this.queuedOnly || records === 0) return
    if (settlement.kind === 'lost' && settlement.reason === 'shutdown') {
      // A sender that waits for the settlement still has the records, so it can send them again.
      const message = 'the daemon stopped before the records were delivered'
      this.failure = { kind: 'retry', cause: 'shutting_down', afterMs: AFTER_RESTART_MS, message }
    } else if (settlement.kind === 'lost' || settlement.kind === 'rejected') {
      this.missed ??= new Map<string, number>()
      this.missed.set(settlement.reason, (this.missed.get(settlement.reason) ?? 0) + records)
    }
    this.#unsettled -= records
    if (this.#unsettled === 0) this.reached()
  }

  protected abstract reached(): void
}
