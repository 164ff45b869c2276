// The queue on disk: an append-only log of records in segments, shared by an exporter's lanes.
//
//   reserve ─▶ commit ─▶ writer (group commit, sync) ─▶ stored ─▶ lanes        settle ─▶ journal (100 ms, synced in 1 s)
//                            │                                                    └─▶ segment: nothing unsettled? unlink
//                            └ 0000000007.segment                                └─▶ little unsettled? relocate
//
// Unsettled batches stay in memory while there is room (`memoryBytes`), so that a queue that keeps up never reads the disk.

import type { ByteBudget } from '../../../component/byte-budget.ts'
import type { Retry, RetryCause } from '../../../accounting/outcome.ts'
import type { Logger } from '../../../telemetry/logger.ts'
import { AcknowledgementJournal } from './acknowledgements.ts'
import { crashPoint } from './files/crash-point.ts'
import { DiskBatch, type DiskSegment } from './segments/disk-batch.ts'
import { type Files, nodeFiles } from './files/files.ts'
import { FreeSpace } from './files/free-space.ts'
import { IdRanges } from './format/id-ranges.ts'
import { IndexReader } from './paging/index-reader.ts'
import type { Counters, PartDone } from './format/journal-format.ts'
import { Paging } from './paging/paging.ts'
import { Later, readBatch, WAITS_MS } from './reading/read-batch.ts'
import { recover } from './recovery/recover.ts'
import { Relocator } from './relocate.ts'
import { notTaken, Room, type TakenRoom } from './room.ts'
import { Usage } from './segments/segment.ts'
import { setAside } from './files/set-aside.ts'
import { Tail } from './reading/tail.ts'
import { type Place, type WriteFailure, Writer } from './segments/writer.ts'
import { countedBytes } from '../../contract/items.ts'
import type { LaneItems } from '../../contract/lane-items.ts'
import { BoundKeeper, type QueueBound } from '../queue-bound.ts'
import type {
  PageReader,
  Held,
  Queue,
  PagedOut,
  QueuedBatch,
  QueueReservation,
  RecoveredBatch,
} from '../../contract/queue.ts'

export interface DiskQueueOptions {
  /** Used only by this queue; locked by its owner. */
  readonly directory: string
  readonly capacityBytes: number
  readonly segmentBytes: number
  /** Maximum memory for unsettled batches; the others are read when they are sent. */
  readonly memoryBytes: number
  /** False: records are acknowledged before they are synced, so a power loss may lose acknowledged records. */
  readonly fsync: boolean
  readonly bound: QueueBound | undefined
  /** The queue may use the space that others keep free on the volume: its records would otherwise be lost. */
  readonly ofReserve?: boolean
  /**
   * For records kept for people: number of batches in memory, not charged to the heap budget; twice as many while new ones
   * arrive. Each record has its own lane.
   */
  readonly window?: number
  /** Replaces the file system, for tests. */
  readonly files?: Files
  /** Minimum size of a journal before it is compacted. Default 4 MiB. */
  readonly compactBytes?: number
  /** Time after the last settlement in a segment before it may be relocated. Default 5 s. */
  readonly settledForMs?: number
  /** Delays between attempts to read unreadable bytes before they are given up. Default 1, 4, 15 and 40 s. */
  readonly rereadAfterMs?: readonly number[]
}

export interface DiskQueueOwner {
  /** Returns the counters to keep with the acknowledgements. */
  counters(): Counters
  /** Called once by `recover` with the counters of the earlier process. */
  restore(counters: Counters): void
  /** Called once by `recover`, after `restore`, with the number of acknowledged items that are missing. */
  lost(items: number): void
  /** Called when the disk keeps failing, so that acknowledged records are no longer safe. */
  fatal(error: Error): void
}

/** Failed commits in a row, at least a second apart, after which the disk is given up. */
const MAX_FAILURES = 5
/** Errors that pass, or that an operator fixes, while the process waits: they are not counted. */
const PASSING: ReadonlySet<string | undefined> = new Set(
  'ENOSPC EDQUOT EMFILE ENFILE ENOMEM EROFS EACCES EPERM ENOENT'.split(' '),
)
const RETRY_AFTER_MS = 1_000
type Stored = Parameters<QueueReservation['commit']>[0]

export class DiskQueue implements Queue {
  readonly #options: DiskQueueOptions
  readonly #owner: DiskQueueOwner
  readonly #keeper: BoundKeeper
  readonly #logger: Logger
  readonly #files: Files
  readonly #segments = new Map<number, DiskSegment>()
  readonly #usage = new Usage()
  readonly #writer: Writer
  readonly #journal: AcknowledgementJournal
  readonly #tail: Tail
  readonly #relocator: Relocator
  readonly #removals = new Set<Promise<void>>()
  readonly #closing = new AbortController()
  readonly space: FreeSpace
  readonly pagedOut: PagedOut
  readonly #room: Room
  readonly #paging: Paging
  #failures = 0
  quarantinedBytes = 0

  constructor(options: DiskQueueOptions, owner: DiskQueueOwner, budget: ByteBudget, logger: Logger) {
    const { directory, segmentBytes, fsync: sync, files = nodeFiles, settledForMs, compactBytes } = options
    this.#options = options
    this.#owner = owner
    this.#logger = logger
    this.#files = files
    this.#keeper = new BoundKeeper(options.bound)
    this.space = new FreeSpace(files, directory, segmentBytes, options.ofReserve === true, logger)
    this.#room = new Room(options.capacityBytes, this.#keeper, budget, this.#usage, this.space)
    this.#tail = new Tail(options.memoryBytes, budget, (batch) => this.#read(batch))
    this.#writer = new Writer({
      files,
      directory,
      segmentBytes,
      sync,
      usage: this.#usage,
      opened: (segment) => this.#segments.set(segment.number, segment),
      sealed: (segment) => this.#removeIfDone(segment),
      unused: (id) => this.#journal.done(id),
      committed: (failure) => this.#committed(failure),
      notSealed: ({ path }, error) => logger.warn('cannot write the index of a queue segment', { file: path, error }),
    })
    this.#journal = new AcknowledgementJournal(
      { files, directory, sync, ...(compactBytes === undefined ? {} : { compactBytes }) },
      {
        counters: () => owner.counters(),
        answered: () => this.#writer.lastAnswered,
        live: () => this.#acknowledged(),
        failing: (error) => this.#journalFails(error),
      },
    )
    const away = () => this.space.isAway()
    this.#paging = new Paging({
      segments: this.#segments,
      budget,
      keeper: this.#keeper,
      indexes: new IndexReader({ files, waitsMs: options.rereadAfterMs ?? WAITS_MS, logger, away }),
      tail: this.#tail,
      logger,
      window: options.window,
      emptied: (segment) => this.#removeIfDone(segment),
    })
    this.pagedOut = this.#paging.pagedOut
    this.#relocator = new Relocator({
      segments: this.#segments,
      usage: this.#usage,
      writer: this.#writer,
      segmentBytes,
      ...(settledForMs === undefined ? {} : { settledForMs }),
      load: (batch, ready) => this.#tail.load(batch, ready, false),
      emptied: (segment) => this.#removeIfDone(segment),
      paging: this.#paging,
    })
  }

  get usedBytes(): number {
    return this.#room.usedBytes
  }

  get capacityBytes(): number {
    return this.#room.capacityBytes
  }

  get size(): number {
    return this.#room.size
  }

  get capacity(): number {
    return this.#room.capacity
  }

  get fullness(): number {
    return this.#room.fullness
  }

  share(held: Held): number {
    return this.#room.share(held)
  }

  couldHold(batches: readonly LaneItems[]): boolean {
    return this.#room.couldHold(batches)
  }

  get relocatedBytes(): number {
    return this.#relocator.relocatedBytes
  }

  /** @throws ComponentError for a directory of a later version; file system errors */
  async recover(reader?: PageReader): Promise<readonly RecoveredBatch[]> {
    const { directory } = this.#options
    const acknowledged = await this.#journal.read()
    const { waiting } = this.#paging
    const found = await recover(this.#files, directory, acknowledged, waiting, this.#usage, this.#logger)
    for (const segment of found.segments) this.#segments.set(segment.number, segment)
    this.#writer.continueAfter(found.lastSequence, found.lastSegment)
    this.#keeper.recovered(waiting.records, waiting.items)
    this.quarantinedBytes = found.quarantinedBytes
    if (acknowledged.counters !== undefined) this.#owner.restore(acknowledged.counters)
    if (found.lostItems > 0) this.#owner.lost(found.lostItems)
    await this.#journal.start()
    for (const segment of found.segments) this.#removeIfDone(segment)
    await this.space.start()
    this.#relocator.start()
    return this.#paging.start(reader)
  }

  reserve(batches: readonly LaneItems[]): QueueReservation | Retry {
    if (this.#closing.signal.aborted) return CLOSING()
    const room = this.#paging.lanesFull(batches) ?? this.#room.take(batches)
    if ('kind' in room) return room
    return {
      kind: 'reserved',
      release: () => room.release(),
      commit: (stored, mayPageOut = false) => this.#commit(batches, room, stored, mayPageOut),
    }
  }

  #commit(batches: readonly LaneItems[], room: TakenRoom, stored: Stored, mayPageOut: boolean): void {
    if (batches.length === 0) {
      room.release()
      stored([])
      // All items were rejected, for example: the counters have to survive a restart too.
      return this.#journal.touch()
    }
    if (this.#closing.signal.aborted) {
      room.release()
      return stored(CLOSING())
    }
    const queuedAtMs = Date.now()
    const records = batches.map(({ lane, own = false, items }) => ({ lane, own, items, queuedAtMs }))
    const written = (places: readonly Place[] | WriteFailure) => {
      if ('kind' in places) {
        room.release()
        return stored(notTaken(failureCause(places), `cannot write to the queue: ${places.error.message}`))
      }
      room.written()
      const queued = batches.map((batch, at) => this.#place(batch, places[at] as Place, queuedAtMs, mayPageOut))
      this.#keeper.commit(queued)
      for (const batch of queued) if (batch.pagedOut) this.#keeper.pagedOut(batch)
      this.#journal.touch()
      stored(queued)
      this.#paging.placed(queued)
    }
    this.#writer.write({ records, written })
  }

  /** Does not join: each record on disk belongs to one request. */
  join(): undefined {}

  load(batch: QueuedBatch, ready: () => void): void {
    if (!(batch instanceof DiskBatch)) throw new TypeError('a batch of another queue')
    this.#tail.load(batch, ready)
  }

  settle(batch: QueuedBatch, from: number, to: number): void {
    if (!(batch instanceof DiskBatch)) throw new TypeError('a batch of another queue')
    if (batch.pagedOut) throw new RangeError('items settled of a batch that is paged out')
    if (to - from > batch.unsettled)
      throw new RangeError(`${to - from} items settled of a batch that has ${batch.unsettled} left`)
    batch.unsettled -= to - from
    this.#keeper.settled(batch, to - from)
    if (batch.unsettled > 0) {
      batch.settled.push([from, to])
      this.#journal.part(batch.id, from, to)
      return
    }
    this.#journal.done(batch.id)
    batch.segment.remove(batch)
    this.#paging.settled(batch)
    this.#removeIfDone(batch.segment)
  }

  /** Resolves when all settlements so far are written; otherwise they are written within 100 ms. */
  async flush(): Promise<void> {
    await this.#journal.flush(false)
  }

  /** Marks the owner's counters as changed by something other than a batch of this queue; writes them within 100 ms. */
  touch(): void {
    this.#journal.touch()
  }

  /** Writes and syncs the owner's current counters. @returns false if that is not possible now */
  keepCounters(): Promise<boolean> {
    this.#journal.touch()
    return this.#journal.flush(true)
  }

  /** Relocates sparse segments now; otherwise this happens every second. */
  relocate(): Promise<void> {
    return this.#relocator.turn()
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return
    this.#closing.abort()
    this.space.close()
    await this.#paging.close()
    await this.#relocator.close()
    await this.#tail.close()
    await this.#writer.close()
    for (const segment of this.#segments.values()) this.#removeIfDone(segment)
    await Promise.all(this.#removals)
    await this.#journal.close()
    for (const segment of this.#segments.values()) await segment.close()
  }

  #place({ lane, items, own = false }: LaneItems, place: Place, queuedAtMs: number, mayPageOut: boolean): DiskBatch {
    const entry = { ...place, lane, own, queuedAtMs, items: items.count, countedBytes: countedBytes(items) }
    return this.#paging.place(place.segment, entry, items, mayPageOut)
  }

  async #read(batch: DiskBatch) {
    const read = await readBatch(batch, {
      waitsMs: this.#options.rereadAfterMs ?? WAITS_MS,
      away: () => this.space.isAway(),
      logger: this.#logger,
    })
    // Give up nothing during shutdown.
    if (read === undefined && this.#closing.signal.aborted) return new Later(RETRY_AFTER_MS)
    if (read === undefined && batch.unsettled > 0 && !batch.quarantined) {
      batch.quarantined = true
      batch.segment.damaged = true
      this.quarantinedBytes += batch.length
      this.#logger.error('a queue record is damaged: quarantined', {
        file: batch.segment.path,
        sequence: batch.sequence,
        items: batch.unsettled,
      })
    }
    return read
  }

  #committed(failure: WriteFailure | undefined): void {
    if (failure === undefined) {
      this.#failures = 0
      return this.space.works()
    }
    const { error } = failure
    this.space.refuse({ cause: failureCause(failure), message: `cannot write to the queue: ${error.message}` })
    if (!PASSING.has(error.code) && ++this.#failures >= MAX_FAILURES)
      this.#owner.fatal(new Error(`the queue on disk failed ${this.#failures} times in a row`, { cause: error }))
  }

  #journalFails(error: unknown): void {
    if (error === undefined) this.#logger.info('writing acknowledgements recovered')
    else this.#logger.warn('cannot write acknowledgements: after a crash, delivered records are sent again', { error })
  }

  #removeIfDone(segment: DiskSegment): void {
    if (segment.waiting > 0 || !segment.sealed || !this.#segments.delete(segment.number)) return
    segment.forget()
    const removal = this.#remove(segment).finally(() => this.#removals.delete(removal))
    this.#removals.add(removal)
  }

  async #remove(segment: DiskSegment): Promise<void> {
    // Sync the journal first: without it, the records of a removed segment would be in no ledger, and reported missing.
    const written = await this.#journal.flush(true)
    try {
      await segment.close()
      if (segment.damaged) await setAside(this.#files, segment.path, this.#logger)
      else await this.#files.remove(segment.path)
      crashPoint('unlink')
      // A full disk has room for the journal now.
      if (!written) await this.#journal.flush(true)
    } catch (error) {
      this.#logger.warn('cannot remove a settled queue segment', { file: segment.path, error })
    }
  }

  /** Returns the acknowledged ids: all ids ever written except the waiting ones. */
  #acknowledged() {
    const waiting = new IdRanges()
    const parts: PartDone[] = [...this.#paging.waiting.settled()]
    for (const { live, pagedOut } of this.#segments.values()) {
      for (const [from, to] of pagedOut.ids()) waiting.add(from, to)
      for (const { id, settled } of live.values()) {
        waiting.add(id, id)
        for (const [from, to] of settled) parts.push([id, from, to])
      }
    }
    return { done: waiting.without(1, this.#writer.lastAnswered), parts }
  }
}

function failureCause({ error }: WriteFailure): Extract<RetryCause, 'storage_full' | 'storage_failed'> {
  return error.code === 'ENOSPC' || error.code === 'EDQUOT' ? 'storage_full' : 'storage_failed'
}

const CLOSING = () => notTaken('shutting_down', 'the queue is closing')
