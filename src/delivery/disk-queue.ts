// The queue on disk: an append-only log of records in segments, shared by an exporter's lanes.
//
//   reserve ─▶ commit ─▶ writer (group commit, sync) ─▶ stored ─▶ lanes        settle ─▶ journal (100 ms, synced in 1 s)
//                            │                                                    └─▶ segment: nothing waited for? unlink
//                            └ segments/0000000007.segment                        └─▶ little waited for? relocate
//
// What is waited for stays in memory while there is room (`memoryBytes`), so that a queue that keeps up never reads the disk.

import { rename } from 'node:fs/promises'
import type { ByteBudget } from '../component/byte-budget.ts'
import type { Retry, RetryCause } from '../component/outcome.ts'
import type { Logger } from '../telemetry/logger.ts'
import { AcknowledgementJournal, type Counters } from './disk/acknowledgements.ts'
import { DiskBatch } from './disk/disk-batch.ts'
import { decodePayload, recordAt } from './disk/format.ts'
import { FreeSpace } from './disk/free-space.ts'
import { recover } from './disk/recover.ts'
import { relocatable } from './disk/relocate.ts'
import type { Segment } from './disk/segment.ts'
import { type Place, type WriteFailure, Writer } from './disk/writer.ts'
import { BATCH_OVERHEAD_BYTES, countedBytes, heldBytes, type ItemBatch } from './items.ts'
import { BoundKeeper, type QueueBound } from './queue-bound.ts'
import type { NewBatch, QueuedBatch, Queue, QueueReservation, RecoveredBatch } from './queue.ts'

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
}

export interface DiskQueueOwner {
  /** The counters that are kept with the acknowledgements. */
  counters(): Counters
  /** Those of the process before, once, from `recover`. */
  restore(counters: Counters): void
  /** The disk fails again and again: the process cannot keep its promise. */
  fatal(error: Error): void
}

/** One object for each waiting batch stays in memory; this many come to some 100 MB. */
const MOST_BATCHES = 500_000
/** Failed commits in a row, other than for want of space, after which the disk is given up. */
const MOST_FAILURES = 5
const RETRY_AFTER_MS = 1_000
/** How often a batch that has to be read asks for room. */
const ROOM_CHECK_MS = 20
const RELOCATE_EVERY_MS = 1_000
/** Record header, payload head and a lane's name, roughly; `usedBytes` is exact once it is written. */
const RECORD_OVERHEAD_BYTES = 96

export class DiskQueue implements Queue {
  readonly #options: DiskQueueOptions
  readonly #owner: DiskQueueOwner
  readonly #budget: ByteBudget
  readonly #keeper: BoundKeeper
  readonly #logger: Logger
  readonly #segments = new Map<number, Segment>()
  readonly #writer: Writer
  readonly #journal: AcknowledgementJournal
  readonly space: FreeSpace
  readonly capacityBytes: number
  #reservedBytes = 0
  #batches = 0
  #memoryBytes = 0
  #failures = 0
  #relocation: NodeJS.Timeout | undefined
  #relocating = false
  #closed = false
  quarantinedBytes = 0
  relocatedBytes = 0

  constructor(options: DiskQueueOptions, owner: DiskQueueOwner, budget: ByteBudget, logger: Logger) {
    this.#options = options
    this.#owner = owner
    this.#budget = budget
    this.#logger = logger
    this.#keeper = new BoundKeeper(options.bound)
    this.capacityBytes = options.capacityBytes
    this.space = new FreeSpace(options.directory, options.segmentBytes)
    this.#writer = new Writer({
      directory: options.directory,
      segmentBytes: options.segmentBytes,
      sync: options.fsync,
      opened: (segment) => this.#segments.set(segment.number, segment),
      sealed: (segment) => this.#unlinkIfDone(segment),
    })
    this.#journal = new AcknowledgementJournal(
      options.directory,
      {
        counters: () => owner.counters(),
        live: () => this.#acknowledged(),
        failed: (error) =>
          logger.warn('acknowledgements could not be written yet; a crash now would repeat them', { error }),
      },
      options.fsync,
    )
  }

  /** Bytes of the segments on disk, and of what is about to be written. */
  get usedBytes(): number {
    let bytes = this.#reservedBytes
    for (const segment of this.#segments.values()) bytes += segment.bytes
    return bytes
  }

  get size(): number {
    return this.#keeper.fill?.size ?? this.usedBytes
  }

  get capacity(): number {
    return this.#keeper.fill?.most ?? this.capacityBytes
  }

  /** @throws ComponentError for a directory of a later version; file system errors */
  async recover(): Promise<readonly RecoveredBatch[]> {
    const { directory } = this.#options
    const acknowledged = await this.#journal.open()
    const found = await recover(directory, acknowledged, this.#logger)
    for (const segment of found.segments) this.#segments.set(segment.number, segment)
    this.#writer.continueAfter(found.lastSequence, found.lastSegment)
    this.#batches = found.batches.length
    this.#keeper.recovered(found.batches)
    this.quarantinedBytes = found.quarantinedBytes
    if (acknowledged.counters !== undefined) this.#owner.restore(acknowledged.counters)
    await this.#journal.begin()
    for (const segment of found.segments) this.#unlinkIfDone(segment)
    await this.space.start()
    this.#relocation = setInterval(() => void this.#relocate(), RELOCATE_EVERY_MS)
    return found.batches.map((batch) => ({ lane: batch.lane, batch, settled: batch.settled }))
  }

  reserve(batches: readonly NewBatch[]): QueueReservation | Retry {
    let memory = 0
    let disk = 0
    let items = 0
    for (const batch of batches) {
      memory += heldBytes(batch.items)
      disk += batch.items.bytes.length + batch.items.index.byteLength + RECORD_OVERHEAD_BYTES
      items += batch.items.count
    }
    const refusal = this.#refusal(batches.length, disk)
    if (refusal !== undefined) return refusal
    if (!this.#keeper.reserve(items))
      return retry('storage_full', `the queue is full (${this.size} of ${this.capacity}); the records were not taken`)
    if (!this.#budget.reserve(memory)) {
      this.#keeper.release(items)
      return retry(
        'budget_full',
        `the byte budget is full (${this.#budget.used} of ${this.#budget.capacity} bytes); the records were not taken`,
      )
    }
    this.#reservedBytes += disk
    this.#batches += batches.length
    const release = () => {
      this.#keeper.release(items)
      this.#budget.release(memory)
      this.#reservedBytes -= disk
      this.#batches -= batches.length
    }
    return {
      kind: 'reserved',
      release,
      commit: (stored) => {
        if (batches.length === 0) {
          release()
          return stored([])
        }
        const queuedAtMs = Date.now()
        this.#writer.write({
          records: batches.map(({ lane, items }) => ({ lane, items, queuedAtMs })),
          written: (places) => {
            if ('kind' in places) {
              release()
              stored(this.#writeFailed(places))
              return
            }
            this.#failures = 0
            this.#reservedBytes -= disk
            const queued = batches.map((batch, place) => this.#place(batch, places[place] as Place, queuedAtMs))
            this.#keeper.commit(queued)
            this.#journal.touch()
            stored(queued)
          },
        })
      },
    }
  }

  /** Why nothing more may be written; the drain never asks. */
  #refusal(batches: number, bytes: number): Retry | undefined {
    if (this.#closed) return retry('shutting_down', 'the queue is closing')
    const { low, freeBytes, reserveBytes } = this.space
    if (low)
      return retry(
        'storage_full',
        `${freeBytes} bytes are free where the queue is, and ${Math.ceil(reserveBytes)} are kept free; the records were not taken`,
      )
    if (this.usedBytes + bytes > this.capacityBytes || this.#batches + batches > MOST_BATCHES)
      return retry(
        'storage_full',
        `the queue on disk is full (${this.usedBytes} of ${this.capacityBytes} bytes); the records were not taken`,
      )
    return undefined
  }

  load(batch: QueuedBatch, ready: () => void): void {
    if (batch.items !== undefined || !(batch instanceof DiskBatch) || batch.unsettled === 0) return ready()
    void this.#load(batch).then(ready)
  }

  settle(batch: QueuedBatch, from: number, to: number): void {
    if (!(batch instanceof DiskBatch)) throw new TypeError('a batch of another queue')
    if (to - from > batch.unsettled)
      throw new RangeError(`${to - from} items settled of a batch that has ${batch.unsettled} left`)
    batch.unsettled -= to - from
    this.#keeper.settled(batch, to - from)
    if (batch.unsettled > 0) {
      batch.settled.push([from, to])
      this.#journal.part(batch.sequence, from, to)
      return
    }
    this.#journal.done(batch.sequence)
    batch.segment.remove(batch)
    batch.segment.done.push(batch.sequence)
    this.#batches--
    this.#forget(batch)
    this.#unlinkIfDone(batch.segment)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    clearInterval(this.#relocation)
    this.space.close()
    await this.#writer.close()
    await this.#journal.close()
    for (const segment of this.#segments.values()) {
      if (segment.live.size === 0) await this.#drop(segment)
      else await segment.close()
    }
  }

  #place({ lane, items }: NewBatch, { segment, sequence, offset, length }: Place, queuedAtMs: number): DiskBatch {
    const entry = { sequence, offset, length, lane, queuedAtMs, items: items.count, countedBytes: countedBytes(items) }
    const batch = new DiskBatch(entry, segment, items)
    segment.add(batch)
    batch.inMemory = true
    this.#memoryBytes += heldBytes(items)
    // No room beside what waits already: it is read back when its turn comes.
    if (this.#memoryBytes > this.#options.memoryBytes) this.#forget(batch)
    return batch
  }

  #forget(batch: DiskBatch): void {
    if (!batch.inMemory || batch.items === undefined) return
    const bytes = heldBytes(batch.items)
    this.#memoryBytes -= bytes
    this.#budget.release(bytes)
    batch.inMemory = false
    batch.items = undefined
  }

  async #load(batch: DiskBatch): Promise<void> {
    // Room comes back as puts are answered; senders are refused before a drain is.
    const room = batch.length + BATCH_OVERHEAD_BYTES
    while (!this.#budget.reserve(room)) await new Promise((resolve) => setTimeout(resolve, ROOM_CHECK_MS))
    const items = await this.#read(batch)
    if (items === undefined || batch.unsettled === 0 || batch.items !== undefined) return this.#budget.release(room)
    const held = heldBytes(items)
    this.#budget.release(room - held)
    this.#memoryBytes += held
    batch.items = items
    batch.inMemory = true
  }

  /** Undefined for a record that is damaged; then it has been quarantined. */
  async #read(batch: DiskBatch): Promise<ItemBatch | undefined> {
    const { segment, offset, length, sequence } = batch
    try {
      const record = recordAt(await segment.read(offset, length), 0, segment.salt)
      const payload = record?.sequence === sequence ? decodePayload(record.payload) : undefined
      if (payload !== undefined) return payload.items
    } catch (error) {
      this.#logger.error('a segment of the queue cannot be read', { file: segment.path, error })
    }
    if (batch.unsettled > 0 && batch.sequence === sequence) this.#quarantine(batch)
    return undefined
  }

  #quarantine(batch: DiskBatch): void {
    this.quarantinedBytes += batch.length
    batch.segment.damaged = true
    this.#logger.error('a record of the queue is damaged and quarantined', {
      file: batch.segment.path,
      sequence: batch.sequence,
      items: batch.unsettled,
    })
  }

  #writeFailed({ error }: WriteFailure): Retry {
    const full = error.code === 'ENOSPC' || error.code === 'EDQUOT'
    if (full) this.space.full()
    else if (++this.#failures >= MOST_FAILURES)
      this.#owner.fatal(new Error(`the queue on disk failed ${this.#failures} times in a row`, { cause: error }))
    this.#logger.error('the queue could not be written; senders are told to wait', {
      directory: this.#options.directory,
      error,
    })
    return retry(full ? 'storage_full' : 'storage_failed', `the queue could not be written: ${error.message}`)
  }

  #unlinkIfDone(segment: Segment): void {
    if (
      segment.live.size > 0 ||
      !segment.sealed ||
      segment === this.#writer.current ||
      !this.#segments.has(segment.number)
    )
      return
    this.#segments.delete(segment.number)
    // The acknowledgements that made it superfluous are written first: gone with them, it would leave wrong counters.
    void this.#journal.flush(false).then(() => this.#drop(segment))
  }

  async #drop(segment: Segment): Promise<void> {
    try {
      if (segment.damaged) await rename(segment.path, `${segment.path}.corrupt`)
      else await segment.unlink()
    } catch (error) {
      this.#logger.warn('a segment that is done could not be removed', { file: segment.path, error })
    }
  }

  /** Moves what little is waited for out of old segments, one segment at a time, so that their space comes back. */
  async #relocate(): Promise<void> {
    if (this.#relocating) return
    this.#relocating = true
    const segment = relocatable(this.#segments.values(), this.#writer.current, this.#options.segmentBytes)
    if (segment !== undefined) for (const batch of segment.live.values()) await this.#move(batch)
    this.#relocating = false
  }

  async #move(batch: DiskBatch): Promise<void> {
    await this.#load(batch)
    const { items, lane, enqueuedAtMs } = batch
    if (items === undefined || batch.unsettled === 0) return
    await new Promise<void>((resolve) => {
      this.#writer.write({
        records: [{ lane, items, queuedAtMs: enqueuedAtMs }],
        written: (places) => {
          if (!('kind' in places)) this.#moved(batch, places[0] as Place)
          resolve()
        },
      })
    })
  }

  #moved(batch: DiskBatch, { segment, sequence, offset }: Place): void {
    const old = batch.segment
    this.#journal.done(batch.unsettled === 0 ? sequence : batch.sequence)
    if (batch.unsettled === 0) return
    old.remove(batch)
    old.done.push(batch.sequence)
    batch.segment = segment
    batch.sequence = sequence
    batch.offset = offset
    segment.add(batch)
    for (const [from, to] of batch.settled) this.#journal.part(sequence, from, to)
    this.relocatedBytes += batch.length
    this.#unlinkIfDone(old)
  }

  #acknowledged() {
    const done: number[] = []
    const parts: [number, number, number][] = []
    for (const segment of this.#segments.values()) {
      done.push(...segment.done)
      for (const batch of segment.live.values())
        for (const [from, to] of batch.settled) parts.push([batch.sequence, from, to])
    }
    return { done, parts }
  }
}

function retry(cause: RetryCause, message: string): Retry {
  return { kind: 'retry', cause, afterMs: RETRY_AFTER_MS * (1 + Math.random()), message }
}
