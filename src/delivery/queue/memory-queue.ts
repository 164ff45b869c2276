import type { ByteBudget } from '../../component/byte-budget.ts'
import type { Retry } from '../../accounting/outcome.ts'
import { freeBytes } from '../../wire/free-bytes.ts'
import { countedBytes, heldBytes, sumOf } from '../contract/items.ts'
import { BoundKeeper, type QueueBound } from './queue-bound.ts'
import {
  type Held,
  type NewBatch,
  QueuedBatch,
  type Queue,
  type QueueReservation,
  type RecoveredBatch,
} from '../contract/queue.ts'

/** ms a sender is asked to wait when the queue is full: long enough for puts to free some, with jitter so that senders spread. */
const RETRY_AFTER_MS = 1_000

/** Keeps batches in memory, within the byte budget of the process and a bound of its own if one is written. */
export class MemoryQueue implements Queue {
  readonly #budget: ByteBudget
  readonly #keeper: BoundKeeper
  readonly capacityBytes: number
  usedBytes = 0

  constructor(budget: ByteBudget, bound?: QueueBound) {
    this.#budget = budget
    this.#keeper = new BoundKeeper(bound)
    this.capacityBytes = bound?.unit === 'bytes' ? Math.min(budget.capacity, bound.most) : budget.capacity
  }

  /** What it holds, in the unit its bound is written in; bytes without one. */
  get size(): number {
    return this.#keeper.fill?.size ?? this.usedBytes
  }

  get capacity(): number {
    return this.#keeper.fill?.most ?? this.capacityBytes
  }

  get fullness(): number {
    return Math.max(this.usedBytes / this.capacityBytes, this.#keeper.fullness)
  }

  share(held: Held): number {
    return Math.max(held.bytes / this.capacityBytes, this.#keeper.share(held))
  }

  reserve(batches: readonly NewBatch[]): QueueReservation | Retry {
    const { bytes, items } = sumOf(batches)
    if (this.usedBytes + bytes > this.capacityBytes || !this.#keeper.reserve(items)) return this.#full()
    if (!this.#budget.reserve(bytes)) {
      this.#keeper.release(items)
      return this.#full()
    }
    this.usedBytes += bytes
    return {
      kind: 'reserved',
      commit: (stored) => {
        const now = Date.now()
        const queued = batches.map(
          ({ items }) => new QueuedBatch(items, items.count, countedBytes(items), heldBytes(items), now),
        )
        this.#keeper.commit(queued)
        stored(queued)
      },
      release: () => {
        this.#keeper.release(items)
        this.#free(bytes)
      },
    }
  }

  couldHold(batches: readonly NewBatch[]): boolean {
    const { bytes, items } = sumOf(batches)
    return bytes <= this.capacityBytes && this.#keeper.couldHold(items)
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
    if (batch.items !== undefined) freeBytes(batch.items.bytes)
    batch.items = undefined
    this.#free(batch.heldBytes)
  }

  async recover(): Promise<readonly RecoveredBatch[]> {
    return []
  }

  async close(): Promise<void> {}

  #free(bytes: number): void {
    this.usedBytes -= bytes
    this.#budget.release(bytes)
  }

  #full(): Retry {
    const unit = this.#keeper.fill?.unit ?? 'bytes'
    return {
      kind: 'retry',
      cause: 'budget_full',
      afterMs: RETRY_AFTER_MS * (1 + Math.random()),
      message: `the queue is full (${this.size} of ${this.capacity} ${unit}); the records were not taken`,
    }
  }
}
