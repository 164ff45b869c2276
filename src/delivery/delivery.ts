// The lanes of one exporter, from admission to settlement. Independent of AWS and OTLP.
//
//   reserve ─▶ commit ─▶ queue.stored ─▶ lane ─▶ scheduler ─▶ put ─▶ settle
//      │         │            │                                        │
//      └ retry   └ release    └ listener.queued                        └ queue.settle, listener.settled

import type { SettlementListener } from '../component/consumer.ts'
import type { Retry } from '../accounting/outcome.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { BackoffOptions } from './faults/backoff.ts'
import type { FaultScope } from './faults/fault-scope.ts'
import { sumOf } from './contract/items.ts'
import type { DeliveryItems } from './contract/lane-items.ts'
import { Lane } from './lanes/lane.ts'
import { LaneScopes } from './lanes/lane-scopes.ts'
import { type OnLaneFull, Parking } from './lanes/parking.ts'
import { Window } from './lanes/window.ts'
import type { PackPolicy } from './contract/pack.ts'
import { steadyNowMs } from './contract/steady-clock.ts'
import type { Sender } from './contract/sender.ts'
import type { PageReader, Queue, PagedOut, QueuedBatch, RecoveredBatch } from './contract/queue.ts'
import { type DeadLetterSink, type Rescue, Unwanted } from './dead-letters/unwanted.ts'
import { Scheduler, type SchedulerOptions } from './scheduling/scheduler.ts'
import { type DeliveryLedger, Settlements } from './settlements.ts'

export interface DeliveryOptions extends SchedulerOptions {
  readonly policy: PackPolicy
  readonly backoff: BackoffOptions
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
  readonly #settlements: Settlements<D>
  readonly #lanes = new Map<string, Lane<D>>()
  readonly #scopes: LaneScopes<D>
  readonly #window: Window<D>
  #destinationOf: (laneKey: string) => D = () => {
    throw new Error('not started')
  }
  /** Receives batches that were only on disk, as there is room for them. */
  readonly reader: PageReader = {
    keeps: (lane) => this.#window.keeps(lane),
    wants: (lane) => this.#window.wants(lane),
    take: (found) => this.#takeIn(found),
    lost: (items) => this.#settlements.lost(items),
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
    this.#settlements = new Settlements(
      queue,
      ledger,
      new Unwanted(queue, unwanted.deadLetters, unwanted.rescue),
      (lane, destination, batch) => this.#send(lane, destination, batch),
    )
    this.parking = new Parking(this.#lanes, queue, logger)
    this.#window = new Window(this.#lanes, queue.pagedOut)
    this.scheduler = new Scheduler(
      options,
      sender,
      queue,
      {
        settle: (lane, run, settlement, error) => this.#settlements.settle(lane, run, settlement, error),
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
    return this.#settlements.oldestEnqueuedAtMs
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
          for (const batch of stored) if (!batch.pagedOut) this.#settlements.add(batch, listener)
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
    this.addRecovered(found, this.#queue.pagedOut.lanes)
    this.#sweep = setInterval(() => this.#lookOver(), SWEEP_MS)
    // The timer alone must not keep the process alive.
    this.#sweep.unref()
  }

  #lookOver(): void {
    this.parking.review()
    this.#window.shrink((batch) => this.#settlements.pagedOut(batch))
    this.scheduler.passOnSlow()
    if (this.#options.policy.maxWaitMs === Number.POSITIVE_INFINITY) return
    const now = steadyNowMs()
    for (const lane of this.#lanes.values()) this.scheduler.expire(lane, now)
  }

  /**
   * Takes over batches of an earlier or another process, at any time: each is inserted among the waiting ones by its time.
   * @param pagedOut items that wait in addition to these, by lane
   */
  addRecovered(found: readonly RecoveredBatch[], pagedOut: PagedOut['lanes']): void {
    for (const [lane, { items, ownItems }] of pagedOut)
      if (items > ownItems) this.#ledger.recovered(items - ownItems, lane)
    for (const { lane, batch } of found) if (!batch.own) this.#ledger.recovered(batch.unsettled, lane)
    this.#takeIn(found)
  }

  #takeIn(found: readonly RecoveredBatch[]): void {
    const now = steadyNowMs()
    for (const [key, batches] of Map.groupBy(found, ({ lane }) => lane)) {
      const lane = this.#lane(key, this.#destinationOf(key))
      for (const { batch } of batches) this.#settlements.pagedIn(batch)
      lane.addRecovered(batches)
      // These batches have already waited for the flush interval.
      if ((batches[0]?.batch.enqueuedAtMs ?? now) + this.#options.flushIntervalMs <= now) lane.deadlineMs = 0
      this.scheduler.consider(lane)
    }
  }

  /** Opens an account's scope because the account throttled another process. Applies to later lanes too. */
  throttledElsewhere(account: string, afterMs: number, message: string): void {
    this.#scopes.shared({ kind: 'account', name: account }).fail({ message, afterMs, lasting: false })
  }

  /** Sends everything now and waits until the items queued at this moment are settled, or the signal aborts. */
  async flush(signal: AbortSignal): Promise<void> {
    if (this.#settlements.isEmpty || signal.aborted) return
    this.scheduler.flushing++
    for (const lane of this.#lanes.values()) this.scheduler.consider(lane)
    await this.#settlements.flush(signal)
    this.scheduler.flushing--
  }

  /** Drains until the signal aborts. Items left then are lost with the process, unless the queue outlives it. */
  async shutdown(signal: AbortSignal, queueOutlives: boolean): Promise<void> {
    this.#hasten()
    await this.flush(signal)
    clearInterval(this.#sweep)
    await this.scheduler.close()
    await this.#settlements.close()
    for (const lane of this.#lanes.values()) for (const scope of lane.scopes) scope.close()
    for (const scope of this.#scopes) scope.close()
    if (!queueOutlives) {
      this.#settlements.loseRest()
      this.#lanes.clear()
    }
    await this.#queue.close()
  }

  /** Lets each scope be probed at once, and often, since nothing new comes in. */
  #hasten(): void {
    this.#sender.hasten(SHUTDOWN_WAIT_MS)
    for (const scope of this.#scopes) scope.hasten(SHUTDOWN_WAIT_MS)
    for (const lane of this.#lanes.values()) lane.scopes.at(-1)?.hasten(SHUTDOWN_WAIT_MS)
  }

  #sendAll(lanes: readonly DeliveryItems<D>[], stored: readonly QueuedBatch[]): void {
    for (let place = 0; place < stored.length; place++) {
      const { lane, destination, dead } = lanes[place] as DeliveryItems<D>
      const batch = stored[place] as QueuedBatch
      if (batch.pagedOut) continue
      if (dead === undefined) this.#send(lane, destination, batch)
      else void this.#settlements.bury(lane, destination, batch, dead)
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
    this.#settlements.joined(batch)
    lane.extend(last, from, batch.countedBytes, last.heldBytes - before)
    return true
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
