// The room for new records: limited by the bound in bytes, the bound in requests or items, the byte budget, and the free space
// of the volume. Taken before a write, released when the written records are settled.

import type { ByteBudget } from '../../../component/byte-budget.ts'
import type { Retry, RetryCause } from '../../../accounting/outcome.ts'
import { heldBytes, sumOf } from '../../contract/items.ts'
import type { LaneItems } from '../../contract/lane-items.ts'
import type { Held } from '../../contract/queue.ts'
import type { BoundKeeper } from '../queue-bound.ts'
import { recordBytes } from './format/format.ts'
import type { FreeSpace } from './files/free-space.ts'
import type { Usage } from './segments/segment.ts'

const RETRY_AFTER_MS = 1_000

/** Room for the batches of one request. */
export interface TakenRoom {
  /** Call if the batches are not written. */
  release(): void
  /** Call if they are written: from then on the segments count them. */
  written(): void
}

export class Room {
  readonly capacityBytes: number
  readonly #keeper: BoundKeeper
  readonly #budget: ByteBudget
  readonly #usage: Usage
  readonly #space: FreeSpace
  /** Bytes reserved for writes in progress. */
  #reservedBytes = 0

  constructor(capacityBytes: number, keeper: BoundKeeper, budget: ByteBudget, usage: Usage, space: FreeSpace) {
    this.capacityBytes = capacityBytes
    this.#keeper = keeper
    this.#budget = budget
    this.#usage = usage
    this.#space = space
  }

  /** Bytes of the segments on disk and of writes in progress. */
  get usedBytes(): number {
    return this.#usage.bytes + this.#reservedBytes
  }

  /** Fill level in the unit of the configured bound. */
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

  couldHold(batches: readonly LaneItems[]): boolean {
    const { bytes, items } = sumOf(batches)
    return bytes <= Math.min(this.capacityBytes, this.#budget.capacity) && this.#keeper.couldHold(items)
  }

  /** Takes room for all batches or for none. */
  take(batches: readonly LaneItems[]): TakenRoom | Retry {
    let memory = 0
    let disk = 0
    let items = 0
    for (const batch of batches) {
      memory += heldBytes(batch.items)
      disk += recordBytes(batch)
      items += batch.items.count
    }
    const { obstacle } = this.#space
    if (obstacle !== undefined) return notTaken(obstacle.cause, obstacle.message)
    if (this.usedBytes + disk > this.capacityBytes)
      return notTaken('storage_full', `the queue on disk is full (${this.usedBytes} of ${this.capacityBytes} bytes)`)
    if (!this.#keeper.reserve(items))
      return notTaken('storage_full', `the queue is full (${this.size} of ${this.capacity})`)
    if (!this.#budget.reserve(memory)) {
      this.#keeper.release(items)
      const { used, capacity } = this.#budget
      return notTaken('budget_full', `the byte budget is full (${used} of ${capacity} bytes)`)
    }
    this.#reservedBytes += disk
    return {
      release: () => {
        this.#keeper.release(items)
        this.#budget.release(memory)
        this.#reservedBytes -= disk
      },
      written: () => {
        this.#reservedBytes -= disk
      },
    }
  }
}

export function notTaken(cause: RetryCause, reason: string): Retry {
  const message = `${reason}; the records were not accepted`
  return { kind: 'retry', cause, afterMs: RETRY_AFTER_MS * (1 + Math.random()), message }
}
