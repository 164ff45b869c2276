import type { FaultScope } from '../faults/fault-scope.ts'
import type { ScopeHealth, ScopeKind } from '../contract/sender.ts'
import type { QueuedBatch, RecoveredBatch } from '../contract/queue.ts'
import { type Run, RunQueue } from '../contract/run-queue.ts'

/** Between batches of the same ms; the clock in ms, as a double, has room for 4,096. */
const ORDER_STEP_MS = 1 / 1_024

/** One destination (role, region, group, stream) and what waits for it. Forgotten as soon as nothing does. */
export class Lane<D> {
  readonly key: string
  readonly destination: D
  /** Widest first; the lane's own, the stream's, is last. */
  readonly scopes: readonly FaultScope<Lane<D>>[]
  readonly #creation: ScopeHealth | undefined
  readonly runs = new RunQueue()
  waitingItems = 0
  waitingCounted = 0
  /** What it has in the queue, what is under way included: a batch counts as a whole until its last item is settled. */
  readonly held = { bytes: 0, items: 0, batches: 0, pagedIn: 0 }
  inFlight = 0
  /** performance.now() at which what waits is sent even if it fills no put; undefined while nothing waits. */
  deadlineMs: number | undefined
  /** Where it is listed at the moment; it is at most once in each list. */
  inFresh = false
  inBacklog = false
  /** The scope in which it waits, or undefined. */
  waitsIn: FaultScope<Lane<D>> | undefined
  /** Its destination is being created. */
  preparing = false
  /** performance.now() at which the destination was created; minus infinity if it was there. */
  preparedAtMs = Number.NEGATIVE_INFINITY
  #rank = 0
  #lastOrder = 0

  /** @param creation of what its destination may need */
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
   * Its place among those that may send a probe, lowest first: below 0 it succeeded, the latest success lowest; 0 before its
   * first put; above 0 it failed, the oldest failure lowest.
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

  /** Whether its last put failed by a fault of its own. */
  get isFailing(): boolean {
    return this.scopes.some(({ kind, blamed, failures }) => failures > 0 && blamed && !isWide(kind))
  }

  /** What keeps it from being sent, by a fault of its own or of creations; undefined if nothing does. */
  get stuckBy(): ScopeHealth | undefined {
    if (this.preparing && this.#creation !== undefined && this.#creation.state !== 'closed')
      return isForeign(this.scopes[0], this.#creation.failingSinceMs) ? this.#creation : undefined
    return this.scopes.find(
      ({ kind, state, blamed }) => blamed && state !== 'closed' && (kind === 'group' || kind === 'stream'),
    )
  }

  /** Whether none of it can be sent now: something it stands in has failed, or its destination is being created. */
  get isHeldUp(): boolean {
    return this.preparing || this.scopes.some(({ state }) => state !== 'closed')
  }

  /** Whether that alone holds it, and nothing that others wait for too. A lane that waits for its turn is not stuck. */
  get stuckAlone(): boolean {
    return this.stuckBy !== undefined && !this.scopes.some(({ kind, state }) => state !== 'closed' && isWide(kind))
  }

  /** Whether something else was written since this lane began to fail. */
  get othersWork(): boolean {
    const failingSinceMs = this.stuckBy?.failingSinceMs
    return failingSinceMs !== undefined && (this.scopes[0]?.succeededAtMs ?? Number.NEGATIVE_INFINITY) > failingSinceMs
  }

  /** @param settled items that need no sending any more, as `[from, to)` pairs in order */
  add(batch: QueuedBatch, settled: RecoveredBatch['settled']): void {
    this.#lastOrder = after(this.#lastOrder, batch)
    this.#push(batch, settled, this.#lastOrder)
  }

  /** The batch that came last, while some of it waits. */
  get last(): QueuedBatch | undefined {
    return this.runs.at(this.runs.length - 1)?.batch
  }

  /** Items `[from, …)` of a batch it has came later; the batch takes `grownBytes` more of the queue. */
  extend(batch: QueuedBatch, from: number, countedBytes: number, grownBytes: number): void {
    this.runs.extend({ batch, from, to: batch.count })
    this.waitingItems += batch.count - from
    this.waitingCounted += countedBytes
    this.held.bytes += grownBytes
    this.held.items += batch.count - from
  }

  /** Batches that have waited in another queue, in its order: the clock puts each between those that wait here. */
  takeUp(found: readonly RecoveredBatch[]): void {
    let order = 0
    for (const { batch, settled } of found) {
      order = after(order, batch)
      this.#push(batch, settled, order)
    }
    this.runs.sort()
    // What comes later goes behind them.
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

  /** The batch that came last, if all of it waits in one run. */
  get lastWhole(): QueuedBatch | undefined {
    const run = this.runs.at(this.runs.length - 1)
    return run !== undefined && run.from === 0 && run.to === run.batch.count ? run.batch : undefined
  }

  /** The batch that came last is on disk alone from now on. */
  dropLast({ count, countedBytes, heldBytes, pagedIn }: QueuedBatch): void {
    this.runs.dropLast()
    this.took(count, countedBytes)
    this.held.bytes -= heldBytes
    this.held.items -= count
    this.held.batches--
    if (pagedIn) this.held.pagedIn--
  }

  /** Puts the runs of a failed put back. */
  putBack(runs: readonly Run[], items: number, counted: number): void {
    this.runs.putBack(runs)
    this.waitingItems += items
    this.waitingCounted += counted
  }

  took(items: number, counted: number): void {
    this.waitingItems -= items
    this.waitingCounted = this.waitingItems === 0 ? 0 : this.waitingCounted - counted
  }

  /** Place of the first run that was queued less than `ageMs` ago; `runs.length` if there is none. */
  firstYounger(ageMs: number, nowMs: number): number {
    return this.runs.firstSince(nowMs - ageMs + 1)
  }
}

/**
 * A fault is somebody's own when it has lasted for so long while others were written. When an outage ends, one is written
 * first: the others may fail once more, and are not to blame.
 */
const OWN_FAULT_AFTER_MS = 10_000
/** …and others succeeded so lately. When an outage begins, puts that were under way succeed after the first fault. */
const OTHERS_SUCCEED_WITHIN_MS = 5_000

/** Whether others in the scope are written while this fails. */
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

/** A clock that is set back moves nothing before what came earlier. */
function after(lastOrder: number, { enqueuedAtMs }: QueuedBatch): number {
  return Math.max(enqueuedAtMs, lastOrder + ORDER_STEP_MS)
}
