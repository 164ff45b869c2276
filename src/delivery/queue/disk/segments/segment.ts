import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Files, OpenFile } from '../files/files.ts'
import { encodeFooter, encodeHeader, FORMAT_VERSION, HEADER_BYTES, type SegmentHeader } from '../format/format.ts'
import { PagedOutBits } from './paged-out-bits.ts'
import { type IndexEntry, SegmentIndex } from '../format/segment-index.ts'

export const SEGMENT_NAME = /^(\d{10})\.segment$/

export function segmentName(number: number): string {
  return `${String(number).padStart(10, '0')}.segment`
}

/** Sums over the segments of a queue, kept up to date because every request reads them. */
export class Usage {
  bytes = 0
  liveBytes = 0
}

/** A record of a segment that has a batch in memory. */
export interface InMemory {
  readonly id: number
  readonly sequence: number
  readonly length: number
  readonly enqueuedAtMs: number
  readonly unsettled: number
}

/** One file of records. It is only appended to, then sealed, and removed when all its records are settled. */
export class Segment<Batch extends InMemory> {
  readonly number: number
  readonly header: SegmentHeader
  readonly path: string
  readonly #files: Files
  readonly #usage: Usage
  /** Open while the segment is written or read. */
  #file: Promise<OpenFile> | undefined
  /** Reads in progress. */
  readers = 0
  bytes = 0
  sealed: boolean
  /** Unsettled batches in memory, by id. */
  readonly live = new Map<number, Batch>()
  /** Unsettled records without a batch in memory. */
  readonly pagedOut: PagedOutBits
  /** Bytes of both. */
  liveBytes = 0
  /** Part of it cannot be read: it is set aside at the end, not removed. */
  damaged = false
  // State of reading, managed by `readBatch`; times are performance.now().
  /** Time of the first failed read since the last success, and of the last failed read. */
  failingSinceMs: number | undefined
  failedAtMs = Number.NEGATIVE_INFINITY
  readAtMs = Number.NEGATIVE_INFINITY
  readAgainAtMs = 0
  /** The batch whose reads test whether the segment is readable again. */
  probe: Batch | undefined
  /** The file does not exist. */
  gone = false
  /** performance.now() of the last settlement, or of opening; a segment that is being drained is not worth moving. */
  settledAtMs = performance.now()
  /** Content of the future footer, while the segment is written. */
  #index: SegmentIndex | undefined

  /** Creates the object for an existing file, which is not written again. */
  constructor(files: Files, directory: string, header: SegmentHeader, bytes: number, usage: Usage) {
    this.#files = files
    this.number = header.number
    this.header = header
    this.path = join(directory, segmentName(header.number))
    this.pagedOut = new PagedOutBits(header.firstSequence)
    this.#usage = usage
    this.sealed = true
    this.#grow(bytes)
  }

  /** Creates the file durably, including header and name, so that records in it can be acknowledged. */
  static async create<Batch extends InMemory>(
    files: Files,
    directory: string,
    { number, firstSequence }: Pick<SegmentHeader, 'number' | 'firstSequence'>,
    usage: Usage,
    sync: boolean,
  ): Promise<Segment<Batch>> {
    const header = { version: FORMAT_VERSION, salt: randomBytes(4).readUInt32LE(), firstSequence, number }
    const segment = new Segment<Batch>(files, directory, header, 0, usage)
    const file = await files.open(segment.path, 'wx+')
    try {
      await file.write([encodeHeader(header)], 0)
      if (sync) {
        await file.sync()
        await files.syncDirectory(directory)
      }
    } catch (error) {
      // On a full disk, leave no handle and no empty file of each attempt.
      await file.close()
      await files.remove(segment.path).catch(() => {})
      throw error
    }
    segment.#file = Promise.resolve(file)
    segment.sealed = false
    segment.#index = new SegmentIndex()
    segment.#grow(HEADER_BYTES)
    return segment
  }

  /** Appends parts; they count only after `commit`. @throws file system errors */
  async write(parts: readonly Buffer[]): Promise<void> {
    if (this.sealed || this.#file === undefined) throw new Error(`${this.path} is closed for writing`)
    await (await this.#file).write(parts, this.bytes)
  }

  /** @throws file system errors; then the written bytes do not count, even if a second sync would succeed */
  async commit(bytes: number, sync: boolean): Promise<void> {
    if (sync) await (await this.#file)?.sync()
    this.#grow(bytes)
  }

  /** Number of unsettled records. */
  get waiting(): number {
    return this.live.size + this.pagedOut.count
  }

  /** The index of the records written so far; undefined once it is only in the file. */
  get index(): SegmentIndex | undefined {
    return this.#index
  }

  /** Adds a record to the index: a new one, or one that was moved here. */
  append(entry: IndexEntry): void {
    this.#index?.push(entry)
  }

  /** Adds an unsettled record with a batch in memory. */
  add(batch: Batch): void {
    this.live.set(batch.id, batch)
    this.#wait(batch.length)
  }

  /** Adds an unsettled record without a batch in memory. */
  addPagedOut(entry: IndexEntry, unsettled: number): void {
    this.pagedOut.add(entry, unsettled)
    this.#wait(entry.length)
  }

  remove(batch: Batch): void {
    if (!this.live.delete(batch.id)) return
    this.#wait(-batch.length)
    this.settledAtMs = performance.now()
  }

  /** Removes all records without a batch in memory: they can no longer be read. */
  dropPagedOut(): void {
    let inMemory = 0
    for (const { length } of this.live.values()) inMemory += length
    this.pagedOut.clear()
    this.#wait(inMemory - this.liveBytes)
  }

  pageOut(batch: Batch): void {
    if (!this.live.delete(batch.id)) return
    const { sequence, id, enqueuedAtMs: queuedAtMs, unsettled } = batch
    this.pagedOut.add({ sequence, id, queuedAtMs }, unsettled)
  }

  pageIn(batch: Batch): void {
    this.pagedOut.delete(batch.sequence, batch.unsettled)
    this.live.set(batch.id, batch)
  }

  /**
   * Ends writing and appends the index.
   * @throws file system errors; then the segment has no index, and its records are as safe as before
   */
  async seal(sync: boolean): Promise<void> {
    this.sealed = true
    const footer = encodeFooter(this.header, this.bytes, this.#index ?? new SegmentIndex())
    this.#index = undefined
    try {
      const file = await this.#file
      await file?.write([footer], this.bytes)
      if (sync) await file?.sync()
      this.#grow(footer.length)
    } finally {
      await this.#closeIfIdle()
    }
  }

  /** Ends writing after a failed write or sync, and cuts off the uncommitted bytes if the disk allows it. */
  async abandon(): Promise<void> {
    this.sealed = true
    this.#index = undefined
    try {
      await (await this.#file)?.truncate(this.bytes)
    } catch {
      // A restart may then find intact records that were never acknowledged, and send them once more than needed.
    }
    try {
      await this.#closeIfIdle()
    } catch {
      // The failed write was already reported; NFS may report it again here.
    }
  }

  async read(offset: number, length: number): Promise<Buffer> {
    this.readers++
    try {
      return await (await this.#opened()).read(offset, length)
    } finally {
      this.readers--
      if (this.sealed) await this.#closeIfIdle()
    }
  }

  async #opened(): Promise<OpenFile> {
    this.#file ??= this.#files.open(this.path, 'r')
    const opening = this.#file
    try {
      return await opening
    } catch (error) {
      // Try to open the file again the next time.
      if (this.#file === opening) this.#file = undefined
      throw error
    }
  }

  /** Removes its bytes from the usage. */
  forget(): void {
    this.#grow(-this.bytes)
  }

  async close(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await (await file)?.close()
  }

  #wait(bytes: number): void {
    this.liveBytes += bytes
    this.#usage.liveBytes += bytes
  }

  #grow(bytes: number): void {
    this.bytes += bytes
    this.#usage.bytes += bytes
  }

  async #closeIfIdle(): Promise<void> {
    if (this.readers === 0) await this.close()
  }
}
