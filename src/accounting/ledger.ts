import {
  FILTERED_REASONS,
  LOST_REASONS,
  REJECTED_REASONS,
  type FilteredReason,
  type LostReason,
  type RejectedReason,
  type Settlement,
} from './outcome.ts'

/**
 * The account of one exporter, in OTLP records. At every moment
 *
 *     received = delivered + queued + filtered + deadLettered + rejected + lost
 *
 * `receive` puts records into `queued`; every other method moves them from there to their end, so a record that is
 * settled twice, or was never received, is a RangeError and not a wrong sum. Fields are read by `/metrics`, never written
 * from outside.
 */
export class Ledger {
  received = 0
  /** Held by the exporter: waiting, in flight and parked. */
  queued = 0
  delivered = 0
  deadLettered = 0
  readonly filtered: Record<FilteredReason, number> = zeros(FILTERED_REASONS)
  readonly rejected: Record<RejectedReason, number> = zeros(REJECTED_REASONS)
  readonly lost: Record<LostReason, number> = zeros(LOST_REASONS)

  // Beside the account, never inside it.

  /** Of those that were queued: came to another end than delivery. */
  sendFailed = 0
  /** Turned away with a Retry because there was no room; never received. */
  enqueueFailed = 0
  /** Events CloudWatch has taken; more than `delivered` where a put was repeated. */
  eventsWritten = 0
  /** Records sent again after a put whose answer was lost. */
  possibleDuplicates = 0
  /** Puts tried again. */
  retries = 0
  /** Dead letters queued again, in records. */
  replayed = 0

  /** Records were taken into the exporter, those it goes on to reject or filter included. */
  receive(records: number): void {
    this.received += records
    this.queued += records
  }

  /** Left out on purpose, before the queue. */
  filter(reason: FilteredReason, records: number): void {
    this.#leaveQueue(records)
    this.filtered[reason] += records
  }

  /** Not taken, at admission. A rejection by CloudWatch is a settlement. */
  reject(reason: RejectedReason, records: number): void {
    this.#leaveQueue(records)
    this.rejected[reason] += records
  }

  /** What became of records that were queued. */
  settle(settlement: Settlement, records: number): void {
    this.#leaveQueue(records)
    if (settlement.kind === 'delivered') {
      this.delivered += records
      return
    }
    this.sendFailed += records
    switch (settlement.kind) {
      case 'dead_lettered':
        this.deadLettered += records
        return
      case 'rejected':
        this.rejected[settlement.reason] += records
        return
      case 'lost':
        this.lost[settlement.reason] += records
        return
    }
  }

  /** The settled side of the account, to be kept with a queue that outlives the process. */
  snapshot(): LedgerSnapshot {
    return Object.fromEntries(KEPT.map((field) => [field, this[field]])) as LedgerSnapshot
  }

  /** Goes on from where an earlier process was; what it left in the queue is told by `recover`. */
  restore(snapshot: AbandonedCounters): void {
    const { filtered, rejected, lost } = snapshot
    Object.assign(this.filtered, filtered)
    Object.assign(this.rejected, rejected)
    Object.assign(this.lost, lost)
    for (const field of COUNTS) this[field] = countOf(snapshot, field)
    this.received = this.delivered + this.deadLettered + sum(this.filtered) + sum(this.rejected) + sum(this.lost)
  }

  /** Adds what another process counted that is gone. Not its dead letters: those count where they lie. */
  merge(counted: AbandonedCounters): void {
    for (const field of COUNTS) if (field !== 'deadLettered') this[field] += countOf(counted, field)
    this.received += counted.delivered ?? 0
    for (const field of BY_REASON) {
      const byReason: Readonly<Record<string, number>> = counted[field] ?? {}
      const own: Record<string, number> = this[field]
      for (const reason in byReason) own[reason] = (own[reason] ?? 0) + (byReason[reason] ?? 0)
      this.received += sum(byReason)
    }
  }

  /** Another account, as it stands, becomes part of this one. */
  add(other: LedgerSnapshot & { readonly queued: number }): void {
    this.merge(other)
    this.adoptDeadLetters(other.deadLettered)
    this.recover(other.queued)
  }

  /** Records an earlier process received and left in the queue. */
  recover(records: number): void {
    this.received += records
    this.queued += records
  }

  /** Records an earlier process had acknowledged, and that are not where it left them. */
  recoverLost(records: number): void {
    this.received += records
    this.lost.quarantined += records
  }

  /** Queued records that are another account's from now on. */
  handOver(records: number): void {
    this.#leaveQueue(records)
    this.received -= records
  }

  /** Dead letters that are there, which a crash may have made one commit more or fewer than was written down. */
  recoverDeadLetters(records: number): void {
    this.received += records - this.deadLettered
    this.deadLettered = records
  }

  /** Dead letters of another process that lie in the own store now. */
  adoptDeadLetters(records: number): void {
    this.received += records
    this.deadLettered += records
  }

  /** Dead letters that are sent after all. */
  revive(records: number): void {
    this.deadLettered -= records
    this.queued += records
    this.replayed += records
  }

  /** Dead letters that went to make room for others. */
  evict(records: number): void {
    this.deadLettered -= records
    this.lost.dead_letter_evicted += records
  }

  /** Records the account cannot explain; anything but 0 is a defect. */
  difference(): number {
    return (
      this.received -
      (this.delivered + this.queued + this.deadLettered) -
      (sum(this.filtered) + sum(this.rejected) + sum(this.lost))
    )
  }

  #leaveQueue(records: number): void {
    if (records > this.queued) throw new RangeError(`${records} records settled while ${this.queued} are queued`)
    this.queued -= records
  }
}

/** What of a ledger outlives the process. `received` and `queued` follow from it and from what is found in the queue. */
const COUNTS = [
  'delivered',
  'deadLettered',
  'sendFailed',
  'enqueueFailed',
  'eventsWritten',
  'possibleDuplicates',
  'retries',
  'replayed',
] as const satisfies readonly (keyof Ledger)[]
const BY_REASON = ['filtered', 'rejected', 'lost'] as const satisfies readonly (keyof Ledger)[]
const KEPT = [...COUNTS, ...BY_REASON]

export type LedgerSnapshot = Pick<Ledger, (typeof KEPT)[number]>

/** A snapshot read from a file; one of a process that counted nothing may be empty. */
export type AbandonedCounters = Partial<LedgerSnapshot>

/** In directories of earlier builds. */
const FORMER_NAMES: Readonly<Record<string, string>> = { possibleDuplicates: 'possibleDoubles' }

function countOf(counters: AbandonedCounters, field: (typeof COUNTS)[number]): number {
  const former = (counters as Readonly<Record<string, unknown>>)[FORMER_NAMES[field] ?? '']
  return counters[field] ?? (typeof former === 'number' ? former : 0)
}

/** A ledger as JSON shows it: zeros of the reasons left out, the difference put in. */
export function accountOf(ledger: Ledger | undefined): object {
  if (ledger === undefined) return {}
  const some = (reasons: Readonly<Record<string, number>>) =>
    Object.fromEntries(Object.entries(reasons).filter(([, count]) => count > 0))
  return {
    received: ledger.received,
    delivered: ledger.delivered,
    queued: ledger.queued,
    filtered: some(ledger.filtered),
    dead_lettered: ledger.deadLettered,
    rejected: some(ledger.rejected),
    lost: some(ledger.lost),
    difference: ledger.difference(),
  }
}

/** Records over all reasons. */
export function sum(byReason: Readonly<Record<string, number>>): number {
  let total = 0
  for (const reason in byReason) total += byReason[reason] ?? 0
  return total
}

function zeros<Reason extends string>(reasons: readonly Reason[]): Record<Reason, number> {
  return Object.fromEntries(reasons.map((reason) => [reason, 0])) as Record<Reason, number>
}
