import type { ByteBudget } from '../../component/byte-budget.ts'
import type { Retry } from '../../accounting/outcome.ts'
import { BATCH_HEAP_BYTES, countedBytes, heldBytes, sumOf } from '../contract/items.ts'
import type { LaneItems } from '../contract/lane-items.ts'
import { steadyNowMs } from '../contract/steady-clock.ts'
import { freeItems, joinGrowth, joinItems } from './join-items.ts'
import { BoundKeeper, type QueueBound } from './queue-bound.ts'
import {
  type Held,
  NOTHING_PAGED_OUT,
  QueuedBatch,
  type Queue,
  type QueueReservation,
  type RecoveredBatch,
} from '../contract/queue.ts'

/** Retry delay for senders when the queue is full, ms: time for puts to free room; with jitter, so that senders spread out. */
const RETRY_AFTER_MS = 1_000

/** Keeps batches in memory, within the byte budget of the process and its own bound, if configured. */
export class MemoryQueue implements Queue {
  readonly #budget: ByteBudget
  readonly #keeper: BoundKeeper
  readonly capacityBytes: number
  readonly pagedOut = NOTHING_PAGED_OUT
  usedBytes = 0

  constructor(budget: ByteBudget, bound?: QueueBound) {
    this.#budget = budget
    this.#keeper = new BoundKeeper(bound)
    this.capacityBytes = bound?.unit === 'bytes' ? Math.min(budget.capacity, bound.most) : budget.capacity
  }

  /** Fill level in the unit of its bound; in bytes without one. */
  get size(): number {
    return this.#keeper.fill?.size ?? this.usedBytes
  }

  get capacity(): number {
    return this.#keeper.fill?.most ?? this.capacityBytes
  }

  get fullness(): number {
    return Math.max(this.usedBytes / this.capacityBytes, this.#budget.fullness, this.#keeper.fullness)
  }

  share(held: Held): number {
    return Math.max(held.bytes / this.capacityBytes, this.#keeper.share(held))
  }

  reserve(batches: readonly LaneItems[]): QueueReservation | Retry {
    const { bytes, items } = sumOf(batches)
    const heap = batches.length * BATCH_HEAP_BYTES
    if (this.usedBytes + bytes > this.capacityBytes) return full(this.usedBytes, this.capacityBytes, 'bytes')
    if (!this.#keeper.reserve(items)) return full(this.size, this.capacity, this.#keeper.fill?.unit ?? 'bytes')
    if (!this.#budget.reserve(bytes, heap)) {
      this.#keeper.release(items)
      return this.#budgetFull(bytes)
    }
    this.usedBytes += bytes
    return {
      kind: 'reserved',
      commit: (stored) => {
        const now = steadyNowMs()
        const queued = batches.map(
          ({ items, own }) =>
            new QueuedBatch(items, items.count, countedBytes(items), heldBytes(items), now, own === true),
        )
        this.#keeper.commit(queued)
        stored(queued)
      },
      release: () => {
        this.#keeper.release(items)
        this.#free(bytes, heap)
      },
    }
  }

  join(into: QueuedBatch, batch: QueuedBatch): number | undefined {
    // A bound in requests counts batches, so each request needs its own.
    if (this.#keeper.countsRequests) return undefined
    const growth = joinGrowth(into, batch)
    if (growth === undefined) return undefined
    const more = growth - batch.heldBytes
    if (more > 0 && (this.usedBytes + more > this.capacityBytes || !this.#budget.reserve(more))) return undefined
    if (more > 0) this.usedBytes += more
    const from = into.count
    joinItems(into, batch)
    into.heldBytes += growth
    this.#free(Math.max(0, -more), BATCH_HEAP_BYTES)
    return from
  }

  couldHold(batches: readonly LaneItems[]): boolean {
    const { bytes, items } = sumOf(batches)
    const heap = batches.length * BATCH_HEAP_BYTES
    return bytes <= this.capacityBytes && heap <= this.#budget.heapCapacity && this.#keeper.couldHold(items)
  }

  load(_batch: QueuedBatch, ready: () => void): void {
    ready()
  }

  settle(batch: QueuedBatch, from: number, to: number): void {
    const items = to - from
    if (items > batch.unsettled)
      throw new RangeError(`${items} items settled of a batch that has ${batch.unsettled} left`)
    batch.unsettled -= items
    this.#keeper.settled(batch, items)
    if (batch.unsettled > 0) return
    freeItems(batch)
    this.#free(batch.heldBytes, BATCH_HEAP_BYTES)
  }

  async recover(): Promise<readonly RecoveredBatch[]> {
    return []
  }

  async close(): Promise<void> {}

  #free(bytes: number, heap: number): void {
    this.usedBytes -= bytes
    this.#budget.release(bytes, heap)
  }

  #budgetFull(bytes: number): Retry {
    const { used, capacity, heapUsed, heapCapacity } = this.#budget
    return used + bytes > capacity
      ? full(used, capacity, 'bytes of the memory budget')
      : full(heapUsed, heapCapacity, 'bytes of heap for bookkeeping')
  }
}

function full(size: number, capacity: number, unit: string): Retry {
  return {
    kind: 'retry',
    cause: 'budget_full',
    afterMs: RETRY_AFTER_MS * (1 + Math.random()),
    message: `the queue is full (${size} of ${Math.floor(capacity)} ${unit}); the records were not accepted`,
  }
}
