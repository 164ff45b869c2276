// Decides which records of a queue on disk have a batch in memory. A batch costs about 1,000 bytes of heap, and a disk has room
// for millions of small records: so only a window of them have one, in two shares.
//
//   arrivals   new records, while there is room; without room a record is paged out at once
//   paged in   on disk only ─▶ paged in, oldest first, as batches of this share are settled ─▶ lanes
//
// A lane that cannot be sent now has few batches in either share: the others must find room.

import type { ByteBudget } from '../../../../component/byte-budget.ts'
import { firstPlace } from '../../../contract/first-place.ts'
import type { ItemBatch } from '../../../contract/items.ts'
import type { PageReader, RecoveredBatch } from '../../../contract/queue.ts'
import { Stop } from '../../../contract/stop.ts'
import type { PagedOutTotals } from './paged-out-totals.ts'
import { DiskBatch, type DiskSegment } from '../segments/disk-batch.ts'
import type { IndexReader } from './index-reader.ts'
import type { IndexEntry, SegmentIndex } from '../format/segment-index.ts'

/** Heap of a batch, its entries in segment and lane, and its items: measured 1,170 bytes, 720 without items. */
const BATCH_HEAP_BYTES = 1_200
/** Heap of a lane, which its first batch brings with it: measured 1,400 to 1,800 bytes. */
const LANE_HEAP_BYTES = 1_800
/** Part of the bookkeeping heap for each of the two shares; the rest is for connections and other exporters. */
const SHARE = 3 / 8
/** Maximum batches in a share, however much heap there is. */
const MAX_BATCHES = 250_000
/** Batches paged in even if others have taken all the heap: a queue that cannot be drained would never free room. */
const MIN_BATCHES = 256
/** Maximum batches paged in per turn of the event loop. */
const BATCHES_A_TURN = 256
/** Free part of the second share needed to page in more: otherwise each of many lanes would send puts of one record. */
const FREE_BEFORE_PAGING = 1 / 2

export interface PagerOptions {
  readonly segments: ReadonlyMap<number, DiskSegment>
  readonly totals: PagedOutTotals
  readonly budget: ByteBudget
  readonly indexes: IndexReader
  /** Batches in each share, without charging them; undefined: they are charged, and as many as fit. */
  readonly window: number | undefined
  /** Reads the items of adjacent records at once; undefined if each should be read when it is sent. */
  readAhead(
    segment: DiskSegment,
    entries: readonly IndexEntry[],
  ): Promise<readonly (ItemBatch | undefined)[] | undefined>
  /** Keeps the items in memory, if there is room. */
  keep(batch: DiskBatch, items: ItemBatch): void
  /** Called when a record has a batch again. */
  pagedIn(batch: DiskBatch): void
  /** Pages the batch out, unless it is in use. */
  pageOut(batch: DiskBatch): void
  /** Called when records of a segment can no longer be read. */
  lost(segment: DiskSegment, records: number, items: number): void
}

interface LaneInMemory {
  batches: number
  /** Heap reserved for the lane. */
  readonly heapBytes: number
}

export class Pager {
  readonly #options: PagerOptions
  #reader: PageReader | undefined
  #arrivals = 0
  #pagedIn = 0
  /** Heap of the batches of each share, and of all lanes. */
  #arrivalsHeap = 0
  #pagedInHeap = 0
  #lanesHeap = 0
  readonly #lanes = new Map<string, LaneInMemory>()
  /** Position of the next record to page in. */
  #segment = 0
  #sequence = 0
  /** True if waiting records before that position were skipped or paged out again. */
  #leftBehind = false
  #paging: Promise<void> | undefined
  readonly #stop = new Stop()

  constructor(options: PagerOptions) {
    this.#options = options
  }

  /** Maximum batches in each of the two shares, if they are of few lanes. */
  get share(): number {
    const { window } = this.#options
    if (window !== undefined) return window
    const fit = Math.floor(this.#shareHeap / BATCH_HEAP_BYTES)
    return Math.max(MIN_BATCHES, Math.min(MAX_BATCHES, fit))
  }

  get #shareHeap(): number {
    return this.#options.budget.heapCapacity * SHARE
  }

  /** Returns true if a new record gets a batch. */
  admits(lane: string): boolean {
    if (this.#arrivals >= this.share || this.#reader?.keeps(lane) === false) return false
    if (this.#options.window !== undefined) return true
    const heap = this.#lanes.has(lane) ? BATCH_HEAP_BYTES : BATCH_HEAP_BYTES + LANE_HEAP_BYTES
    return heap <= this.#heapLeft(this.#arrivalsHeap)
  }

  /** Charges the batch of a new record. */
  arrived(batch: DiskBatch): void {
    this.#charge(batch)
  }

  /** Called when a new record waits without a batch. */
  passedOver(): void {
    if (this.#wantsMore) this.#page()
  }

  /** Releases a batch that is settled or paged out. */
  release(batch: DiskBatch): void {
    this.#discharge(batch)
    if (this.#options.totals.records > 0 && this.#wantsMore) this.#page()
  }

  /** Pages a batch out: its record waits only on disk. */
  pageOut(batch: DiskBatch): void {
    this.#options.totals.pageOut(batch)
    const { number } = batch.segment
    if (number < this.#segment || (number === this.#segment && batch.sequence < this.#sequence)) this.#leftBehind = true
    this.release(batch)
  }

  /** Returns the first window of an earlier process's records. From then on the reader receives the rest as there is room. */
  async first(reader: PageReader | undefined): Promise<RecoveredBatch[]> {
    const first: DiskBatch[] = []
    for (let paged = await this.#next(); paged !== undefined; paged = await this.#next()) first.push(...paged)
    this.#reader = reader
    return recovered(first)
  }

  /** Pages in skipped records that are wanted now. Called about every second. */
  review(): void {
    const { totals } = this.#options
    if (this.#paging !== undefined || totals.records === 0 || this.#room < 1) return
    if (this.#leftBehind && this.#anyWanted()) {
      this.#segment = 0
      this.#sequence = 0
      this.#leftBehind = false
    }
    this.#page()
  }

  /** Yields each record without a batch, oldest first, with a batch that does not count in the window. */
  async *scan(): AsyncGenerator<RecoveredBatch> {
    for (const segment of this.#options.segments.values()) {
      if (segment.pagedOut.count === 0) continue
      const index = await this.#options.indexes.read(segment)
      if (typeof index === 'string') continue
      for (const entry of index) {
        if (this.#stop.isRequested) return
        if (!segment.pagedOut.has(entry.sequence)) continue
        const batch = this.#pageIn(segment, entry)
        yield batch.recovered
        if (!batch.pagedOut && batch.unsettled > 0) this.#options.pageOut(batch)
      }
    }
  }

  /** Stops paging in. */
  async close(): Promise<void> {
    this.#stop.request()
    await this.#paging
  }

  get #room(): number {
    const room = this.share - this.#pagedIn
    if (this.#options.window !== undefined) return room
    // The first batch of a lane takes more heap; that is charged when it is paged in.
    const fit = Math.floor(this.#heapLeft(this.#pagedInHeap) / BATCH_HEAP_BYTES)
    return Math.min(room, Math.max(fit, MIN_BATCHES - this.#pagedIn))
  }

  /** True if there is enough room to page in more. */
  get #wantsMore(): boolean {
    return this.#pagedIn === 0 || this.#room >= this.share * FREE_BEFORE_PAGING
  }

  /** @param used heap used by the share itself */
  #heapLeft(used: number): number {
    const { heapUsed, heapCapacity } = this.#options.budget
    const inAll = this.#arrivalsHeap + this.#pagedInHeap + this.#lanesHeap
    return Math.min(this.#shareHeap - used, 2 * this.#shareHeap - inAll, heapCapacity - heapUsed)
  }

  #anyWanted(): boolean {
    if (this.#options.window !== undefined) return this.#reader?.wants('') !== false
    for (const lane of this.#options.totals.lanes.keys()) if (this.#reader?.wants(lane) !== false) return true
    return false
  }

  #charge(batch: DiskBatch): void {
    const { budget, window } = this.#options
    if (batch.pagedIn) this.#pagedIn++
    else this.#arrivals++
    if (window !== undefined) return
    const lane = this.#lanes.get(batch.lane)
    if (lane !== undefined) lane.batches++
    else {
      const heapBytes = budget.reserve(0, LANE_HEAP_BYTES) ? LANE_HEAP_BYTES : 0
      this.#lanes.set(batch.lane, { batches: 1, heapBytes })
      this.#lanesHeap += heapBytes
    }
    if (!budget.reserve(0, BATCH_HEAP_BYTES)) return
    batch.heapBytes = BATCH_HEAP_BYTES
    if (batch.pagedIn) this.#pagedInHeap += BATCH_HEAP_BYTES
    else this.#arrivalsHeap += BATCH_HEAP_BYTES
  }

  #discharge(batch: DiskBatch): void {
    if (batch.pagedIn) this.#pagedIn--
    else this.#arrivals--
    const { budget, window } = this.#options
    if (window !== undefined) return
    const lane = this.#lanes.get(batch.lane)
    if (lane !== undefined && --lane.batches === 0) {
      this.#lanes.delete(batch.lane)
      this.#lanesHeap -= lane.heapBytes
      budget.release(0, lane.heapBytes)
    }
    budget.release(0, batch.heapBytes)
    if (batch.pagedIn) this.#pagedInHeap -= batch.heapBytes
    else this.#arrivalsHeap -= batch.heapBytes
    batch.heapBytes = 0
  }

  #page(): void {
    if (this.#reader === undefined || this.#stop.isRequested) return
    this.#paging ??= this.#pageAll(this.#reader).finally(() => {
      this.#paging = undefined
    })
  }

  async #pageAll(reader: PageReader): Promise<void> {
    for (;;) {
      // Other work runs between two pages.
      await this.#stop.before(new Promise<void>((resolve) => setImmediate(resolve)))
      if (this.#stop.isRequested) return
      const paged = await this.#next((found) => reader.take(recovered(found)))
      if (paged === undefined) return
    }
  }

  /**
   * Pages in the next records.
   * @param take called in the same turn in which the records stop being paged out, if there are any; their items are read, too,
   *   where that is cheap. Without it they are only returned.
   * @returns undefined if there is no room, or no record after the current position
   */
  async #next(take?: (found: readonly DiskBatch[]) => void): Promise<readonly DiskBatch[] | undefined> {
    const segment = this.#room < 1 ? undefined : this.#nextSegment()
    if (segment === undefined) return undefined
    if (segment.number !== this.#segment) {
      this.#segment = segment.number
      this.#sequence = 0
    }
    const index = await this.#options.indexes.read(segment)
    if (this.#stop.isRequested) return undefined
    if (index === 'later') return this.#skip(segment)
    if (index === 'gone') return this.#drop(segment, undefined)
    if (this.#sequence === 0 && !this.#isWhole(segment, index)) this.#drop(segment, index)
    const start = firstPlace(index.count, (row) => index.sequenceAt(row) >= this.#sequence)
    const { rows, end } = this.#choose(segment, index, start)
    if (end < index.count) this.#sequence = index.sequenceAt(end)
    else if (segment.index === undefined) this.#segment = segment.number + 1
    else {
      // The segment is still being written: new records follow.
      if (start === index.count) return undefined
      this.#sequence = index.sequenceAt(end - 1) + 1
    }
    const entries = rows.map((row) => index.at(row))
    const read = take !== undefined ? await this.#options.readAhead(segment, entries) : undefined
    if (this.#stop.isRequested) return undefined
    const paged: DiskBatch[] = []
    for (const [at, entry] of entries.entries()) {
      // The record may have been moved meanwhile.
      if (!segment.pagedOut.has(entry.sequence)) continue
      const batch = this.#pageIn(segment, entry)
      paged.push(batch)
      const items = read?.[at]
      if (items !== undefined) this.#options.keep(batch, items)
    }
    if (paged.length > 0) take?.(paged)
    return paged
  }

  /** @returns rows to page in, and the row after the last one examined */
  #choose(segment: DiskSegment, index: SegmentIndex, start: number): { readonly rows: number[]; readonly end: number } {
    const most = Math.min(BATCHES_A_TURN, this.#room)
    const rows: number[] = []
    let row = start
    for (; row < index.count && rows.length < most; row++) {
      if (!segment.pagedOut.has(index.sequenceAt(row))) continue
      if (this.#reader?.wants(index.laneAt(row)) === false) this.#leftBehind = true
      else rows.push(row)
    }
    return { rows, end: row }
  }

  #nextSegment(): DiskSegment | undefined {
    for (const segment of this.#options.segments.values())
      if (segment.number >= this.#segment && segment.pagedOut.count > 0) return segment
    return undefined
  }

  #skip({ number }: DiskSegment): readonly DiskBatch[] {
    this.#leftBehind = true
    this.#segment = number + 1
    return []
  }

  #pageIn(segment: DiskSegment, entry: IndexEntry): DiskBatch {
    const batch = new DiskBatch(entry, segment, undefined)
    batch.pagedIn = true
    this.#options.totals.pageIn(batch)
    this.#charge(batch)
    this.#options.pagedIn(batch)
    return batch
  }

  /** Returns true if the index has every waiting record of the segment. */
  #isWhole({ pagedOut }: DiskSegment, index: SegmentIndex): boolean {
    let there = 0
    for (let row = 0; row < index.count; row++) if (pagedOut.has(index.sequenceAt(row))) there++
    return there === pagedOut.count
  }

  /** Gives up the records that are not in the index. */
  #drop(segment: DiskSegment, index: SegmentIndex | undefined): readonly DiskBatch[] {
    const readable = index === undefined ? [] : [...index].filter(({ sequence }) => segment.pagedOut.has(sequence))
    const records = segment.pagedOut.count - readable.length
    const items = this.#options.totals.keepOnly(segment, readable)
    this.#options.lost(segment, records, items)
    return []
  }
}

/** Returns the batches in the order in which they were queued: a moved record is stored after later ones. */
function recovered(batches: readonly DiskBatch[]): RecoveredBatch[] {
  return batches.toSorted((a, b) => a.id - b.id).map((batch) => batch.recovered)
}
