import type { ByteBudget } from '../component/byte-budget.ts'
import type { Retry } from '../component/outcome.ts'
import { heldBytes } from './items.ts'
import { type NewBatch, QueuedBatch, type Queue, type QueueReservation, type RecoveredBatch } from './queue.ts'

/** ms a sender is asked to wait when the budget is full: long enough for puts to free some, with jitter so that senders spread. */
const RETRY_AFTER_MS = 1_000

/** Keeps batches in memory, within the byte budget of the process and a bound of its own if one is written. */
export class MemoryQueue implements Queue {
  readonly #budget: ByteBudget
  readonly capacityBytes: number
  usedBytes = 0

  /** @param capacityBytes `sending_queue.queue_size` in bytes; undefined leaves the bound to the budget */
  constructor(budget: ByteBudget, capacityBytes?: number) {
    this.#budget = budget
    this.capacityBytes = Math.min(budget.capacity, capacityBytes ?? Number.POSITIVE_INFINITY)
  }

  reserve(batches: readonly NewBatch[]): QueueReservation | Retry {
    let bytes = 0
    for (const batch of batches) bytes += heldBytes(batch.items)
    if (this.usedBytes + bytes > this.capacityBytes || !this.#budget.reserve(bytes)) return this.#full()
    this.usedBytes += bytes
    return {
      kind: 'reserved',
      commit: (stored) => {
        const now = Date.now()
        stored(batches.map((batch) => new QueuedBatch(batch.items, heldBytes(batch.items), now)))
      },
      release: () => this.#free(bytes),
    }
  }

  load(_batch: QueuedBatch, ready: () => void): void {
    ready()
  }

  settle(batch: QueuedBatch, from: number, to: number): void {
    const items = to - from
    if (items > batch.unsettled)
      throw new RangeError(`${items} items settled of a batch that has ${batch.unsettled} left`)
    batch.unsettled -= items
    if (batch.unsettled > 0) return
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
    return {
      kind: 'retry',
      cause: 'budget_full',
      afterMs: RETRY_AFTER_MS * (1 + Math.random()),
      message: `the queue is full (${this.usedBytes} of ${this.capacityBytes} bytes); the records were not taken`,
    }
  }
}
