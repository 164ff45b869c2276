import type { ByteBudget } from '../component/byte-budget.ts'
import type { Retry } from '../component/outcome.ts'
import { countedBytes, heldBytes } from './items.ts'
import { type NewBatch, QueuedBatch, type Queue, type QueueReservation, type RecoveredBatch } from './queue.ts'

/** ms a sender is asked to wait when the budget is full: long enough for puts to free some, with jitter so that senders spread. */
const RETRY_AFTER_MS = 1_000

/** `sending_queue.queue_size` in units of its `sizer`. */
export interface QueueBound {
  readonly unit: 'requests' | 'items' | 'bytes'
  readonly most: number
}

/** Keeps batches in memory, within the byte budget of the process and a bound of its own if one is written. */
export class MemoryQueue implements Queue {
  readonly #budget: ByteBudget
  readonly #bound: QueueBound | undefined
  readonly capacityBytes: number
  usedBytes = 0
  #items = 0
  #requests = 0
  /** Batches of each request that are not settled yet. */
  readonly #batchesLeft = new WeakMap<QueuedBatch, { batches: number }>()

  constructor(budget: ByteBudget, bound?: QueueBound) {
    this.#budget = budget
    this.#bound = bound
    this.capacityBytes = bound?.unit === 'bytes' ? Math.min(budget.capacity, bound.most) : budget.capacity
  }

  /** What it holds, in the unit its bound is written in; bytes without one. */
  get size(): number {
    if (this.#bound === undefined || this.#bound.unit === 'bytes') return this.usedBytes
    return this.#bound.unit === 'items' ? this.#items : this.#requests
  }

  get capacity(): number {
    return this.#bound === undefined || this.#bound.unit === 'bytes' ? this.capacityBytes : this.#bound.most
  }

  reserve(batches: readonly NewBatch[]): QueueReservation | Retry {
    let bytes = 0
    let items = 0
    for (const batch of batches) {
      bytes += heldBytes(batch.items)
      items += batch.items.count
    }
    if (!this.#fits(bytes, items) || !this.#budget.reserve(bytes)) return this.#full()
    this.usedBytes += bytes
    this.#items += items
    if (this.#bound?.unit === 'requests') this.#requests++
    return {
      kind: 'reserved',
      commit: (stored) => {
        const now = Date.now()
        const queued = batches.map(
          ({ items }) => new QueuedBatch(items, items.count, countedBytes(items), heldBytes(items), now),
        )
        this.#countRequest(queued)
        stored(queued)
      },
      release: () => {
        this.#countRequest([])
        this.#items -= items
        this.#free(bytes)
      },
    }
  }

  /** Has the request counted until the last of its batches is settled; at once if there is none. */
  #countRequest(batches: readonly QueuedBatch[]): void {
    if (this.#bound?.unit !== 'requests') return
    const request = { batches: batches.length }
    if (batches.length === 0) this.#requests--
    for (const batch of batches) this.#batchesLeft.set(batch, request)
  }

  #fits(bytes: number, items: number): boolean {
    if (this.usedBytes + bytes > this.capacityBytes) return false
    switch (this.#bound?.unit) {
      case 'items':
        return this.#items + items <= this.#bound.most
      case 'requests':
        return this.#requests < this.#bound.most
      case 'bytes':
      case undefined:
        return true
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
    this.#items -= items
    if (batch.unsettled > 0) return
    batch.items = undefined
    this.#free(batch.heldBytes)
    const request = this.#batchesLeft.get(batch)
    if (request !== undefined && --request.batches === 0) this.#requests--
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
      message: `the queue is full (${this.size} of ${this.capacity} ${this.#bound?.unit ?? 'bytes'}); the records were not taken`,
    }
  }
}
