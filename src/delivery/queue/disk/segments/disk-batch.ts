import type { ItemBatch } from '../../../contract/items.ts'
import { QueuedBatch } from '../../../contract/queue.ts'
import type { Segment } from './segment.ts'
import type { IndexEntry } from '../format/segment-index.ts'

export type DiskSegment = Segment<DiskBatch>

/** A batch with its place on disk. Its items may come and go, and it may be moved; it stays the same. */
export class DiskBatch extends QueuedBatch {
  readonly lane: string
  /** By which acknowledgements name it. */
  readonly id: number
  segment: DiskSegment
  sequence: number
  offset: number
  readonly length: number
  /** Ranges settled while others of the batch are not; empty for most. */
  readonly settled: [from: number, to: number][] = []
  /** Reads that failed in a row; performance.now() of the first one, and before which there is no sense in another. */
  failures = 0
  failedAtMs = Number.POSITIVE_INFINITY
  readAgainAtMs = 0
  /** Its bytes are damaged; that has been said. */
  quarantined = false
  /** Heap that is taken from the budget for it. */
  heapBytes = 0
  /** Reads and moves under way: until they end, it is not paged out. */
  uses = 0

  constructor(entry: IndexEntry, segment: DiskSegment, items: ItemBatch | undefined) {
    super(items, entry.items, entry.countedBytes, entry.length, entry.queuedAtMs)
    this.lane = entry.lane
    this.id = entry.id
    this.segment = segment
    this.sequence = entry.sequence
    this.offset = entry.offset
    this.length = entry.length
  }

  get entry(): IndexEntry {
    const { sequence, id, offset, length, lane, enqueuedAtMs: queuedAtMs, count: items, countedBytes } = this
    return { sequence, id, offset, length, lane, queuedAtMs, items, countedBytes }
  }

  /** Where it stands from now on. */
  moveTo(segment: DiskSegment, sequence: number, offset: number): void {
    this.segment.remove(this)
    this.segment = segment
    this.sequence = sequence
    this.offset = offset
    segment.append(this.entry)
    segment.add(this)
  }
}
