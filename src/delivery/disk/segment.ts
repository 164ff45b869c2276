import { randomBytes } from 'node:crypto'
import { open, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import type { DiskBatch } from './disk-batch.ts'
import { encodeFooter, encodeHeader, HEADER_BYTES, type IndexEntry } from './format.ts'
import { syncDirectory } from './sync-directory.ts'

export const SEGMENT_NAME = /^(\d{10})\.segment$/

export function segmentName(number: number): string {
  return `${String(number).padStart(10, '0')}.segment`
}

/** One file of records. Written at its end only, then sealed, and unlinked when nothing in it is waited for. */
export class Segment {
  readonly number: number
  readonly salt: number
  readonly path: string
  /** Open while it is written, and while something is read from it. */
  #file: FileHandle | undefined
  #readers = 0
  bytes: number
  sealed: boolean
  /** Batches that are not settled yet, by sequence. */
  readonly live = new Map<number, DiskBatch>()
  liveBytes = 0
  /** Sequences that are settled while the segment is still there. */
  readonly done: number[] = []
  /** Part of it cannot be read: it is set aside at the end, not unlinked. */
  damaged = false
  /** performance.now() of the last settlement; a segment that is drained just now is not worth moving. */
  settledAtMs = 0
  /** What the footer will say; let go once it is written. */
  #entries: IndexEntry[] = []

  constructor(directory: string, number: number, salt: number, bytes: number, sealed: boolean) {
    this.number = number
    this.salt = salt
    this.path = join(directory, segmentName(number))
    this.bytes = bytes
    this.sealed = sealed
  }

  /** Makes the file, header and name included, so durable that a record in it can be acknowledged. */
  static async create(directory: string, number: number, sync: boolean): Promise<Segment> {
    const segment = new Segment(directory, number, randomBytes(4).readUInt32LE(), HEADER_BYTES, false)
    segment.#file = await open(segment.path, 'wx+', 0o600)
    await segment.#file.write(encodeHeader({ version: 0, salt: segment.salt, number }), 0, HEADER_BYTES, 0)
    if (sync) {
      await segment.#file.datasync()
      await syncDirectory(directory)
    }
    return segment
  }

  /** @throws what the file system says; then nothing after `bytes` counts */
  async append(parts: readonly Buffer[], sync: boolean): Promise<void> {
    const file = this.#file
    if (file === undefined) throw new Error(`${this.path} is not open for writing`)
    let position = this.bytes
    let rest = parts
    while (rest.length > 0) {
      const { bytesWritten } = await file.writev(rest as Buffer[], position)
      position += bytesWritten
      rest = after(rest, bytesWritten)
    }
    if (sync) await file.datasync()
    this.bytes = position
  }

  add(batch: DiskBatch): void {
    this.live.set(batch.sequence, batch)
    this.liveBytes += batch.length
    const { sequence, offset, length, lane, enqueuedAtMs, count, countedBytes } = batch
    if (!this.sealed)
      this.#entries.push({ sequence, offset, length, lane, queuedAtMs: enqueuedAtMs, items: count, countedBytes })
  }

  remove(batch: DiskBatch): void {
    if (!this.live.delete(batch.sequence)) return
    this.liveBytes -= batch.length
    this.settledAtMs = performance.now()
  }

  /** Nothing is written to it any more; its index goes to its end. */
  async seal(sync: boolean): Promise<void> {
    this.sealed = true
    const entries = this.#entries
    this.#entries = []
    const footer = encodeFooter(this.salt, this.bytes, entries)
    try {
      await this.#file?.write(footer, 0, footer.length, this.bytes)
      if (sync) await this.#file?.datasync()
      this.bytes += footer.length
    } finally {
      await this.#closeIfIdle()
    }
  }

  /** After a failed write or sync: whatever the file holds past `bytes` does not count, and nothing more goes into it. */
  async abandon(): Promise<void> {
    this.sealed = true
    this.#entries = []
    await this.#closeIfIdle()
  }

  async read(offset: number, length: number): Promise<Buffer> {
    this.#readers++
    try {
      this.#file ??= await open(this.path, 'r')
      const buffer = Buffer.allocUnsafeSlow(length)
      const { bytesRead } = await this.#file.read(buffer, 0, length, offset)
      return buffer.subarray(0, bytesRead)
    } finally {
      this.#readers--
      if (this.sealed) await this.#closeIfIdle()
    }
  }

  async unlink(): Promise<void> {
    await this.#closeIfIdle()
    await rm(this.path, { force: true })
  }

  async close(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await file?.close()
  }

  async #closeIfIdle(): Promise<void> {
    if (this.#readers === 0) await this.close()
  }
}

/** What is left of `parts` when the first `written` bytes of them are written: a writev may be short. */
function after(parts: readonly Buffer[], written: number): Buffer[] {
  let skip = written
  const rest: Buffer[] = []
  for (const part of parts) {
    if (skip < part.length) rest.push(skip > 0 ? part.subarray(skip) : part)
    skip = Math.max(0, skip - part.length)
  }
  return rest
}
