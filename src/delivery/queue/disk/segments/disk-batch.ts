import type { ItemBatch } from '../../../contract/items.ts'
import { QueuedBatch, type RecoveredBatch } from '../../../contract/queue.ts'
import type { Segment } from './segment.ts'
import type { IndexEntry } from '../format/segment-index.ts'

export type DiskSegment = Segment<DiskBatch>

/** A batch with its position on disk. Its items may be loaded and dropped, and its record may be moved. */
export class DiskBatch extends QueuedBatch {
  readonly lane: string
  /** Its id in acknowledgements. */
  readonly id: number
  segment: DiskSegment
  sequence: number
  offset: number
  readonly length: number
  /** Settled ranges of a partly settled batch; empty for most. */
  readonly settled: [from: number, to: number][] = []
  /** Failed reads in a row; performance.now() of the first one, and of the next attempt. */
  failures = 0
  failedAtMs = Number.POSITIVE_INFINITY
  readAgainAtMs = 0
  /** True if its bytes are damaged and that was logged. */
  quarantined = false
  /** Heap reserved for it in the budget. */
  heapBytes = 0
  /** Reads and moves in progress: until they end, it is not paged out. */
  uses = 0

  constructor(entry: IndexEntry, segment: DiskSegment, items: ItemBatch | undefined) {
    super(items, entry.items, entry.countedBytes, entry.length, entry.queuedAtMs, entry.own)
    this.lane = entry.lane
    this.id = entry.id
    this.segment = segment
    this.sequence = entry.sequence
    this.offset = entry.offset
    this.length = entry.length
  }

  /** The batch as `recover` returns it. */
  get recovered(): RecoveredBatch {
    return { lane: this.lane, batch: this, settled: this.settled }
  }

  get entry(): IndexEntry {
    const { sequence, id, offset, length, lane, own, enqueuedAtMs: queuedAtMs, count: items, countedBytes } = this
    return { sequence, id, offset, length, lane, own, queuedAtMs, items, countedBytes }
  }

  /** Sets its new position after its record was moved. */
  moveTo(segment: DiskSegment, sequence: number, offset: number): void {
    this.segment.remove(this)
    this.segment = segment
    this.sequence = sequence
    this.offset = offset
    segment.append(this.entry)
    segment.add(this)
  }
}
