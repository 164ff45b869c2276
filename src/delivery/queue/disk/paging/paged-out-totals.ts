// Totals of the records that wait on disk and have no batch in memory, over the segments of a queue.

import type { HeldOfLane, PagedOut } from '../../../contract/queue.ts'
import type { DiskBatch, DiskSegment } from '../segments/disk-batch.ts'
import type { IndexEntry, RecordLane } from '../format/segment-index.ts'

/** Settled item ranges of a partly settled batch. */
export type SettledItems = readonly [from: number, to: number][]

interface Sum {
  bytes: number
  items: number
  batches: number
  ownItems: number
}

/** Heap of the totals of a lane beside its name: measured 120 bytes. */
const LANE_HEAP_BYTES = 128

export class PagedOutTotals {
  /** Totals by lane. */
  readonly #lanes = new Map<string, Sum>()
  /** Settled ranges of partly settled batches, by id. */
  readonly #settled = new Map<number, SettledItems>()
  /** Heap that the totals by lane take, bytes. */
  lanesHeap = 0
  records = 0
  /** Unsettled items of those records. */
  items = 0
  readonly #countsLanes: boolean

  /** @param countsLanes false if each record has its own lane */
  constructor(countsLanes: boolean) {
    this.#countsLanes = countsLanes
  }

  get lanes(): ReadonlyMap<string, HeldOfLane> {
    return this.#lanes
  }

  /** Adds a waiting record without a batch. */
  add(segment: DiskSegment, entry: IndexEntry, settled: SettledItems): void {
    const items = entry.items - itemsOf(settled)
    segment.addPagedOut(entry, items)
    if (settled.length > 0) this.#settled.set(entry.id, settled)
    this.#count(entry, entry.length, items, 1)
  }

  /** Adds the record of a batch that is paged out. */
  pageOut(batch: DiskBatch): void {
    batch.segment.pageOut(batch)
    if (batch.settled.length > 0) this.#settled.set(batch.id, batch.settled)
    this.#count(batch, batch.length, batch.unsettled, 1)
  }

  /** Removes the record of a batch that is paged in. */
  pageIn(batch: DiskBatch): void {
    const settled = this.#settled.get(batch.id) ?? []
    this.#settled.delete(batch.id)
    for (const [from, to] of settled) batch.settled.push([from, to])
    batch.unsettled -= itemsOf(settled)
    batch.segment.pageIn(batch)
    this.#count(batch, -batch.length, -batch.unsettled, -1)
  }

  /**
   * Removes unreadable records of a segment. Their lanes are unknown, so the totals of those lanes stay too high until no
   * record waits.
   * @param readable the remaining records
   * @returns the number of lost items
   */
  keepOnly(segment: DiskSegment, readable: readonly IndexEntry[]): number {
    const { count, items } = segment.pagedOut
    segment.dropPagedOut()
    for (const entry of readable) segment.addPagedOut(entry, entry.items - itemsOf(this.#settled.get(entry.id) ?? []))
    this.records -= count - segment.pagedOut.count
    this.items -= items - segment.pagedOut.items
    if (this.records === 0) {
      this.#lanes.clear()
      this.lanesHeap = 0
    }
    return items - segment.pagedOut.items
  }

  /** Yields the settled ranges `[from, to)` of partly settled batches. */
  *settled(): Generator<readonly [id: number, from: number, to: number]> {
    for (const [id, ranges] of this.#settled) for (const [from, to] of ranges) yield [id, from, to]
  }

  #count({ lane, own }: RecordLane, bytes: number, items: number, batches: number): void {
    const ownItems = own ? items : 0
    this.records += batches
    this.items += items
    if (!this.#countsLanes) return
    const sum = this.#lanes.get(lane)
    if (sum === undefined) {
      this.#lanes.set(lane, { bytes, items, batches, ownItems })
      this.lanesHeap += heapOf(lane)
      return
    }
    sum.bytes += bytes
    sum.items += items
    sum.batches += batches
    sum.ownItems += ownItems
    if (sum.batches > 0) return
    this.#lanes.delete(lane)
    this.lanesHeap -= heapOf(lane)
  }
}

function heapOf(lane: string): number {
  return LANE_HEAP_BYTES + lane.length
}

/** The view of the totals for the owner of the queue. */
export class DiskPagedOut implements PagedOut {
  readonly #totals: PagedOutTotals
  readonly #segments: ReadonlyMap<number, DiskSegment>
  readonly #pager: { readonly share: number }
  readonly pageOut: PagedOut['pageOut']
  readonly scan: PagedOut['scan']

  constructor(
    totals: PagedOutTotals,
    segments: ReadonlyMap<number, DiskSegment>,
    pager: { readonly share: number },
    { pageOut, scan }: Pick<PagedOut, 'pageOut' | 'scan'>,
  ) {
    this.#totals = totals
    this.#segments = segments
    this.#pager = pager
    this.pageOut = pageOut
    this.scan = scan
  }

  get items(): number {
    return this.#totals.items
  }

  get records(): number {
    return this.#totals.records
  }

  get lanes(): ReadonlyMap<string, HeldOfLane> {
    return this.#totals.lanes
  }

  get sinceMs(): number | undefined {
    if (this.#totals.records === 0) return undefined
    let since = Number.POSITIVE_INFINITY
    for (const { pagedOut } of this.#segments.values()) since = Math.min(since, pagedOut.sinceMs)
    return since
  }

  get window(): number {
    return this.#pager.share
  }
}

function itemsOf(settled: SettledItems): number {
  let items = 0
  for (const [from, to] of settled) items += to - from
  return items
}
