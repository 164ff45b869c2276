// How much may still be written: by the bound on bytes, by the bound in requests or items, by the byte budget, and as far as
// the volume has room. Taken before a write, kept until what was written is settled.

import type { ByteBudget } from '../../../component/byte-budget.ts'
import type { Retry, RetryCause } from '../../../accounting/outcome.ts'
import { heldBytes, sumOf } from '../../contract/items.ts'
import type { Held, NewBatch } from '../../contract/queue.ts'
import type { BoundKeeper } from '../queue-bound.ts'
import { recordBytes } from './format/format.ts'
import type { FreeSpace } from './files/free-space.ts'
import type { Usage } from './segments/segment.ts'

const RETRY_AFTER_MS = 1_000

/** Room for the batches of one request. */
export interface TakenRoom {
  /** They are not written. */
  release(): void
  /** They are: from now on the segments count them. */
  written(): void
}

export class Room {
  readonly capacityBytes: number
  readonly #keeper: BoundKeeper
  readonly #budget: ByteBudget
  readonly #usage: Usage
  readonly #space: FreeSpace
  /** Of what is about to be written. */
  #reservedBytes = 0

  constructor(capacityBytes: number, keeper: BoundKeeper, budget: ByteBudget, usage: Usage, space: FreeSpace) {
    this.capacityBytes = capacityBytes
    this.#keeper = keeper
    this.#budget = budget
    this.#usage = usage
    this.#space = space
  }

  /** Bytes of the segments on disk, and of what is about to be written. */
  get usedBytes(): number {
    return this.#usage.bytes + this.#reservedBytes
  }

  /** In the unit in which the bound is written. */
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

  couldHold(batches: readonly NewBatch[]): boolean {
    const { bytes, items } = sumOf(batches)
    return bytes <= Math.min(this.capacityBytes, this.#budget.capacity) && this.#keeper.couldHold(items)
  }

  /** Takes room for all of the batches or for none. */
  take(batches: readonly NewBatch[]): TakenRoom | Retry {
    let memory = 0
    let disk = 0
    let items = 0
    for (const batch of batches) {
      memory += heldBytes(batch.items)
      disk += recordBytes(batch.lane, batch.items)
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
  const message = `${reason}; the records were not taken`
  return { kind: 'retry', cause, afterMs: RETRY_AFTER_MS * (1 + Math.random()), message }
}
