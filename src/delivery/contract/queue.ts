import type { SettlementListener } from '../../component/consumer.ts'
import type { Retry } from '../../accounting/outcome.ts'
import type { ItemBatch } from './items.ts'
import type { LaneItems } from './lane-items.ts'

/**
 * Keeps batches between their acknowledgement and the response of the destination. Lanes know the order; the queue knows
 * the bytes. The memory queue and the disk queue have the same contract, `test/contract/queue.ts`:
 *
 * - `reserve` is all or nothing; a released reservation leaves nothing behind.
 * - `stored` is called once per commit, possibly before `commit` returns: when the batches are as safe as this queue makes
 *   them (on disk: synced), or with the reason why they could not be kept. Then none of them is kept.
 * - Bytes are returned exactly as they were stored. `settle` is called once for each item; when all items of a batch are
 *   settled, its room is free again.
 */
export interface Queue {
  readonly usedBytes: number
  readonly capacityBytes: number
  /** The same in the unit of the configured bound, for `/metrics`. */
  readonly size: number
  readonly capacity: number
  /** Fill level by the tightest bound: 0 to 1. */
  readonly fullness: number
  /** Returns the share of the tightest bound that this amount takes. */
  share(held: Held): number
  reserve(batches: readonly LaneItems[]): QueueReservation | Retry
  /**
   * Moves the items of `batch` to the end of `into`, an earlier batch of the same lane, and removes `batch`, so that small
   * requests share their bookkeeping.
   * @returns the index of its first item in `into`; undefined if this queue keeps them separate
   */
  join(into: QueuedBatch, batch: QueuedBatch): number | undefined
  /** Returns false if these would not fit even in an empty queue, so a retry is useless. */
  couldHold(batches: readonly LaneItems[]): boolean
  /** Loads `batch.items` into memory, then calls `ready`, possibly at once. Items still undefined then are lost and counted. */
  load(batch: QueuedBatch, ready: () => void): void
  /** Marks items `[from, to)` of the batch as final: they will not be loaded again. */
  settle(batch: QueuedBatch, from: number, to: number): void
  /**
   * Returns the unsettled batches of an earlier process, oldest first. Called once, before the first `reserve`.
   * @param reader receives records that have no batch yet, and those paged out later; optional
   */
  recover(reader?: PageReader): Promise<readonly RecoveredBatch[]>
  readonly pagedOut: PagedOut
  /** Writes pending data. Unsettled batches stay for `recover` if the queue outlives the process. */
  close(): Promise<void>
}

/** An amount held in a queue, in all units of bounds. */
export interface Held {
  readonly bytes: number
  readonly items: number
  readonly batches: number
}

/** An amount held of one lane. */
export interface HeldOfLane extends Held {
  /** Those of `items` that are the daemon's own. */
  readonly ownItems: number
}

/** The records that wait on disk and have no batch in memory. */
export interface PagedOut {
  readonly records: number
  /** Unsettled items of those records. */
  readonly items: number
  readonly lanes: ReadonlyMap<string, HeldOfLane>
  /** `steadyNowMs` before which none of them was queued; undefined if there are none. */
  readonly sinceMs: number | undefined
  /** Maximum batches in memory at once. */
  readonly window: number
  /**
   * Drops the batch from memory; its record stays on disk, and returns to the reader in another batch when there is room.
   * @returns false if it has to stay
   */
  pageOut(batch: QueuedBatch): boolean
  /** Yields each record, oldest first. A record has a batch during its turn, and keeps it if the batch is in use then. */
  scan(): AsyncIterable<RecoveredBatch>
}

/** For a queue in memory. */
export const NOTHING_PAGED_OUT: PagedOut = {
  records: 0,
  items: 0,
  lanes: new Map(),
  sinceMs: undefined,
  window: Number.POSITIVE_INFINITY,
  pageOut: () => false,
  async *scan() {},
}

/** Receives batches that are paged in. */
export interface PageReader {
  /** Returns true if a new record of the lane gets a batch. */
  keeps(lane: string): boolean
  /** Returns true if records of the lane should be paged in. */
  wants(lane: string): boolean
  /** Called in the same turn in which the records stop being paged out. */
  take(found: readonly RecoveredBatch[]): void
  /** Reports items that can no longer be read. */
  lost(items: number): void
}

export interface QueueReservation {
  readonly kind: 'reserved'
  /** @param mayPageOut the caller does not need the stored batches: it drops those that are `pagedOut` */
  commit(stored: (outcome: readonly QueuedBatch[] | Retry) => void, mayPageOut?: boolean): void
  release(): void
}

export interface RecoveredBatch {
  readonly lane: string
  readonly batch: QueuedBatch
  /** Items settled earlier, as `[from, to)` pairs in order. */
  readonly settled: readonly (readonly [from: number, to: number])[]
}

/** A batch in a queue: the items of one request for one lane, or of several small requests that were joined. */
export class QueuedBatch {
  count: number
  countedBytes: number
  /** Bytes of the queue's capacity that it takes. */
  heldBytes: number
  /** `steadyNowMs` at which its first item was queued. */
  readonly enqueuedAtMs: number
  /** No more items may join it, because a flush waits for those it has, or they have failed before. */
  closed = false
  /** Its items are at the start of its own buffers, which may have free room after them. */
  hasRoom = false
  /** Undefined while the bytes are only on disk. */
  items: ItemBatch | undefined
  unsettled: number
  /** Puts in flight with items of this batch: until they end, its bytes have to stay in memory. */
  sending = 0
  /** Failed puts with its items, if their number is limited. */
  tries = 0
  /** performance.now() of the last of them. */
  triedAtMs = 0
  /** Sort key in its lane, set by the lane: the time it was queued, in ms, but later than all earlier batches of the lane. */
  order = 0
  /** The daemon's own items: not counted in the ledgers. */
  readonly own: boolean
  /** Only its record on disk is kept. */
  pagedOut = false
  /** It was read from disk and not received from a sender. */
  pagedIn = false
  /** Undefined for a batch of an earlier process, whose sender already has its answer. */
  listener: SettlementListener | undefined

  constructor(
    items: ItemBatch | undefined,
    count: number,
    countedBytes: number,
    heldBytes: number,
    enqueuedAtMs: number,
    own = false,
  ) {
    this.own = own
    this.items = items
    this.count = count
    this.unsettled = count
    this.countedBytes = countedBytes
    this.heldBytes = heldBytes
    this.enqueuedAtMs = enqueuedAtMs
    this.listener = undefined
  }
}
