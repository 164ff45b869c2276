// The batches that are not settled, and the way of their items to a final outcome.
//
//   stored, paged in ─▶ unsettled ─▶ delivered, rejected, lost ─▶ queue.settle, ledger, listener
//                          │             └─ not taken by the destination? ─▶ Unwanted ─▶ another batch, or a dead letter
//                          └ joined, paged out ─▶ gone from here, without an outcome

import type { Settlement } from '../accounting/outcome.ts'
import type { SettlementListener } from '../component/consumer.ts'
import type { Death } from './contract/lane-items.ts'
import type { Queue, QueuedBatch } from './contract/queue.ts'
import type { Run } from './contract/run-queue.ts'
import { steadyNowMs } from './contract/steady-clock.ts'
import { DEAD_LETTERED, type Moved, type Unwanted, type UnwantedSettlement } from './dead-letters/unwanted.ts'
import type { Lane } from './lanes/lane.ts'
import { Flushes } from './scheduling/flushes.ts'

/** Counts the outcome of every item once, also if its sender no longer listens, and every failed put. */
export interface DeliveryLedger {
  /** @param lane the lane key; empty for items left at shutdown */
  settled(settlement: Settlement, items: number, lane: string): void
  /** @param maybeTaken the response was lost, so the destination may already have the items */
  retried(items: number, maybeTaken: boolean): void
  /** Items move to another destination. */
  moved(items: number, from: string, to: string): void
  /** The AWS account is throttled: other users of it should be notified. */
  throttled(account: string, afterMs: number, message: string): void
  /** Items that an earlier process left in the queue. */
  recovered(items: number, lane: string): void
}

/** Puts a batch into the lane of its destination. */
export type SendBatch<D> = (lane: string, destination: D, batch: QueuedBatch) => void

export class Settlements<D> {
  readonly #queue: Queue
  readonly #ledger: DeliveryLedger
  readonly #unwanted: Unwanted<D>
  readonly #send: SendBatch<D>
  readonly #unsettled = new Set<QueuedBatch>()
  readonly #flushes: Flushes

  constructor(queue: Queue, ledger: DeliveryLedger, unwanted: Unwanted<D>, send: SendBatch<D>) {
    this.#queue = queue
    this.#ledger = ledger
    this.#unwanted = unwanted
    this.#send = send
    this.#flushes = new Flushes(queue.pagedOut)
  }

  /** `steadyNowMs` at which the oldest waiting batch was queued; undefined if none waits. */
  get oldestEnqueuedAtMs(): number | undefined {
    let oldest = this.#queue.pagedOut.sinceMs
    for (const { enqueuedAtMs } of this.#unsettled) oldest = Math.min(oldest ?? enqueuedAtMs, enqueuedAtMs)
    return oldest
  }

  /** True if nothing waits, in memory or on disk. */
  get isEmpty(): boolean {
    return this.#unsettled.size === 0 && this.#queue.pagedOut.records === 0
  }

  /** @param listener receives the outcomes; undefined if nothing waits for them */
  add(batch: QueuedBatch, listener: SettlementListener | undefined): void {
    batch.listener = listener
    this.#unsettled.add(batch)
  }

  /** Adds a batch that was only on disk. */
  pagedIn(batch: QueuedBatch): void {
    this.#unsettled.add(batch)
    this.#flushes.pagedIn(batch)
  }

  pagedOut(batch: QueuedBatch): void {
    this.#unsettled.delete(batch)
    this.#flushes.left(batch)
  }

  /** Removes a batch whose items joined another one. */
  joined(batch: QueuedBatch): void {
    this.#unsettled.delete(batch)
  }

  /** Resolves when everything queued at this moment is settled, or the signal aborts. */
  flush(signal: AbortSignal): Promise<void> {
    // Do not wait for items that come later.
    for (const batch of this.#unsettled) batch.closed = true
    return this.#flushes.wait(this.#unsettled, steadyNowMs(), signal)
  }

  /** @param error message of the destination; empty if there is none */
  settle(lane: Lane<D>, run: Run, settlement: Settlement, error: string): void {
    if (run.batch.own || !this.#unwanted.takes(settlement)) this.#end(lane, run, settlement, lane.key)
    else void this.#store(lane, run, settlement, error)
  }

  /** Stores a batch as a dead letter. If that is not possible, it is sent normally, because its items were acknowledged. */
  async bury(lane: string, destination: D, batch: QueuedBatch, { reason, error }: Death): Promise<void> {
    const run = { batch, from: 0, to: batch.count }
    const kept = await this.#unwanted.keep({ lane, run, reason, error })
    if (kept === 'kept') this.#end(undefined, run, DEAD_LETTERED, lane)
    else if (kept === 'never') this.#send(lane, destination, batch)
  }

  /** Counts items that were only on disk and can no longer be read as lost. */
  lost(items: number): void {
    this.#ledger.settled({ kind: 'lost', reason: 'quarantined' }, items, '')
    this.#flushes.review()
  }

  /** Dead letters being written finish while the queue can still be updated. */
  close(): Promise<void> {
    return this.#unwanted.close()
  }

  /** Counts the remaining items as lost. In memory it does not matter which items of a batch are left, only how many. */
  loseRest(): void {
    for (const batch of this.#unsettled) {
      const items = batch.unsettled
      this.#queue.settle(batch, 0, items)
      this.#count(batch, { kind: 'lost', reason: 'shutdown' }, items, '')
    }
    this.#unsettled.clear()
  }

  /** Stores items that their destination does not take elsewhere, and settles them then. */
  async #store(lane: Lane<D>, run: Run, settlement: UnwantedSettlement, error: string): Promise<void> {
    const to = await this.#unwanted.decide(lane, run, settlement, error)
    if (to?.kind === 'moved') this.#moved(lane, run, to)
    else if (to !== undefined) this.#end(lane, run, to, lane.key)
  }

  /** @param lane undefined for items that never entered a lane */
  #end(lane: Lane<D> | undefined, run: Run, settlement: Settlement, key: string): void {
    this.#release(lane, run)
    this.#count(run.batch, settlement, run.to - run.from, key)
  }

  #moved(lane: Lane<D>, run: Run, { batch, to }: Moved<D>): void {
    this.add(batch, run.batch.listener)
    this.#ledger.moved(run.to - run.from, lane.key, to.lane)
    this.#flushes.moved(run.batch, batch)
    this.#send(to.lane, to.destination, batch)
    this.#release(lane, run)
  }

  #release(lane: Lane<D> | undefined, { batch, from, to }: Run): void {
    this.#queue.settle(batch, from, to)
    lane?.settled(batch, to - from)
    if (batch.unsettled > 0) return
    this.#unsettled.delete(batch)
    this.#flushes.left(batch)
  }

  #count(batch: QueuedBatch, settlement: Settlement, items: number, lane: string): void {
    if (!batch.own) this.#ledger.settled(settlement, items, lane)
    batch.listener?.settled(settlement, items)
  }
}
