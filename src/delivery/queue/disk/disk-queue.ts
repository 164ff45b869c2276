// The queue on disk: an append-only log of records in segments, shared by an exporter's lanes.
//
//   reserve ─▶ commit ─▶ writer (group commit, sync) ─▶ stored ─▶ lanes        settle ─▶ journal (100 ms, synced in 1 s)
//                            │                                                    └─▶ segment: nothing waited for? unlink
//                            └ 0000000007.segment                                └─▶ little waited for? relocate
//
// What is waited for stays in memory while there is room (`memoryBytes`), so that a queue that keeps up never reads the disk.

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
import { BoundKeeper, type QueueBound } from '../queue-bound.ts'
import type {
  PageReader,
  Held,
  NewBatch,
  Queue,
  PagedOut,
  QueuedBatch,
  QueueReservation,
  RecoveredBatch,
} from '../../contract/queue.ts'

export interface DiskQueueOptions {
  /** Of this queue alone, locked by its owner. */
  readonly directory: string
  readonly capacityBytes: number
  readonly segmentBytes: number
  /** What is waited for may take so much memory; the rest is read when its turn comes. */
  readonly memoryBytes: number
  /** False acknowledges before the disk has it: a power loss may lose what was acknowledged. */
  readonly fsync: boolean
  readonly bound: QueueBound | undefined
  /** It may take what others keep free of the volume: it is for what would be lost otherwise. */
  readonly ofReserve?: boolean
  /**
   * For records that people look at: so many batches are in memory beside the heap budget, and twice as many while new ones
   * come. Each record has a lane of its own.
   */
  readonly window?: number
  /** Other than the file system of this machine; for tests. */
  readonly files?: Files
  /** A journal is not written anew before it is as big as this; default 4 MiB. */
  readonly compactBytes?: number
  /** A segment is left in peace so long after the last settlement in it; default 5 s. */
  readonly settledForMs?: number
  /** When bytes that cannot be read are asked for again, before they are given up; default 1, 4, 15 and 40 s. */
  readonly rereadAfterMs?: readonly number[]
}

export interface DiskQueueOwner {
  /** The counters that are kept with the acknowledgements. */
  counters(): Counters
  /** Those of the process before, once, from `recover`. */
  restore(counters: Counters): void
  /** Items the process before had acknowledged, and that are not there any more; once, from `recover`, after `restore`. */
  lost(items: number): void
  /** The disk fails again and again: the process cannot keep its promise. */
  fatal(error: Error): void
}

/** Failed commits in a row, a second or more apart, after which the disk is given up. */
const MAX_FAILURES = 5
/** What passes, or an operator mends, while the process waits: such failures are not counted. */
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
      notSealed: ({ path }, error) => logger.warn('a segment was left without its index', { file: path, error }),
    })
    this.#journal = new AcknowledgementJournal(
      { files, directory, sync, ...(compactBytes === undefined ? {} : { compactBytes }) },
      {
        counters: () => owner.counters(),
        told: () => this.#writer.lastTold,
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

  couldHold(batches: readonly NewBatch[]): boolean {
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

  reserve(batches: readonly NewBatch[]): QueueReservation | Retry {
    if (this.#closing.signal.aborted) return CLOSING()
    const room = this.#room.take(batches)
    if ('kind' in room) return room
    return {
      kind: 'reserved',
      release: () => room.release(),
      commit: (stored, mayPageOut = false) => this.#commit(batches, room, stored, mayPageOut),
    }
  }

  #commit(batches: readonly NewBatch[], room: TakenRoom, stored: Stored, mayPageOut: boolean): void {
    if (batches.length === 0) {
      room.release()
      stored([])
      // All of it was rejected, say: that is to be known after a restart too.
      return this.#journal.touch()
    }
    if (this.#closing.signal.aborted) {
      room.release()
      return stored(CLOSING())
    }
    const queuedAtMs = Date.now()
    const records = batches.map(({ lane, items }) => ({ lane, items, queuedAtMs }))
    const written = (places: readonly Place[] | WriteFailure) => {
      if ('kind' in places) {
        room.release()
        return stored(notTaken(failureCause(places), `the queue could not be written: ${places.error.message}`))
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

  /** Each record on disk is one request's. */
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

  /** Resolves when what was settled so far is written; it is by itself within 100 ms. */
  async flush(): Promise<void> {
    await this.#journal.flush(false)
  }

  /** The owner's counters changed by something else than a batch of this queue; they are written within 100 ms. */
  touch(): void {
    this.#journal.touch()
  }

  /** Writes and syncs the owner's counters as they are now. @returns false if that is not possible at the moment */
  keepCounters(): Promise<boolean> {
    this.#journal.touch()
    return this.#journal.flush(true)
  }

  /** Moves together what is worth it; it does so by itself every second. */
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

  #place({ lane, items }: NewBatch, place: Place, queuedAtMs: number, mayPageOut: boolean): DiskBatch {
    const entry = { ...place, lane, queuedAtMs, items: items.count, countedBytes: countedBytes(items) }
    return this.#paging.place(place.segment, entry, items, mayPageOut)
  }

  async #read(batch: DiskBatch) {
    const read = await readBatch(batch, {
      waitsMs: this.#options.rereadAfterMs ?? WAITS_MS,
      away: () => this.space.isAway(),
      logger: this.#logger,
    })
    // Nothing is given up by a process that ends.
    if (read === undefined && this.#closing.signal.aborted) return new Later(RETRY_AFTER_MS)
    if (read === undefined && batch.unsettled > 0 && !batch.quarantined) {
      batch.quarantined = true
      batch.segment.damaged = true
      this.quarantinedBytes += batch.length
      this.#logger.error('a record of the queue is damaged and quarantined', {
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
    this.space.refuse({ cause: failureCause(failure), message: `the queue could not be written: ${error.message}` })
    if (!PASSING.has(error.code) && ++this.#failures >= MAX_FAILURES)
      this.#owner.fatal(new Error(`the queue on disk failed ${this.#failures} times in a row`, { cause: error }))
  }

  #journalFails(error: unknown): void {
    if (error === undefined) this.#logger.info('acknowledgements are written again')
    else this.#logger.warn('acknowledgements cannot be written now; a crash would repeat them', { error })
  }

  #removeIfDone(segment: DiskSegment): void {
    if (segment.waiting > 0 || !segment.sealed || !this.#segments.delete(segment.number)) return
    segment.forget()
    const removal = this.#remove(segment).finally(() => this.#removals.delete(removal))
    this.#removals.add(removal)
  }

  async #remove(segment: DiskSegment): Promise<void> {
    // What made it superfluous is on disk first: gone without that, its records would be in no account, and missed.
    const written = await this.#journal.flush(true)
    try {
      await segment.close()
      if (segment.damaged) await setAside(this.#files, segment.path, this.#logger)
      else await this.#files.remove(segment.path)
      crashPoint('unlink')
      // A full disk has room for it now.
      if (!written) await this.#journal.flush(true)
    } catch (error) {
      this.#logger.warn('a segment that is done could not be removed', { file: segment.path, error })
    }
  }

  /** Everything that was ever written is done, except for what waits. */
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
    return { done: waiting.without(1, this.#writer.lastTold), parts }
  }
}

function failureCause({ error }: WriteFailure): Extract<RetryCause, 'storage_full' | 'storage_failed'> {
  return error.code === 'ENOSPC' || error.code === 'EDQUOT' ? 'storage_full' : 'storage_failed'
}

const CLOSING = () => notTaken('shutting_down', 'the queue is closing')
