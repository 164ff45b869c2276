import type { FaultScope } from '../faults/fault-scope.ts'
import type { ScopeHealth, ScopeKind } from '../contract/sender.ts'
import type { QueuedBatch, RecoveredBatch } from '../contract/queue.ts'
import { type Run, RunQueue } from '../contract/run-queue.ts'

/** Step between batches of the same ms; the clock in ms, as a double, has room for 4,096. */
const ORDER_STEP_MS = 1 / 1_024

/** One destination (role, Region, group, stream) and its waiting items. Removed as soon as none waits. */
export class Lane<D> {
  readonly key: string
  readonly destination: D
  /** Widest first; the lane's own scope, the stream, is last. */
  readonly scopes: readonly FaultScope<Lane<D>>[]
  readonly #creation: ScopeHealth | undefined
  readonly runs = new RunQueue()
  waitingItems = 0
  waitingCounted = 0
  /** Amount in the queue, including items in flight: a batch counts as a whole until its last item is settled. */
  readonly held = { bytes: 0, items: 0, batches: 0, pagedIn: 0 }
  inFlight = 0
  /** performance.now() at which waiting items are sent even if they do not fill a put; undefined if none waits. */
  deadlineMs: number | undefined
  /** The lists that contain the lane, at most once each. */
  inFresh = false
  inBacklog = false
  /** The scope in which it waits; undefined if it waits in none. */
  waitsIn: FaultScope<Lane<D>> | undefined
  /** True while its destination is being created. */
  preparing = false
  /** performance.now() at which the destination was created; minus infinity if it existed. */
  preparedAtMs = Number.NEGATIVE_INFINITY
  #rank = 0
  #lastOrder = 0

  /** @param creation health of the creation of destinations */
  constructor(key: string, destination: D, scopes: readonly FaultScope<Lane<D>>[], creation?: ScopeHealth) {
    this.key = key
    this.destination = destination
    this.scopes = scopes
    this.#creation = creation
  }

  get idle(): boolean {
    return this.waitingItems === 0 && this.inFlight === 0
  }

  /**
   * Rank among the lanes that may send a probe, lowest first. Below 0: it succeeded, the latest success is lowest. 0: no put
   * yet. Above 0: it failed, the oldest failure is lowest.
   */
  get rank(): number {
    return this.#rank
  }

  succeeded(): void {
    this.#rank = -performance.now()
  }

  failed(): void {
    this.#rank = performance.now()
  }

  /** True if its last put failed by a fault of its own. */
  get isFailing(): boolean {
    return this.scopes.some(({ kind, blamed, failures }) => failures > 0 && blamed && !isWide(kind))
  }

  /** The fault of its own, or of creations, that blocks the lane; undefined if there is none. */
  get stuckBy(): ScopeHealth | undefined {
    if (this.preparing && this.#creation !== undefined && this.#creation.state !== 'closed')
      return isForeign(this.scopes[0], this.#creation.failingSinceMs) ? this.#creation : undefined
    return this.scopes.find(
      ({ kind, state, blamed }) => blamed && state !== 'closed' && (kind === 'group' || kind === 'stream'),
    )
  }

  /** True if the lane cannot be sent now: one of its scopes is not closed, or its destination is being created. */
  get isHeldUp(): boolean {
    return this.preparing || this.scopes.some(({ state }) => state !== 'closed')
  }

  /** True if only `stuckBy` blocks the lane, and no wider scope. A lane that waits for its turn is not stuck. */
  get stuckAlone(): boolean {
    return this.stuckBy !== undefined && !this.scopes.some(({ kind, state }) => state !== 'closed' && isWide(kind))
  }

  /** True if another lane was written since this lane began to fail. */
  get othersWork(): boolean {
    const failingSinceMs = this.stuckBy?.failingSinceMs
    return failingSinceMs !== undefined && (this.scopes[0]?.succeededAtMs ?? Number.NEGATIVE_INFINITY) > failingSinceMs
  }

  /** @param settled items that are already settled, as `[from, to)` pairs in order */
  add(batch: QueuedBatch, settled: RecoveredBatch['settled']): void {
    this.#lastOrder = after(this.#lastOrder, batch)
    this.#push(batch, settled, this.#lastOrder)
  }

  /** The newest batch, while some of its items wait. */
  get last(): QueuedBatch | undefined {
    return this.runs.at(this.runs.length - 1)?.batch
  }

  /** Adds items `[from, …)` that joined a batch of the lane; the batch takes `grownBytes` more of the queue. */
  extend(batch: QueuedBatch, from: number, countedBytes: number, grownBytes: number): void {
    this.runs.extend({ batch, from, to: batch.count })
    this.waitingItems += batch.count - from
    this.waitingCounted += countedBytes
    this.held.bytes += grownBytes
    this.held.items += batch.count - from
  }

  /** Adds batches of another queue, in its order: each is inserted among the waiting ones by its time. */
  addRecovered(found: readonly RecoveredBatch[]): void {
    let order = 0
    for (const { batch, settled } of found) {
      order = after(order, batch)
      this.#push(batch, settled, order)
    }
    this.runs.sort()
    // Later batches go after them.
    this.#lastOrder = Math.max(this.#lastOrder, order)
  }

  #push(batch: QueuedBatch, settled: RecoveredBatch['settled'], order: number): void {
    batch.order = order
    let from = 0
    for (const [gapFrom, gapTo] of settled) {
      if (gapFrom > from) this.runs.push({ batch, from, to: gapFrom })
      from = gapTo
    }
    if (from < batch.count) this.runs.push({ batch, from, to: batch.count })
    this.waitingItems += batch.unsettled
    this.waitingCounted += batch.countedBytes
    this.held.bytes += batch.heldBytes
    this.held.items += batch.unsettled
    this.held.batches++
    if (batch.pagedIn) this.held.pagedIn++
  }

  /** The newest batch, if all of its items wait in one run. */
  get lastWhole(): QueuedBatch | undefined {
    const run = this.runs.at(this.runs.length - 1)
    return run !== undefined && run.from === 0 && run.to === run.batch.count ? run.batch : undefined
  }

  /** Removes the newest batch, which is now only on disk. */
  dropLast({ count, countedBytes, heldBytes, pagedIn }: QueuedBatch): void {
    this.runs.dropLast()
    this.took(count, countedBytes)
    this.held.bytes -= heldBytes
    this.held.items -= count
    this.held.batches--
    if (pagedIn) this.held.pagedIn--
  }

  /** Called when items of the lane, in flight until now, are settled in the queue. */
  settled({ unsettled, heldBytes, pagedIn }: QueuedBatch, items: number): void {
    this.held.items -= items
    if (unsettled > 0) return
    this.held.bytes -= heldBytes
    this.held.batches--
    if (pagedIn) this.held.pagedIn--
  }

  /** Returns the runs of a failed put to the lane. */
  putBack(runs: readonly Run[], items: number, counted: number): void {
    this.runs.putBack(runs)
    this.waitingItems += items
    this.waitingCounted += counted
  }

  took(items: number, counted: number): void {
    this.waitingItems -= items
    this.waitingCounted = this.waitingItems === 0 ? 0 : this.waitingCounted - counted
  }

  /** Returns the index of the first run queued less than `ageMs` ago; `runs.length` if there is none. */
  firstYounger(ageMs: number, nowMs: number): number {
    return this.runs.firstSince(nowMs - ageMs + 1)
  }
}

/**
 * A fault is a lane's or group's own if it has lasted this long while others were written. When an outage ends, one lane is
 * written first: the others may fail once more without a fault of their own.
 */
const OWN_FAULT_AFTER_MS = 10_000
/** …and others succeeded this recently. When an outage begins, puts in flight succeed after the first fault. */
const OTHERS_SUCCEED_WITHIN_MS = 5_000

/** Returns true if others in the shared scope are written while this one fails. */
export function isForeign(
  shared: Pick<FaultScope<unknown>, 'worksSinceMs' | 'succeededAtMs'> | undefined,
  failingSinceMs: number = Number.POSITIVE_INFINITY,
): boolean {
  if (shared === undefined) return false
  const now = performance.now()
  const sinceMs = Math.max(failingSinceMs, shared.worksSinceMs)
  return now - sinceMs >= OWN_FAULT_AFTER_MS && now - shared.succeededAtMs <= OTHERS_SUCCEED_WITHIN_MS
}

function isWide(kind: ScopeKind): boolean {
  return kind !== 'group' && kind !== 'stream'
}

/** Returns the order of the next batch. A clock that is set back does not move a batch before an earlier one. */
function after(lastOrder: number, { enqueuedAtMs }: QueuedBatch): number {
  return Math.max(enqueuedAtMs, lastOrder + ORDER_STEP_MS)
}
