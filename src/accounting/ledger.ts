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
 * The ledger of one exporter, in OTLP records. At every moment
 *
 *     received = delivered + queued + filtered + deadLettered + rejected + lost
 *
 * `receive` adds records to `queued`; every other method moves them from there to their outcome, so a record that is
 * settled twice, or was never received, causes a RangeError and not a wrong sum. `/metrics` reads the fields; only methods
 * write them.
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

  // The counters below are not part of the sum.

  /** Records that were queued and not delivered. */
  sendFailed = 0
  /** Records refused with a Retry because there was no room; not counted as received. */
  enqueueFailed = 0
  /** Events CloudWatch has accepted; more than `delivered` if a put was repeated. */
  eventsWritten = 0
  /** Records sent again after a put whose response was lost. */
  possibleDuplicates = 0
  /** Puts retried. */
  retries = 0
  /** Dead letters queued again, in records. */
  replayed = 0

  /** Counts records received by the exporter, including those it then rejects or filters. */
  receive(records: number): void {
    this.received += records
    this.queued += records
  }

  /** Counts records left out on purpose, before the queue. */
  filter(reason: FilteredReason, records: number): void {
    this.#leaveQueue(records)
    this.filtered[reason] += records
  }

  /** Counts records rejected at admission. A rejection by CloudWatch is a settlement. */
  reject(reason: RejectedReason, records: number): void {
    this.#leaveQueue(records)
    this.rejected[reason] += records
  }

  /** Counts the outcome of queued records. */
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

  /** Returns the settled side of the ledger, to be kept with a queue that outlives the process. */
  snapshot(): LedgerSnapshot {
    return Object.fromEntries(KEPT.map((field) => [field, this[field]])) as LedgerSnapshot
  }

  /** Continues the counts of an earlier process; `recover` adds the records it left in the queue. */
  restore(snapshot: AbandonedCounters): void {
    const { filtered, rejected, lost } = snapshot
    Object.assign(this.filtered, filtered)
    Object.assign(this.rejected, rejected)
    Object.assign(this.lost, lost)
    for (const field of COUNTS) this[field] = countOf(snapshot, field)
    this.received = this.delivered + this.deadLettered + sum(this.filtered) + sum(this.rejected) + sum(this.lost)
  }

  /** Adds the counts of a process that is gone, except its dead letters: those count in the store that holds them. */
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

  /** Adds another ledger, including its queued records and dead letters. */
  add(other: LedgerSnapshot & { readonly queued: number }): void {
    this.merge(other)
    this.adoptDeadLetters(other.deadLettered)
    this.recover(other.queued)
  }

  /** Counts records that an earlier process received and left in the queue. */
  recover(records: number): void {
    this.received += records
    this.queued += records
  }

  /** Counts records that an earlier process acknowledged and that are missing from its queue. */
  recoverLost(records: number): void {
    this.received += records
    this.lost.quarantined += records
  }

  /** Removes queued records that now belong to another ledger. */
  handOver(records: number): void {
    this.#leaveQueue(records)
    this.received -= records
  }

  /** Sets the dead letters found in the store: after a crash they may differ by one commit from the saved count. */
  recoverDeadLetters(records: number): void {
    this.received += records - this.deadLettered
    this.deadLettered = records
  }

  /** Adds dead letters of another process that are now in this process's store. */
  adoptDeadLetters(records: number): void {
    this.received += records
    this.deadLettered += records
  }

  /** Counts dead letters that are queued again. */
  revive(records: number): void {
    this.deadLettered -= records
    this.queued += records
    this.replayed += records
  }

  /** Counts dead letters deleted to make room for others. */
  evict(records: number): void {
    this.deadLettered -= records
    this.lost.dead_letter_evicted += records
  }

  /** Returns the records in no state; anything but 0 is a bug. */
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

/** Fields that outlive the process. `received` and `queued` follow from them and from the records found in the queue. */
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

/** A snapshot read from a file; that of a process that counted nothing may be empty. */
export type AbandonedCounters = Partial<LedgerSnapshot>

/** Field names in directories of earlier builds. */
const FORMER_NAMES: Readonly<Record<string, string>> = { possibleDuplicates: 'possibleDoubles' }

function countOf(counters: AbandonedCounters, field: (typeof COUNTS)[number]): number {
  const former = (counters as Readonly<Record<string, unknown>>)[FORMER_NAMES[field] ?? '']
  return counters[field] ?? (typeof former === 'number' ? former : 0)
}

/** Returns a ledger as JSON: without reasons that are 0, with the difference. */
export function ledgerReport(ledger: Ledger | undefined): object {
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

/** Returns the records of all reasons. */
export function sum(byReason: Readonly<Record<string, number>>): number {
  let total = 0
  for (const reason in byReason) total += byReason[reason] ?? 0
  return total
}

function zeros<Reason extends string>(reasons: readonly Reason[]): Record<Reason, number> {
  return Object.fromEntries(reasons.map((reason) => [reason, 0])) as Record<Reason, number>
}
