import { type Reservation, type StageListener, toSettle } from '../../component/consumer.ts'
import type { LostReason, Retry, Settlement } from '../../accounting/outcome.ts'

/** Retry delay for a sender whose records were still in memory at shutdown: the time a restart takes. */
const AFTER_RESTART_MS = 5_000
/** Retry delay for a sender whose records were given up. */
const AFTER_LOSS_MS = 1_000

/**
 * The progress of one request in one exporter: calls `reached` once, when the stage on which the sender is answered is
 * reached or cannot be.
 */
export abstract class Progress implements StageListener {
  readonly reservation: Reservation
  /** Reason why the sender has to retry the request; undefined if it does not. */
  failure: Retry | undefined
  /** Records rejected after they were queued, by reason; undefined while there is none. */
  missed: Map<string, number> | undefined
  readonly queuedOnly: boolean
  #unsettled: number
  #lost = 0

  constructor(reservation: Reservation) {
    this.reservation = reservation
    this.queuedOnly = reservation.answerOn === 'queued'
    this.#unsettled = toSettle(reservation)
  }

  queued(failure: Retry | undefined): void {
    this.failure = failure
    if (failure !== undefined || this.queuedOnly || this.#unsettled === 0) this.reached()
  }

  settled(settlement: Settlement, records: number): void {
    if (this.queuedOnly || records === 0) return
    if (settlement.kind === 'lost') this.failure = this.#lose(settlement.reason, records)
    else if (settlement.kind === 'rejected') {
      this.missed ??= new Map<string, number>()
      this.missed.set(settlement.reason, (this.missed.get(settlement.reason) ?? 0) + records)
    }
    this.#unsettled -= records
    if (this.#unsettled === 0) this.reached()
  }

  /** A sender that waits for the settlement still has the records, so it can send them again. */
  #lose(reason: LostReason, records: number): Retry {
    this.#lost += records
    const all = toSettle(this.reservation)
    const lost = `${this.#lost} of ${all} records were not delivered`
    if (reason === 'shutdown' || this.failure?.cause === 'shutting_down')
      return {
        kind: 'retry',
        cause: 'shutting_down',
        afterMs: AFTER_RESTART_MS,
        message: `the daemon stopped: ${lost}`,
      }
    return { kind: 'retry', cause: 'not_delivered', afterMs: AFTER_LOSS_MS, message: lost }
  }

  protected abstract reached(): void
}
