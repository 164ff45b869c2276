import { isFiltered, type Settlement } from '../../../accounting/outcome.ts'
import type { DeliveryLedger } from '../../../delivery/settlements.ts'
import type { DeadLetter } from '../../../delivery/dead-letters/dead-letters.ts'
import { DestinationLedgers } from '../../../accounting/destination-ledgers.ts'
import { Ledger } from '../../../accounting/ledger.ts'
import { destinationOf } from '../route/destination.ts'
import { type Gap, Gaps } from './gaps.ts'
import type { LaneRejections } from '../event/rejected-records.ts'
import type { Transcoded } from '../event/transcode.ts'

/** Writes a gap marker into a lane; resolves with false if that is not possible now. */
export type WriteGapMarker = (lane: string, gap: Gap) => Promise<boolean>

/** The exporter's records: in total, by destination, and the gaps of streams. */
export class Ledgers implements DeliveryLedger {
  readonly ledger = new Ledger()
  readonly destinations = new DestinationLedgers((key) => destinationOf(key).group)
  readonly gaps = new Gaps()
  /** Records stored elsewhere, or under another time, after CloudWatch's answer (`late_events`). */
  rescued = 0
  readonly #writeGapMarker: WriteGapMarker | undefined

  /**
   * @param writeGapMarker undefined without gap markers
   * @param throttled called when the account requests a wait
   */
  constructor(writeGapMarker: WriteGapMarker | undefined, throttled: DeliveryLedger['throttled'] = () => {}) {
    this.#writeGapMarker = writeGapMarker
    this.throttled = throttled
  }

  readonly throttled: DeliveryLedger['throttled']

  settled(settlement: Settlement, records: number, lane: string): void {
    this.ledger.settle(settlement, records)
    if (settlement.kind === 'delivered') this.ledger.eventsWritten += records
    if (lane === '') return
    this.destinations.of(lane).settle(settlement, records)
    if (settlement.kind === 'rejected' || settlement.kind === 'lost') this.#noteGap(lane, settlement.reason, records)
    else if (settlement.kind === 'delivered' && this.#writeGapMarker !== undefined)
      void this.#mark(lane, this.#writeGapMarker)
  }

  retried(records: number, maybeTaken: boolean): void {
    this.ledger.retries++
    if (maybeTaken) this.ledger.possibleDuplicates += records
  }

  moved(records: number, from: string, to: string): void {
    this.rescued += records
    if (from === to) return
    this.destinations.of(from).handOver(records)
    this.destinations.of(to).recover(records)
  }

  recovered(records: number, lane: string): void {
    this.ledger.recover(records)
    this.destinations.of(lane).recover(records)
  }

  /** Counts a dead letter of an earlier process for its destination; the total already includes it. */
  letterFound({ items, lane }: DeadLetter): void {
    this.destinations.of(lane).adoptDeadLetters(items)
  }

  letterAdopted(letter: DeadLetter): void {
    this.ledger.adoptDeadLetters(letter.items)
    this.letterFound(letter)
  }

  letterEvicted({ items, lane }: DeadLetter): void {
    this.ledger.evict(items)
    if (lane === '') return
    this.destinations.of(lane).evict(items)
    this.#noteGap(lane, 'dead_letter_evicted', items)
  }

  /** Counts dead letters of `lane` that were queued again, for lane `to`. */
  revived(records: number, lane: string, to: string): void {
    this.ledger.revive(records)
    this.destinations.of(lane).revive(records)
    if (lane === to) return
    this.destinations.of(lane).handOver(records)
    this.destinations.of(to).recover(records)
  }

  /**
   * Counts a request in the ledgers as soon as it is in the queue, before any of it can be settled.
   * @param overShare places in `routed` that were not accepted
   */
  admit(transcoded: Transcoded, overShare: readonly number[]): void {
    const { records, moreParts, dropped, rejected, rejectedByLane, routed } = transcoded
    // The parts of a split record are settled one by one, so each counts as a record.
    this.ledger.receive(records + moreParts)
    this.ledger.filter('oversize', dropped)
    for (const [reason, { count }] of rejected.byReason) this.ledger.reject(reason, count)
    for (const { lane, reason, count } of rejectedByLane) this.#reject(lane, reason, count)
    const full = new Set(overShare)
    for (const [place, { lane, items }] of routed.entries())
      if (full.has(place)) {
        this.ledger.reject('lane_full', items.count)
        this.#reject(lane, 'lane_full', items.count)
      } else this.destinations.of(lane).receive(items.count)
  }

  #reject(lane: string, reason: LaneRejections['reason'], records: number): void {
    const ledger = this.destinations.of(lane)
    ledger.receive(records)
    if (isFiltered(reason)) {
      ledger.filter(reason, records)
      return
    }
    ledger.reject(reason, records)
    this.#noteGap(lane, reason, records)
  }

  #noteGap(lane: string, reason: string, records: number): void {
    if (this.#writeGapMarker !== undefined) this.gaps.note(lane, reason, records)
  }

  /** Writes the gap of a stream that delivers again. Without room for the marker, the gap is kept for later. */
  async #mark(lane: string, write: WriteGapMarker): Promise<void> {
    const gap = this.gaps.take(lane)
    if (gap === undefined) return
    if (await write(lane, gap)) this.gaps.markers++
    else this.gaps.putBack(lane, gap)
  }
}
