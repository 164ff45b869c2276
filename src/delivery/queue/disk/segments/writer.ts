import type { LaneItems } from '../../../contract/lane-items.ts'
import { crashPoint } from '../files/crash-point.ts'
import type { Files } from '../files/files.ts'
import { encodeRecord, HEADER_BYTES, recordBytes } from '../format/format.ts'
import type { DiskBatch, DiskSegment } from './disk-batch.ts'
import { Segment, type Usage } from './segment.ts'

/** Maximum bytes and records of one commit, unless one request is larger: bounds the half-written data after a crash. */
const GROUP_BYTES = 4 * 1_048_576
const GROUP_RECORDS = 300
/** Maximum segment size relative to `segmentBytes`: with less, records of half that size would need a segment each. */
const MAX_STRETCH = 1.25

/** Records written together: their request is acknowledged only if all are stored. */
export interface WriteRequest {
  readonly records: readonly NewRecord[]
  /** Called with the positions of the records, in order, once they are synced; or with the failure. */
  written(places: readonly Place[] | WriteFailure): void
}

export interface NewRecord extends LaneItems {
  readonly queuedAtMs: number
  /** Id of a moved batch, which already has one. */
  readonly id?: number
}

export interface Place {
  readonly segment: DiskSegment
  readonly sequence: number
  readonly id: number
  readonly offset: number
  /** Length including the header. */
  readonly length: number
}

export interface WriteFailure {
  readonly kind: 'failed'
  readonly error: NodeJS.ErrnoException
}

export interface WriterOptions {
  readonly files: Files
  readonly directory: string
  readonly segmentBytes: number
  readonly sync: boolean
  readonly usage: Usage
  opened(segment: DiskSegment): void
  /** Called when nothing more is written to the segment. */
  sealed(segment: DiskSegment): void
  /** Called for an id of no batch: its commit failed, or the record is of a moved batch, which keeps its id. */
  unused(id: number): void
  /** Called after each commit, before its requests are notified. */
  committed(failure: WriteFailure | undefined): void
  /** Called if the index of a segment could not be written; this only slows down the next start. */
  notSealed(segment: DiskSegment, error: unknown): void
}

/**
 * The only writer of a queue. Requests that arrive during a sync are written together in the next commit. After any failure
 * the segment is abandoned: a file whose sync failed once is never trusted again, even if a second sync succeeds.
 */
export class Writer {
  readonly #options: WriterOptions
  readonly #groupBytes: number
  #waiting: WriteRequest[] = []
  #running: Promise<void> | undefined
  #segment: DiskSegment | undefined
  #nextSequence = 1
  #nextNumber = 1
  /** Last sequence whose request was answered. */
  lastAnswered = 0

  constructor(options: WriterOptions) {
    this.#options = options
    this.#groupBytes = Math.min(GROUP_BYTES, options.segmentBytes)
  }

  /** Continues the numbering after the recovered records and segments. */
  continueAfter(sequence: number, segment: number): void {
    this.#nextSequence = sequence + 1
    this.#nextNumber = segment + 1
    this.lastAnswered = sequence
  }

  write(request: WriteRequest): void {
    this.#waiting.push(request)
    this.#running ??= this.#run()
  }

  get current(): DiskSegment | undefined {
    return this.#segment
  }

  /** Ends the current segment if all its records are settled, so that an idle queue holds no space. */
  async leaveIfDone(): Promise<void> {
    const segment = this.#segment
    if (this.#running !== undefined || segment === undefined || segment.waiting > 0) return
    this.#segment = undefined
    await segment.abandon()
    this.#options.sealed(segment)
  }

  /** Waits for the current write, then seals the segment. */
  async close(): Promise<void> {
    await this.#running
    await this.#seal()
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#take()
      const outcome = await this.#commit(group)
      // From here to the end of the loop the code is synchronous: no other code may see a batch that is neither answered nor live.
      this.#reportUnused(outcome)
      this.lastAnswered = this.#nextSequence - 1
      const failed = 'kind' in outcome
      this.#options.committed(failed ? outcome : undefined)
      // Waiting requests would fail the same way: fail them with this attempt.
      if (failed) group.push(...this.#waiting.splice(0))
      let next = 0
      for (const request of group)
        request.written(failed ? outcome : outcome.slice(next, (next += request.records.length)))
    }
    this.#running = undefined
  }

  #reportUnused(outcome: readonly Place[] | WriteFailure): void {
    if ('kind' in outcome) for (let id = this.lastAnswered + 1; id < this.#nextSequence; id++) this.#options.unused(id)
    else for (const { id, sequence } of outcome) if (id !== sequence) this.#options.unused(sequence)
  }

  #take(): WriteRequest[] {
    let bytes = 0
    let records = 0
    let count = 0
    for (const request of this.#waiting) {
      bytes += bytesOf(request)
      if (count > 0 && (bytes > this.#groupBytes || records + request.records.length > GROUP_RECORDS)) break
      records += request.records.length
      count++
    }
    return this.#waiting.splice(0, count)
  }

  async #commit(group: readonly WriteRequest[]): Promise<Place[] | WriteFailure> {
    try {
      const segment = await this.#openSegment(group.reduce((bytes, request) => bytes + bytesOf(request), 0))
      const places: Place[] = []
      const parts: Buffer[] = []
      let offset = segment.bytes
      for (const { records } of group) {
        for (const record of records) {
          const sequence = this.#nextSequence++
          const { id = sequence, own = false } = record
          for (const part of encodeRecord(segment.header.salt, sequence, { ...record, id, own })) parts.push(part)
          const length = recordBytes(record)
          places.push({ segment, sequence, id, offset, length })
          offset += length
        }
      }
      await segment.write(parts)
      crashPoint('after_write')
      await segment.commit(offset - segment.bytes, this.#options.sync)
      crashPoint('after_sync')
      return places
    } catch (error) {
      const failed = this.#segment
      this.#segment = undefined
      if (failed !== undefined) {
        await failed.abandon()
        this.#options.sealed(failed)
      }
      return { kind: 'failed', error: error as NodeJS.ErrnoException }
    }
  }

  /** Returns the segment for a group. A group that does not fit starts a new one, so a huge group has its own segment. */
  async #openSegment(groupBytes: number): Promise<DiskSegment> {
    const { segmentBytes } = this.#options
    const { bytes } = this.#segment ?? { bytes: segmentBytes }
    const fits = bytes < segmentBytes && bytes + groupBytes <= segmentBytes * MAX_STRETCH
    if (this.#segment !== undefined && (fits || bytes <= HEADER_BYTES)) return this.#segment
    await this.#seal()
    const { files, directory, usage, sync } = this.#options
    const identity = { number: this.#nextNumber++, firstSequence: this.#nextSequence }
    const segment = await Segment.create<DiskBatch>(files, directory, identity, usage, sync)
    crashPoint('roll')
    this.#segment = segment
    this.#options.opened(segment)
    return segment
  }

  async #seal(): Promise<void> {
    const segment = this.#segment
    if (segment === undefined) return
    this.#segment = undefined
    try {
      await segment.seal(this.#options.sync)
      crashPoint('seal')
    } catch (error) {
      this.#options.notSealed(segment, error)
    }
    this.#options.sealed(segment)
  }
}

function bytesOf({ records }: WriteRequest): number {
  let bytes = 0
  for (const record of records) bytes += recordBytes(record)
  return bytes
}
