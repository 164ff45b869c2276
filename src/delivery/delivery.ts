// The lanes of one exporter, from admission to settlement. Independent of AWS and OTLP.
//
//   reserve ─▶ commit ─▶ queue.stored ─▶ lane ─▶ scheduler ─▶ put ─▶ settle
//      │         │            │                                        │
//      └ retry   └ release    └ listener.queued                        └ queue.settle, listener.settled

import type { SettlementListener } from '../component/consumer.ts'
import type { Retry, Settlement } from '../accounting/outcome.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { BackoffOptions } from './faults/backoff.ts'
import type { FaultScope } from './faults/fault-scope.ts'
import { sumOf } from './contract/items.ts'
import type { Death, DeliveryItems } from './contract/lane-items.ts'
import { Lane } from './lanes/lane.ts'
import { LaneScopes } from './lanes/lane-scopes.ts'
import { type OnLaneFull, Parking } from './lanes/parking.ts'
import { Window } from './lanes/window.ts'
import { Flushes } from './scheduling/flushes.ts'
import type { PackPolicy } from './contract/pack.ts'
import { steadyNowMs } from './contract/steady-clock.ts'
import type { Sender } from './contract/sender.ts'
import type { PageReader, Queue, PagedOut, QueuedBatch, RecoveredBatch } from './contract/queue.ts'
import type { Run } from './contract/run-queue.ts'
import {
  DEAD_LETTERED,
  type DeadLetterSink,
  type Moved,
  type Rescue,
  Unwanted,
  type UnwantedSettlement,
} from './dead-letters/unwanted.ts'
import { Scheduler, type SchedulerOptions } from './scheduling/scheduler.ts'

export interface DeliveryOptions extends SchedulerOptions {
  readonly policy: PackPolicy
  readonly backoff: BackoffOptions
}

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

export interface DeliveryReservation {
  readonly kind: 'reserved'
  /** Indexes in `lanes` that were not reserved because the lane holds more than its share of the queue. */
  readonly overShare: readonly number[]
  /** Bytes taken of the queue. */
  readonly bytes: number
  /**
   * @param queued called once, when the items are queued (with a storage: synced) or failed; possibly before this returns
   * @param listener receives the outcomes, if anything waits for them: the batches keep it until they are settled
   */
  commit(queued: (failure: Retry | undefined) => void, listener?: SettlementListener): void
  release(): void
}

/** Probe interval of an open scope during shutdown: a long backoff would outlast the process. */
const SHUTDOWN_WAIT_MS = 1_000
/** Interval at which lanes are checked: for items past `max_elapsed_time`, and for lanes to park. */
const SWEEP_MS = 1_000

export class Delivery<D> {
  readonly #options: DeliveryOptions
  readonly #queue: Queue
  readonly #sender: Sender<D>
  readonly #ledger: DeliveryLedger
  readonly #unwanted: Unwanted<D>
  readonly #lanes = new Map<string, Lane<D>>()
  readonly #scopes: LaneScopes<D>
  readonly #unsettled = new Set<QueuedBatch>()
  readonly #flushes: Flushes
  readonly #window: Window<D>
  #destinationOf: (laneKey: string) => D = () => {
    throw new Error('not started')
  }
  /** Receives batches that were only on disk, as there is room for them. */
  readonly reader: PageReader = {
    keeps: (lane) => this.#window.keeps(lane),
    wants: (lane) => this.#window.wants(lane),
    take: (found) => this.#takeIn(found),
    lost: (items) => this.#lost(items),
  }
  #sweep: NodeJS.Timeout | undefined
  readonly parking: Parking<D>
  readonly scheduler: Scheduler<D>

  constructor(
    options: DeliveryOptions,
    queue: Queue,
    sender: Sender<D>,
    ledger: DeliveryLedger,
    logger: Logger,
    unwanted: { readonly deadLetters?: DeadLetterSink | undefined; readonly rescue?: Rescue<D> | undefined } = {},
  ) {
    this.#options = options
    this.#queue = queue
    this.#sender = sender
    this.#ledger = ledger
    this.#scopes = new LaneScopes(options, (lane) => this.scheduler.wake(lane))
    this.#unwanted = new Unwanted(queue, unwanted.deadLetters, unwanted.rescue)
    this.parking = new Parking(this.#lanes, queue, logger)
    this.#window = new Window(this.#lanes, queue.pagedOut)
    this.#flushes = new Flushes(queue.pagedOut)
    this.scheduler = new Scheduler(
      options,
      sender,
      queue,
      {
        settle: (lane, run, settlement, error) => this.#settle(lane, run, settlement, error),
        retried: (items, maybeTaken) => this.#ledger.retried(items, maybeTaken),
        forget: (lane) => this.#forget(lane),
        opened: (scope, afterMs, message) => {
          if (scope.kind === 'account') this.#ledger.throttled(scope.name, afterMs, message)
        },
      },
      logger,
    )
  }

  get lanes(): Iterable<Lane<D>> {
    return this.#lanes.values()
  }

  get laneCount(): number {
    return this.#lanes.size
  }

  get scopes(): Iterable<FaultScope<Lane<D>>> {
    return this.#scopes
  }

  /** `steadyNowMs` at which the oldest waiting batch was queued; undefined if none waits. */
  get oldestEnqueuedAtMs(): number | undefined {
    let oldest = this.#queue.pagedOut.sinceMs
    for (const { enqueuedAtMs } of this.#unsettled) oldest = Math.min(oldest ?? enqueuedAtMs, enqueuedAtMs)
    return oldest
  }

  /** Reserves room for all lanes or for none; `onLaneFull` decides about lanes over their share. */
  reserve(lanes: readonly DeliveryItems<D>[], onLaneFull: OnLaneFull): DeliveryReservation | Retry {
    const full = this.parking.overShare(lanes, onLaneFull)
    if (full.length > 0 && onLaneFull === 'refuse') return laneFull(lanes[full[0] ?? 0]?.lane ?? '')
    const admitted = full.length === 0 ? lanes : this.#admitted(lanes, new Set(full), onLaneFull === 'dead_letter')
    const reserved = this.#queue.reserve(admitted)
    if (reserved.kind === 'retry') return reserved
    return {
      kind: 'reserved',
      overShare: onLaneFull === 'dead_letter' ? NONE : full,
      bytes: sumOf(admitted).bytes,
      commit: (queued, listener) => {
        const needsBatches = listener !== undefined || admitted.some(({ dead }) => dead !== undefined)
        reserved.commit((stored) => {
          if ('kind' in stored) return queued(stored)
          this.#stored(stored, listener)
          queued(undefined)
          this.#sendAll(admitted, stored)
        }, !needsBatches)
      },
      release: () => reserved.release(),
    }
  }

  #admitted(
    lanes: readonly DeliveryItems<D>[],
    full: ReadonlySet<number>,
    asLetters: boolean,
  ): readonly DeliveryItems<D>[] {
    if (!asLetters) return lanes.filter((_, place) => !full.has(place))
    return lanes.map((each, place) =>
      full.has(place) ? { ...each, dead: { reason: 'lane_full', error: this.#faultOf(each.lane) } } : each,
    )
  }

  #faultOf(key: string): string {
    return this.#lanes.get(key)?.stuckBy?.lastFault ?? ''
  }

  /** Recovers the batches of an earlier process. Called once, before the first `reserve`. */
  async start(destinationOf: (laneKey: string) => D): Promise<void> {
    this.#destinationOf = destinationOf
    const found = await this.#queue.recover(this.reader)
    this.takeUp(found, this.#queue.pagedOut.lanes)
    this.#sweep = setInterval(() => this.#lookOver(), SWEEP_MS)
    // The timer alone must not keep the process alive.
    this.#sweep.unref()
  }

  #lookOver(): void {
    this.parking.review()
    this.#window.shrink((batch) => {
      this.#unsettled.delete(batch)
      this.#flushes.left(batch)
    })
    this.scheduler.passOnSlow()
    if (this.#options.policy.maxWaitMs === Number.POSITIVE_INFINITY) return
    const now = steadyNowMs()
    for (const lane of this.#lanes.values()) this.scheduler.expire(lane, now)
  }

  /**
   * Takes over batches of an earlier or another process, at any time: each is inserted among the waiting ones by its time.
   * @param pagedOut items that wait in addition to these, by lane
   */
  takeUp(found: readonly RecoveredBatch[], pagedOut: PagedOut['lanes']): void {
    for (const [lane, { items, ownItems }] of pagedOut)
      if (items > ownItems) this.#ledger.recovered(items - ownItems, lane)
    for (const { lane, batch } of found) if (!batch.own) this.#ledger.recovered(batch.unsettled, lane)
    this.#takeIn(found)
  }

  #takeIn(found: readonly RecoveredBatch[]): void {
    const now = steadyNowMs()
    for (const [key, batches] of Map.groupBy(found, ({ lane }) => lane)) {
      const lane = this.#lane(key, this.#destinationOf(key))
      for (const { batch } of batches) {
        this.#unsettled.add(batch)
        this.#flushes.pagedIn(batch)
      }
      lane.takeUp(batches)
      // These batches have already waited for the flush interval.
      if ((batches[0]?.batch.enqueuedAtMs ?? now) + this.#options.flushIntervalMs <= now) lane.deadlineMs = 0
      this.scheduler.consider(lane)
    }
  }

  /** Counts items that were only on disk and can no longer be read as lost. */
  #lost(items: number): void {
    this.#ledger.settled({ kind: 'lost', reason: 'quarantined' }, items, '')
    this.#flushes.review()
  }

  /** Opens an account's scope because the account throttled another process. Applies to later lanes too. */
  throttledElsewhere(account: string, afterMs: number, message: string): void {
    this.#scopes.shared({ kind: 'account', name: account }).fail({ message, afterMs, lasting: false })
  }

  /** Sends everything now and waits until the items queued at this moment are settled, or the signal aborts. */
  async flush(signal: AbortSignal): Promise<void> {
    if ((this.#unsettled.size === 0 && this.#queue.pagedOut.records === 0) || signal.aborted) return
    this.scheduler.flushing++
    for (const lane of this.#lanes.values()) this.scheduler.consider(lane)
    // Do not wait for items that come later.
    for (const batch of this.#unsettled) batch.closed = true
    await this.#flushes.wait(this.#unsettled, steadyNowMs(), signal)
    this.scheduler.flushing--
  }

  /** Drains until the signal aborts. Items left then are lost with the process, unless the queue outlives it. */
  async shutdown(signal: AbortSignal, queueOutlives: boolean): Promise<void> {
    this.#hasten()
    await this.flush(signal)
    clearInterval(this.#sweep)
    await this.scheduler.close()
    // Dead letters being written finish while the queue can still be updated.
    await this.#unwanted.close()
    for (const lane of this.#lanes.values()) for (const scope of lane.scopes) scope.close()
    for (const scope of this.#scopes) scope.close()
    if (!queueOutlives) this.#loseRest()
    await this.#queue.close()
  }

  /** Lets each scope be probed at once, and often, since nothing new comes in. */
  #hasten(): void {
    this.#sender.hasten(SHUTDOWN_WAIT_MS)
    for (const scope of this.#scopes) scope.hasten(SHUTDOWN_WAIT_MS)
    for (const lane of this.#lanes.values()) lane.scopes.at(-1)?.hasten(SHUTDOWN_WAIT_MS)
  }

  /** Counts the remaining items as lost. In memory it does not matter which items of a batch are left, only how many. */
  #loseRest(): void {
    for (const batch of this.#unsettled) {
      const items = batch.unsettled
      this.#queue.settle(batch, 0, items)
      this.#count(batch, { kind: 'lost', reason: 'shutdown' }, items, '')
    }
    this.#unsettled.clear()
    this.#lanes.clear()
  }

  #stored(stored: readonly QueuedBatch[], listener: SettlementListener | undefined): void {
    for (const batch of stored) {
      if (batch.pagedOut) continue
      batch.listener = listener
      this.#unsettled.add(batch)
    }
  }

  #sendAll(lanes: readonly DeliveryItems<D>[], stored: readonly QueuedBatch[]): void {
    for (let place = 0; place < stored.length; place++) {
      const { lane, destination, dead } = lanes[place] as DeliveryItems<D>
      const batch = stored[place] as QueuedBatch
      if (batch.pagedOut) continue
      if (dead === undefined) this.#send(lane, destination, batch)
      else void this.#bury(lane, destination, batch, dead)
    }
  }

  #send(key: string, destination: D, batch: QueuedBatch): void {
    const lane = this.#lane(key, destination)
    if (!this.#join(lane, batch)) lane.add(batch, NONE_SETTLED)
    this.scheduler.consider(lane)
  }

  /** Joins small requests of one lane into a batch, so that waiting requests cost little more than their bytes. */
  #join(lane: Lane<D>, batch: QueuedBatch): boolean {
    const { last } = lane
    if (last === undefined) return false
    const before = last.heldBytes
    const from = this.#queue.join(last, batch)
    if (from === undefined) return false
    this.#unsettled.delete(batch)
    lane.extend(last, from, batch.countedBytes, last.heldBytes - before)
    return true
  }

  /** Stores a batch as a dead letter. If that is not possible, it is sent normally, because its items were acknowledged. */
  async #bury(lane: string, destination: D, batch: QueuedBatch, { reason, error }: Death): Promise<void> {
    const run = { batch, from: 0, to: batch.count }
    const kept = await this.#unwanted.keep({ lane, run, reason, error })
    if (kept === 'kept') this.#end(undefined, run, DEAD_LETTERED, lane)
    else if (kept === 'never') this.#send(lane, destination, batch)
  }

  #lane(key: string, destination: D): Lane<D> {
    const known = this.#lanes.get(key)
    if (known !== undefined) return known
    const scopes = this.#scopes.join(key, this.#sender.scopes(destination))
    const lane = new Lane(key, destination, scopes, this.#sender.creation)
    this.#lanes.set(key, lane)
    return lane
  }

  #forget(lane: Lane<D>): void {
    if (this.#lanes.get(lane.key) !== lane) return
    this.#lanes.delete(lane.key)
    this.#scopes.leave(lane)
  }

  #settle(lane: Lane<D>, run: Run, settlement: Settlement, error: string): void {
    if (run.batch.own || !this.#unwanted.takes(settlement)) this.#end(lane, run, settlement, lane.key)
    else void this.#store(lane, run, settlement, error)
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
    batch.listener = run.batch.listener
    this.#unsettled.add(batch)
    this.#ledger.moved(run.to - run.from, lane.key, to.lane)
    this.#flushes.moved(run.batch, batch)
    this.#send(to.lane, to.destination, batch)
    this.#release(lane, run)
  }

  #release(lane: Lane<D> | undefined, { batch, from, to }: Run): void {
    this.#queue.settle(batch, from, to)
    if (lane !== undefined) {
      lane.held.items -= to - from
      if (batch.unsettled === 0) {
        lane.held.bytes -= batch.heldBytes
        lane.held.batches--
        if (batch.pagedIn) lane.held.pagedIn--
      }
    }
    if (batch.unsettled > 0) return
    this.#unsettled.delete(batch)
    this.#flushes.left(batch)
  }

  #count(batch: QueuedBatch, settlement: Settlement, items: number, lane: string): void {
    if (!batch.own) this.#ledger.settled(settlement, items, lane)
    batch.listener?.settled(settlement, items)
  }
}

const NONE: readonly number[] = []
const NONE_SETTLED: readonly (readonly [from: number, to: number])[] = []

function laneFull(key: string): Retry {
  return {
    kind: 'retry',
    cause: 'lane_full',
    afterMs: 5_000,
    message: `the destination ${key} holds more than its share of the queue, and on_lane_full is refuse`,
  }
}
