// Which items of which batches are done, and the counters that go with it. A journal of its own beside the segments: so an
// acknowledgement never goes with the segment that happened to be written when it came.
//
//   acknowledgements-0000000003.log      | length u32 | crc u32 | JSON | … |
//   JSON   { "done": [sequence, …], "parts": [[sequence, from, to], …], "counters": {…} }
//
// Written at the latest 100 ms after the answer, synced within a second. When most of it speaks of segments that are gone,
// what still counts is written into the next file, and the old one goes. A journal that is lost means doubles, not losses.

import { open, readdir, readFile, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { syncDirectory } from './sync-directory.ts'

/** An answer is on its way to the disk by then; a crash repeats no more than what came since. */
const WRITE_AFTER_MS = 100
const SYNC_AFTER_MS = 1_000
/** A journal beyond this is written anew, with what still counts. */
const COMPACT_BYTES = 4 * 1_048_576
const ENTRY_HEADER_BYTES = 8
const NAME = /^acknowledgements-(\d{10})\.log$/

export type Counters = Readonly<Record<string, unknown>>

/** What a journal says: batches that are done, ranges of others that are, and the last counters. */
export interface Acknowledged {
  readonly done: ReadonlySet<number>
  readonly parts: ReadonlyMap<number, readonly (readonly [from: number, to: number])[]>
  readonly counters: Counters | undefined
}

interface Entry {
  readonly done: readonly number[]
  readonly parts: readonly (readonly [sequence: number, from: number, to: number])[]
  readonly counters: Counters
}

export interface JournalSource {
  /** The counters as they stand now. */
  counters(): Counters
  /** Everything that still counts, for a new file. */
  live(): Pick<Entry, 'done' | 'parts'>
  failed(error: unknown): void
}

export class AcknowledgementJournal {
  readonly #directory: string
  readonly #source: JournalSource
  readonly #sync: boolean
  #file: FileHandle | undefined
  #number = 0
  #bytes = 0
  #done: number[] = []
  #parts: [number, number, number][] = []
  #dirty = false
  #timer: NodeJS.Timeout | undefined
  #syncedAtMs = 0
  #unsynced = false
  #writing: Promise<void> = Promise.resolve()
  #closed = false

  constructor(directory: string, source: JournalSource, sync: boolean) {
    this.#directory = directory
    this.#source = source
    this.#sync = sync
  }

  /** Reads what earlier processes wrote, whole entries only, and begins a file of its own. */
  async open(): Promise<Acknowledged> {
    const done = new Set<number>()
    const parts = new Map<number, (readonly [number, number])[]>()
    let counters: Counters | undefined
    for (const name of (await readdir(this.#directory)).filter((name) => NAME.test(name)).sort()) {
      this.#number = Number(NAME.exec(name)?.[1])
      for (const entry of entriesOf(await readFile(join(this.#directory, name)))) {
        for (const sequence of entry.done) done.add(sequence)
        for (const [sequence, from, to] of entry.parts)
          parts.set(sequence, [...(parts.get(sequence) ?? []), [from, to]])
        counters = entry.counters
      }
    }
    return { done, parts, counters }
  }

  /** Begins a new file with what counts at this moment; the files before it go. */
  async begin(): Promise<void> {
    const old = (await readdir(this.#directory)).filter((name) => NAME.test(name))
    const number = this.#number + 1
    const name = `acknowledgements-${String(number).padStart(10, '0')}.log`
    const file = await open(join(this.#directory, name), 'wx', 0o600)
    const bytes = encode({ ...this.#source.live(), counters: this.#source.counters() })
    await file.write(bytes)
    await file.datasync()
    await syncDirectory(this.#directory)
    await this.#file?.close()
    this.#file = file
    this.#number = number
    this.#bytes = bytes.length
    for (const earlier of old) await rm(join(this.#directory, earlier), { force: true })
  }

  done(sequence: number): void {
    this.#done.push(sequence)
    this.touch()
  }

  part(sequence: number, from: number, to: number): void {
    this.#parts.push([sequence, from, to])
    this.touch()
  }

  /** The counters changed. */
  touch(): void {
    this.#dirty = true
    if (!this.#closed) this.#timer ??= setTimeout(() => this.#tick(), WRITE_AFTER_MS)
  }

  /** Everything said so far is written when it resolves (and synced, if wanted). */
  async flush(sync: boolean): Promise<void> {
    this.#writing = this.#writing.then(() => this.#write(sync))
    await this.#writing
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#timer = undefined
    await this.flush(true)
    await this.#file?.close()
    this.#file = undefined
  }

  #tick(): void {
    this.#timer = undefined
    const due = performance.now() - this.#syncedAtMs >= SYNC_AFTER_MS
    void this.flush(due).then(() => {
      if (this.#unsynced && !this.#closed) this.#timer ??= setTimeout(() => this.#tick(), SYNC_AFTER_MS)
    })
  }

  async #write(sync: boolean): Promise<void> {
    const entry: Entry = { done: this.#done, parts: this.#parts, counters: this.#source.counters() }
    const wasDirty = this.#dirty
    this.#done = []
    this.#parts = []
    this.#dirty = false
    try {
      if (wasDirty) {
        if (this.#bytes > COMPACT_BYTES) await this.begin()
        else await this.#append(encode(entry))
        this.#unsynced = true
      }
      if (sync && this.#unsynced && this.#sync) await this.#file?.datasync()
      if (sync) {
        this.#syncedAtMs = performance.now()
        this.#unsynced = false
      }
    } catch (error) {
      // They stay to be written: what cannot be acknowledged on disk is repeated after a crash, and not lost.
      this.#done = [...entry.done, ...this.#done]
      this.#parts = [...(entry.parts as [number, number, number][]), ...this.#parts]
      this.#dirty = true
      this.#source.failed(error)
    }
  }

  async #append(bytes: Buffer): Promise<void> {
    // At a place of our own: what a full disk cut off is written over, and does not hide what comes behind it.
    await this.#file?.write(bytes, 0, bytes.length, this.#bytes)
    this.#bytes += bytes.length
  }
}

function encode(entry: Entry): Buffer {
  const json = Buffer.from(JSON.stringify(entry))
  const bytes = Buffer.allocUnsafe(ENTRY_HEADER_BYTES + json.length)
  bytes.writeUInt32LE(json.length, 0)
  bytes.writeUInt32LE(crc32(json), 4)
  json.copy(bytes, ENTRY_HEADER_BYTES)
  return bytes
}

/** Whole entries from the beginning; what comes behind a damaged one is not believed. */
function entriesOf(bytes: Buffer): Entry[] {
  const entries: Entry[] = []
  let at = 0
  while (at + ENTRY_HEADER_BYTES <= bytes.length) {
    const end = at + ENTRY_HEADER_BYTES + bytes.readUInt32LE(at)
    if (end > bytes.length) break
    const json = bytes.subarray(at + ENTRY_HEADER_BYTES, end)
    if (crc32(json) !== bytes.readUInt32LE(at + 4)) break
    entries.push(JSON.parse(json.toString()) as Entry)
    at = end
  }
  return entries
}
