import type { FaultScope } from '../faults/fault-scope.ts'
import type { ScopeKind } from '../contract/sender.ts'
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
  readonly runs = new RunQueue()
  waitingItems = 0
  waitingCounted = 0
  /** What it has in the queue, what is under way included: a batch counts as a whole until its last item is settled. */
  readonly held = { bytes: 0, items: 0, batches: 0 }
  inFlight = 0
  /** performance.now() at which what waits is sent even if it fills no put; undefined while nothing waits. */
  deadlineMs: number | undefined
  /** Where it is listed at the moment; it is at most once in each list. */
  inFresh = false
  inBacklog = false
  /** The scope in which it waits, or undefined. */
  waitsIn: FaultScope<Lane<D>> | undefined
  #lastOrder = 0

  constructor(key: string, destination: D, scopes: readonly FaultScope<Lane<D>>[]) {
    this.key = key
    this.destination = destination
    this.scopes = scopes
  }

  get idle(): boolean {
    return this.waitingItems === 0 && this.inFlight === 0
  }

  /** The group or stream that keeps it from being sent, by a fault of its own; undefined if none does. */
  get stuckBy(): FaultScope<Lane<D>> | undefined {
    return this.scopes.find(
      ({ kind, state, blamed }) => blamed && state !== 'closed' && (kind === 'group' || kind === 'stream'),
    )
  }

  /** Whether that alone holds it, and nothing that others wait for too. A lane that waits for its turn is not stuck. */
  get stuckAlone(): boolean {
    return this.stuckBy !== undefined && !this.scopes.some(({ kind, state }) => state !== 'closed' && isWide(kind))
  }

  /** @param settled items that need no sending any more, as `[from, to)` pairs in order */
  add(batch: QueuedBatch, settled: RecoveredBatch['settled']): void {
    this.#lastOrder = after(this.#lastOrder, batch)
    this.#push(batch, settled, this.#lastOrder)
  }

  /** Batches that have waited in another queue, in its order: the clock puts each between those that wait here. */
  takeUp(found: readonly RecoveredBatch[]): void {
    let order = 0
    for (const { batch, settled } of found) {
      order = after(order, batch)
      this.#push(batch, settled, order)
    }
    this.runs.sort()
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

function isWide(kind: ScopeKind): boolean {
  return kind !== 'group' && kind !== 'stream'
}

/** A clock that is set back moves nothing before what came earlier. */
function after(lastOrder: number, { enqueuedAtMs }: QueuedBatch): number {
  return Math.max(enqueuedAtMs, lastOrder + ORDER_STEP_MS)
}
