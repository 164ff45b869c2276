import { cutOut } from '../../contract/items.ts'
import { Stop } from '../../contract/stop.ts'
import { crashPoint } from './files/crash-point.ts'
import type { DiskBatch, DiskSegment } from './segments/disk-batch.ts'
import type { Paging } from './paging/paging.ts'
import type { Usage } from './segments/segment.ts'
import type { SegmentIndex } from './format/segment-index.ts'
import type { Place, WriteFailure, Writer } from './segments/writer.ts'

/** Share of unsettled bytes below which a sealed segment is relocated. */
const LIVE_SHARE = 0.25
/** Ratio of used to unsettled bytes of the queue above which segments less than half unsettled are relocated, too. */
const MAX_OVERHEAD = 2
/** Share of a full segment below which a piece that a crash left is relocated: otherwise each start reads it as a whole. */
const PIECE_SHARE = 0.25
/** Time without settlements before relocation: a segment that is being drained soon becomes empty by itself. */
const SETTLED_FOR_MS = 5_000
const EVERY_MS = 1_000
/** Maximum bytes relocated per turn, so that new records do not wait for long. */
const BYTES_A_TURN = 16 * 1_048_576
/** Time before the next attempt to relocate a segment that could not be read. */
const UNREADABLE_MS = 60_000
/** Maximum bytes and batches read and written together. */
const GROUP_BYTES = 1_048_576
const GROUP_BATCHES = 256

export interface RelocatorOptions {
  readonly segments: ReadonlyMap<number, DiskSegment>
  readonly usage: Usage
  readonly writer: Writer
  readonly segmentBytes: number
  /** Default 5 s. */
  readonly settledForMs?: number
  /** Calls `ready` when the items are in memory, or cannot be read now. */
  load(batch: DiskBatch, ready: () => void): void
  /** Called when the segment has no unsettled records left. */
  emptied(segment: DiskSegment): void
  /** Provides batches for records that have none, so that they can be moved. */
  readonly paging: Pick<Paging, 'indexOf' | 'borrow' | 'giveBack'>
}

/** Moves the few unsettled records out of old segments, so that a stuck lane does not occupy the space of others. */
export class Relocator {
  readonly #options: RelocatorOptions
  #timer: NodeJS.Timeout | undefined
  #turn: Promise<void> | undefined
  readonly #stop = new Stop()
  relocatedBytes = 0

  constructor(options: RelocatorOptions) {
    this.#options = options
  }

  start(): void {
    this.#timer = setInterval(() => void this.turn(), EVERY_MS)
  }

  /** Stops between two groups. */
  async close(): Promise<void> {
    this.#stop.request()
    clearInterval(this.#timer)
    await this.#turn
  }

  /** Relocates sparse segments, up to a bound. One turn at a time. */
  turn(): Promise<void> {
    this.#turn ??= this.#run().finally(() => {
      this.#turn = undefined
    })
    return this.#turn
  }

  async #run(): Promise<void> {
    const { writer } = this.#options
    const current = writer.current
    if (current !== undefined && this.#quiet(current)) await writer.leaveIfDone()
    let left = BYTES_A_TURN
    for (let segment = this.#next(); segment !== undefined && left > 0; segment = this.#next()) {
      const moved = await this.#move(segment)
      if (moved === undefined) return
      left -= moved
    }
  }

  #next(): DiskSegment | undefined {
    if (this.#stop.isRequested) return undefined
    const { segments, usage, writer, segmentBytes } = this.#options
    const current = writer.current
    const wasteful = usage.bytes - (current?.bytes ?? 0) > usage.liveBytes * MAX_OVERHEAD
    let best: DiskSegment | undefined
    for (const segment of segments.values()) {
      const { bytes, liveBytes, damaged } = segment
      if (segment === current || liveBytes === 0 || damaged || !this.#quiet(segment)) continue
      if (performance.now() - segment.failedAtMs < UNREADABLE_MS) continue
      const piece = current !== undefined && bytes < segmentBytes * PIECE_SHARE
      const sparse = liveBytes < segmentBytes * LIVE_SHARE || wasteful
      if (!piece && (!sparse || liveBytes * 2 >= bytes)) continue
      if (best === undefined || liveBytes / bytes < best.liveBytes / best.bytes) best = segment
    }
    return best
  }

  #quiet({ settledAtMs }: DiskSegment): boolean {
    return performance.now() - settledAtMs > (this.#options.settledForMs ?? SETTLED_FOR_MS)
  }

  /** @returns bytes moved; undefined if the segment cannot be moved now */
  async #move(segment: DiskSegment): Promise<number | undefined> {
    // A copy, because moving changes the live batches.
    const ofBatches = await this.#moveAll([...segment.live.values()])
    if (ofBatches === undefined) return undefined
    const ofRest = await this.#movePagedOut(segment)
    if (ofRest === undefined) return undefined
    this.#options.emptied(segment)
    return segment.waiting === 0 ? ofBatches + ofRest : undefined
  }

  async #movePagedOut(segment: DiskSegment): Promise<number | undefined> {
    if (segment.pagedOut.count === 0) return 0
    const { paging } = this.#options
    const index = await paging.indexOf(segment)
    if (index === undefined) return undefined
    return this.#moveAll(borrowed(index, segment, paging), (batch) => paging.giveBack(batch))
  }

  /** @param moved called for each batch at the end, whether it was moved or not */
  async #moveAll(
    batches: Iterable<DiskBatch>,
    moved: (batch: DiskBatch) => void = () => {},
  ): Promise<number | undefined> {
    let bytes = 0
    for (const group of groups(batches)) {
      for (const batch of group) batch.uses++
      const its = await this.#moveGroup(group)
      for (const batch of group) {
        batch.uses--
        moved(batch)
      }
      if (its === undefined) return undefined
      bytes += its
    }
    return bytes
  }

  async #moveGroup(group: readonly DiskBatch[]): Promise<number | undefined> {
    const loaded = group.map((batch) => new Promise<void>((ready) => this.#options.load(batch, ready)))
    await this.#stop.before(Promise.all(loaded))
    if (this.#stop.isRequested) return undefined
    const bytes = await this.#write(group.filter(({ items, unsettled }) => items !== undefined && unsettled > 0))
    // Unreadable batches stay in place until their lane loads them.
    return group.some(({ items, unsettled }) => items === undefined && unsettled > 0) ? undefined : bytes
  }

  #write(batches: readonly DiskBatch[]): Promise<number | undefined> {
    if (batches.length === 0) return Promise.resolve(0)
    // Copies, because the items may be dropped from memory before they are written.
    const records = batches.flatMap(({ items, lane, own, id, enqueuedAtMs: queuedAtMs }) =>
      items === undefined ? [] : [{ lane, own, items: cutOut(items, 0, items.count), queuedAtMs, id }],
    )
    return new Promise((resolve) => {
      this.#options.writer.write({ records, written: (places) => resolve(this.#written(batches, places)) })
    })
  }

  #written(batches: readonly DiskBatch[], places: readonly Place[] | WriteFailure): number | undefined {
    if ('kind' in places) return undefined
    crashPoint('relocation')
    let bytes = 0
    for (const [at, batch] of batches.entries()) {
      const place = places[at]
      // Settled meanwhile: neither copy is needed.
      if (place === undefined || batch.unsettled === 0) continue
      batch.moveTo(place.segment, place.sequence, place.offset)
      bytes += batch.length
    }
    this.relocatedBytes += bytes
    return bytes
  }
}

/** Yields the batches in groups to be read and written together. */
function* groups(batches: Iterable<DiskBatch>): Generator<DiskBatch[]> {
  let group: DiskBatch[] = []
  let bytes = 0
  for (const batch of batches) {
    group.push(batch)
    bytes += batch.length
    if (bytes < GROUP_BYTES && group.length < GROUP_BATCHES) continue
    yield group
    group = []
    bytes = 0
  }
  if (group.length > 0) yield group
}

/** Yields borrowed batches for the paged-out records of a segment, one at a time: only those of one group exist at once. */
function* borrowed(index: SegmentIndex, segment: DiskSegment, paging: Pick<Paging, 'borrow'>): Generator<DiskBatch> {
  for (let row = 0; row < index.count; row++)
    if (segment.pagedOut.has(index.sequenceAt(row))) yield paging.borrow(index.at(row), segment)
}
