// Connects batches in memory with records on disk: creates, pages out and pages in batches.
//
//   new record ─▶ place ─┬─▶ batch in the tail ◀─┐
//                        └─▶ paged out ──────────┴─ pager (a window of batches)

import type { ByteBudget } from '../../../../component/byte-budget.ts'
import type { Retry } from '../../../../accounting/outcome.ts'
import type { Logger } from '../../../../telemetry/logger.ts'
import { freeBytes } from '../../../../wire/free-bytes.ts'
import { heldBytes, type ItemBatch } from '../../../contract/items.ts'
import type { LaneItems } from '../../../contract/lane-items.ts'
import type { PageReader, PagedOut, QueuedBatch, RecoveredBatch } from '../../../contract/queue.ts'
import type { BoundKeeper } from '../../queue-bound.ts'
import { PagedOutTotals, DiskPagedOut } from './paged-out-totals.ts'
import { DiskBatch, type DiskSegment } from '../segments/disk-batch.ts'
import type { IndexReader } from './index-reader.ts'
import { Pager } from './pager.ts'
import { readAhead } from './read-ahead.ts'
import type { IndexEntry, SegmentIndex } from '../format/segment-index.ts'
import { notTaken } from '../room.ts'
import type { Tail } from '../reading/tail.ts'

/** Interval of checking whether skipped records are wanted. */
const REVIEW_MS = 1_000
/** Part of the bookkeeping heap for the totals of lanes whose records wait on disk; the window has three quarters. */
const LANES_SHARE = 1 / 8

export interface PagingOptions {
  readonly segments: ReadonlyMap<number, DiskSegment>
  readonly budget: ByteBudget
  readonly keeper: BoundKeeper
  readonly indexes: IndexReader
  readonly tail: Tail
  readonly logger: Logger
  /** As in `DiskQueueOptions`. */
  readonly window: number | undefined
  /** Called when the segment may have no unsettled records left. */
  emptied(segment: DiskSegment): void
}

export class Paging {
  readonly #options: PagingOptions
  readonly #pager: Pager
  #reader: PageReader | undefined
  #review: NodeJS.Timeout | undefined
  /** Records without a batch. */
  readonly waiting: PagedOutTotals
  readonly pagedOut: PagedOut

  constructor(options: PagingOptions) {
    const { segments, budget, keeper, indexes, tail, window } = options
    this.#options = options
    this.waiting = new PagedOutTotals(window === undefined)
    this.#pager = new Pager({
      segments,
      totals: this.waiting,
      budget,
      indexes,
      window,
      // Records kept for people stay on disk until they are requested.
      readAhead: async (segment, entries) =>
        window === undefined ? readAhead(segment, entries, tail.readAheadRoom) : undefined,
      keep: (batch, items) => tail.keepAhead(batch, items),
      pagedIn: (batch) => keeper.pagedIn(batch),
      pageOut: (batch) => void this.#pageOut(batch),
      lost: (segment, records, items) => this.#lose(segment, records, items),
    })
    this.pagedOut = new DiskPagedOut(this.waiting, segments, this.#pager, {
      pageOut: (batch) => this.#pageOut(batch),
      scan: () => this.#pager.scan(),
    })
  }

  /** Returns a retry if records of further lanes may not wait now: each lane takes heap, also if its records are only on disk. */
  lanesFull(batches: readonly LaneItems[]): Retry | undefined {
    const { lanes, lanesHeap } = this.waiting
    const most = this.#options.budget.heapCapacity * LANES_SHARE
    if (lanesHeap < most || batches.every(({ lane }) => lanes.has(lane))) return undefined
    return notTaken('budget_full', `records of ${lanes.size} streams wait on disk, as many as the heap has room for`)
  }

  /** Returns the first window of an earlier process's records. From then on the reader receives the rest as there is room. */
  start(reader: PageReader | undefined): Promise<RecoveredBatch[]> {
    this.#reader = reader
    this.#review = setInterval(() => this.#pager.review(), REVIEW_MS)
    return this.#pager.first(reader)
  }

  async close(): Promise<void> {
    clearInterval(this.#review)
    await this.#pager.close()
  }

  /** Returns a batch for a written record whose bytes are reserved in the budget. Without room, the batch is `pagedOut`. */
  place(segment: DiskSegment, entry: IndexEntry, items: ItemBatch, mayPageOut: boolean): DiskBatch {
    const batch = new DiskBatch(entry, segment, undefined)
    segment.append(entry)
    if (mayPageOut && !this.#pager.admits(entry.lane)) {
      batch.pagedOut = true
      this.waiting.add(segment, entry, [])
      this.#options.budget.release(heldBytes(items))
      freeBytes(items.bytes)
      return batch
    }
    segment.add(batch)
    this.#options.tail.keep(batch, items)
    this.#pager.arrived(batch)
    return batch
  }

  /** Called after the owner was notified of the batches. */
  placed(batches: readonly DiskBatch[]): void {
    if (batches.some(({ pagedOut }) => pagedOut)) this.#pager.passedOver()
  }

  /** Releases a fully settled batch. */
  settled(batch: DiskBatch): void {
    this.#options.tail.forget(batch)
    this.#pager.release(batch)
  }

  /** @returns undefined if the index cannot be read now */
  async indexOf(segment: DiskSegment): Promise<SegmentIndex | undefined> {
    const index = await this.#options.indexes.read(segment)
    return typeof index === 'string' ? undefined : index
  }

  /** Creates a batch outside of any lane for a record, to move it to another segment. */
  borrow(entry: IndexEntry, segment: DiskSegment): DiskBatch {
    const batch = new DiskBatch(entry, segment, undefined)
    this.waiting.pageIn(batch)
    return batch
  }

  giveBack(batch: DiskBatch): void {
    this.#options.tail.forget(batch)
    this.waiting.pageOut(batch)
  }

  #pageOut(batch: QueuedBatch): boolean {
    if (!(batch instanceof DiskBatch)) throw new TypeError('a batch of another queue')
    // A batch stays if it has a listener, is being sent or moved, or is partly settled.
    const { listener, sending, uses, unsettled, count } = batch
    if (listener !== undefined || sending > 0 || uses > 0 || unsettled < count) return false
    this.#options.tail.forget(batch)
    this.#options.keeper.pagedOut(batch)
    this.#pager.pageOut(batch)
    batch.pagedOut = true
    return true
  }

  /** Counts unreadable records without a batch as lost. */
  #lose(segment: DiskSegment, records: number, items: number): void {
    segment.damaged = true
    this.#options.keeper.lost(records, items)
    this.#options.logger.error('records of a queue segment cannot be read: counted as lost', {
      file: segment.path,
      records,
      items,
    })
    this.#reader?.lost(items)
    this.#options.emptied(segment)
  }
}
