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

/** Sums over the segments of a queue, kept by themselves: they are asked for at every request. */
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

/** One file of records. Written at its end only, then sealed, and removed when nothing in it is waited for. */
export class Segment<Batch extends InMemory> {
  readonly number: number
  readonly header: SegmentHeader
  readonly path: string
  readonly #files: Files
  readonly #usage: Usage
  /** Open while it is written, and while something is read from it. */
  #file: Promise<OpenFile> | undefined
  /** Reads under way. */
  readers = 0
  bytes = 0
  sealed: boolean
  /** Batches in memory that are not settled yet, by id. */
  readonly live = new Map<number, Batch>()
  /** Records that are not settled yet and have no batch in memory. */
  readonly pagedOut: PagedOutBits
  /** Of both. */
  liveBytes = 0
  /** Part of it cannot be read: it is set aside at the end, not removed. */
  damaged = false
  // What reading it has come to, as `readBatch` keeps it; times are performance.now().
  /** Of the first read that failed since one did not, and of the last. */
  failingSinceMs: number | undefined
  failedAtMs = Number.NEGATIVE_INFINITY
  readAtMs = Number.NEGATIVE_INFINITY
  readAgainAtMs = 0
  /** By which it is seen whether it can be read again. */
  probe: Batch | undefined
  /** There is no such file. */
  gone = false
  /** performance.now() of the last settlement, or of its taking up; what is drained just now is not worth moving. */
  settledAtMs = performance.now()
  /** What the footer will say, while the segment is written. */
  #index: SegmentIndex | undefined

  /** One that is there already, and will not be written again. */
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

  /** Makes the file, header and name included, so durable that a record in it can be acknowledged. */
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
      // Neither a handle nor an empty file is left of each try on a full disk.
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

  /** Puts parts behind what is there; they count only after `commit`. @throws what the file system says */
  async write(parts: readonly Buffer[]): Promise<void> {
    if (this.sealed || this.#file === undefined) throw new Error(`${this.path} is not written any more`)
    await (await this.#file).write(parts, this.bytes)
  }

  /** @throws what the file system says; then nothing of what was written counts, whatever a second sync would say */
  async commit(bytes: number, sync: boolean): Promise<void> {
    if (sync) await (await this.#file)?.sync()
    this.#grow(bytes)
  }

  /** Records that are not settled yet. */
  get waiting(): number {
    return this.live.size + this.pagedOut.count
  }

  /** The index of what is written so far; undefined once it is only in the file. */
  get index(): SegmentIndex | undefined {
    return this.#index
  }

  /** A record is in it: a new one, or one that was moved. */
  append(entry: IndexEntry): void {
    this.#index?.push(entry)
  }

  /** A record waits, with a batch in memory. */
  add(batch: Batch): void {
    this.live.set(batch.id, batch)
    this.#wait(batch.length)
  }

  /** A record waits, without one. */
  addPagedOut(entry: IndexEntry, unsettled: number): void {
    this.pagedOut.add(entry, unsettled)
    this.#wait(entry.length)
  }

  remove(batch: Batch): void {
    if (!this.live.delete(batch.id)) return
    this.#wait(-batch.length)
    this.settledAtMs = performance.now()
  }

  /** None of those that have no batch in memory can be read any more. */
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
   * Nothing is written to it any more; its index goes to its end.
   * @throws what the file system says; then it has no index, and its records are as safe as before
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

  /** After a failed write or sync nothing more goes into it, and what does not count is cut off if the disk allows that. */
  async abandon(): Promise<void> {
    this.sealed = true
    this.#index = undefined
    try {
      await (await this.#file)?.truncate(this.bytes)
    } catch {
      // Then a restart may find whole records there that nobody was told of, and sends them once more than needed.
    }
    try {
      await this.#closeIfIdle()
    } catch {
      // The write that failed has been told of; NFS may say it again here.
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
      // One that could not be opened is opened anew the next time.
      if (this.#file === opening) this.#file = undefined
      throw error
    }
  }

  /** It is not on the disk any more as far as anybody counts. */
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
