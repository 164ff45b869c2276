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
  /**
   * What an earlier process left unsettled, oldest first. Called once, before the first `reserve`.
   * @param reader is handed what has no batch yet, and what is paged out later. Without one, nothing is.
   */
  recover(reader?: PageReader): Promise<readonly RecoveredBatch[]>
  readonly pagedOut: PagedOut
  /** Writes what has to be written. Batches that are not settled stay for `recover` where the queue outlives the process. */
  close(): Promise<void>
}

/** What somebody has in a queue, in all units that a bound may have. */
export interface Held {
  readonly bytes: number
  readonly items: number
  readonly batches: number
}

/** What waits on disk and has no batch in memory. */
export interface PagedOut {
  readonly records: number
  /** Of those records, that are not settled. */
  readonly items: number
  /** By lane. */
  readonly lanes: ReadonlyMap<string, Held>
  /** `steadyNowMs` before which none of it was queued; undefined while there is none. */
  readonly sinceMs: number | undefined
  /** Batches that may be in memory at once. */
  readonly window: number
  /**
   * Forgets the batch; its record stays on disk, and comes back to the reader in another batch when there is room.
   * @returns false if it has to stay
   */
  pageOut(batch: QueuedBatch): boolean
  /** Each record, oldest first; it has a batch while it is looked at, and keeps it if somebody uses it then. */
  scan(): AsyncIterable<RecoveredBatch>
}

/** Of a queue in memory. */
export const NOTHING_PAGED_OUT: PagedOut = {
  records: 0,
  items: 0,
  lanes: new Map(),
  sinceMs: undefined,
  window: Number.POSITIVE_INFINITY,
  pageOut: () => false,
  async *scan() {},
}

/** Where batches go that are paged in. */
export interface PageReader {
  /** Whether a new record of the lane gets a batch. */
  keeps(lane: string): boolean
  /** Whether records of the lane are to be paged in. */
  wants(lane: string): boolean
  /** Called in the turn in which they stop being paged out. */
  take(found: readonly RecoveredBatch[]): void
  /** Items that cannot be read any more. */
  lost(items: number): void
}

export interface NewBatch {
  /** The lane's key, by which a recovered batch finds its lane again. */
  readonly lane: string
  readonly items: ItemBatch
}

export interface QueueReservation {
  readonly kind: 'reserved'
  /** @param mayPageOut the caller needs no batch of what is stored: one that is `pagedOut` is to be forgotten */
  commit(stored: (outcome: readonly QueuedBatch[] | Retry) => void, mayPageOut?: boolean): void
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
  /** Its record is on disk, and is all that is kept of it. */
  pagedOut = false
  /** It was read from disk, not brought by a sender. */
  pagedIn = false
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
