import { QueuedBatch } from '../queue.ts'
import type { ItemBatch } from '../items.ts'
import type { IndexEntry } from './format.ts'
import type { Segment } from './segment.ts'

/** A batch with its place on disk. Its items may come and go; it does not. */
export class DiskBatch extends QueuedBatch {
  readonly lane: string
  segment: Segment
  sequence: number
  offset: number
  readonly length: number
  /** Ranges settled while others of the batch are not; empty for most. */
  readonly settled: [from: number, to: number][] = []
  /** Its items are held in memory, and taken from the byte budget. */
  inMemory = false

  constructor(entry: IndexEntry, segment: Segment, items: ItemBatch | undefined) {
    super(items, entry.items, entry.countedBytes, entry.length, entry.queuedAtMs)
    this.lane = entry.lane
    this.segment = segment
    this.sequence = entry.sequence
    this.offset = entry.offset
    this.length = entry.length
  }
}
