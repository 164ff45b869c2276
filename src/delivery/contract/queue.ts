import type { StageListener } from '../../component/consumer.ts'
import type { Retry } from '../../accounting/outcome.ts'
import type { ItemBatch } from './items.ts'

/**
 * Where batches are kept between the acknowledgement and the answer of the destination. Lanes know the order; the queue
 * knows the bytes. The memory queue and a disk queue keep one contract, `test/contract/queue.ts`:
 *
 * - `reserve` is all or nothing; a released reservation leaves nothing behind.
 * - `stored` is called once for each commit, possibly before `commit` returns: when the batches are as safe as this queue
 *   makes them (a disk: synced), or with the reason why they could not be kept. Then nothing of them is.
 * - Bytes come back exactly as they went in. `settle` is told of each item once; when all items of a batch are settled its
 *   room is free again.
 */
export interface Queue {
  readonly usedBytes: number
  readonly capacityBytes: number
  /** The same in the unit a bound is written in, for `/metrics`. */
  readonly size: number
  readonly capacity: number
  /** How full it is by the tightest of its bounds: 0 to 1. */
  readonly fullness: number
  /** The share of its tightest bound that somebody with so much has. */
  share(held: Held): number
  reserve(batches: readonly NewBatch[]): QueueReservation | Retry
  /**
   * Moves the items of `batch` to the end of `into`, an earlier batch of the same lane, and forgets `batch`: small requests
   * share their bookkeeping.
   * @returns the place of its first item in `into`; undefined if this queue keeps them apart
   */
  join(into: QueuedBatch, batch: QueuedBatch): number | undefined
  /** False if these would not fit even an empty queue: to ask for them again is no use. */
  couldHold(batches: readonly NewBatch[]): boolean
  /** Has `batch.items` in memory, then calls `ready`, possibly at once. Undefined items then mean: lost, and counted so. */
  load(batch: QueuedBatch, ready: () => void): void
  /** Items `[from, to)` of the batch have come to their end and will not be asked for again. */
  settle(batch: QueuedBatch, from: number, to: number): void
  /** What an earlier process left unsettled, oldest first. Called once, before the first `reserve`. */
  recover(): Promise<readonly RecoveredBatch[]>
  /** Writes what has to be written. Batches that are not settled stay for `recover` where the queue outlives the process. */
  close(): Promise<void>
}

/** What somebody has in a queue, in all units that a bound may have. */
export interface Held {
  readonly bytes: number
  readonly items: number
  readonly batches: number
}

export interface NewBatch {
  /** The lane's key, by which a recovered batch finds its lane again. */
  readonly lane: string
  readonly items: ItemBatch
}

export interface QueueReservation {
  readonly kind: 'reserved'
  commit(stored: (outcome: readonly QueuedBatch[] | Retry) => void): void
  release(): void
}

export interface RecoveredBatch {
  readonly lane: string
  readonly batch: QueuedBatch
  /** Items that were settled before, as `[from, to)` pairs in order. */
  readonly settled: readonly (readonly [from: number, to: number])[]
}

/** A batch in a queue: the items of one request for one lane, or of several small ones that joined. */
export class QueuedBatch {
  count: number
  countedBytes: number
  /** What it takes of the queue's capacity. */
  heldBytes: number
  /** `steadyNowMs` when the first of its items was queued. */
  readonly enqueuedAtMs: number
  /** No more items join it: somebody waits for those it has. */
  closed = false
  /** Its items lie at the start of buffers of its own, which may have room behind them. */
  hasRoom = false
  /** Undefined while the bytes are only on disk. */
  items: ItemBatch | undefined
  unsettled: number
  /** Puts under way that carry items of it: until they end, its bytes have to stay in memory. */
  sending = 0
  /** Its place in its lane, which gives it: when it was queued, in ms, but later than what the lane had before. */
  order = 0
  /** The daemon's own: beside the account. */
  own = false
  /** Undefined for a batch of an earlier process: its sender has had its answer. */
  listener: StageListener | undefined

  constructor(
    items: ItemBatch | undefined,
    count: number,
    countedBytes: number,
    heldBytes: number,
    enqueuedAtMs: number,
  ) {
    this.items = items
    this.count = count
    this.unsettled = count
    this.countedBytes = countedBytes
    this.heldBytes = heldBytes
    this.enqueuedAtMs = enqueuedAtMs
    this.listener = undefined
  }
}
