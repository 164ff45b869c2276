// Journal of settled items and batches, with the counters that belong to them. Separate from the segments, so that an
// acknowledgement is never removed with the segment that was being written when it arrived.
//
// Written at most 100 ms after the response, synced within a second. When it has grown to twice its live content, that is
// written to the next file, and the old one is removed. A lost journal means duplicates, not losses.

import { join } from 'node:path'
import { ComponentError } from '../../../component/component.ts'
import { crashPoint } from './files/crash-point.ts'
import { type Files, type OpenFile, withFile } from './files/files.ts'
import { rangesOf } from './format/id-ranges.ts'
import {
  Acknowledged,
  type Counters,
  decodeJournal,
  encodeEntries,
  JOURNAL_NAME,
  journalName,
  type JournalEntry,
  type PartDone,
} from './format/journal-format.ts'

/** Maximum delay before a settlement is written; a crash repeats only items settled after the last write. */
const WRITE_AFTER_MS = 100
const SYNC_AFTER_MS = 1_000
/** Minimum size of a journal before it is compacted. */
const COMPACT_BYTES = 4 * 1_048_576

export interface JournalOptions {
  readonly files: Files
  readonly directory: string
  readonly sync: boolean
  /** Default 4 MiB. */
  readonly compactBytes?: number
}

export interface JournalSource {
  /** Returns the current counters. */
  counters(): Counters
  /** Returns the last batch whose sender was answered. */
  answered(): number
  /** Returns all entries that are still needed, for a new file. */
  live(): Pick<JournalEntry, 'done' | 'parts'>
  /** Called once when writing begins to fail, and with undefined when it works again. */
  failing(error: unknown): void
}

export class AcknowledgementJournal {
  readonly #options: JournalOptions
  readonly #source: JournalSource
  #file: OpenFile | undefined
  #number = 0
  #bytes = 0
  #compactAt = 0
  #done: number[] = []
  #parts: PartDone[] = []
  #dirty = false
  #unsynced = false
  #failing = false
  #writeTimer: NodeJS.Timeout | undefined
  /** For a sync, and for a retry. It never delays a write. */
  #syncTimer: NodeJS.Timeout | undefined
  #syncedAtMs = 0
  #writing: Promise<boolean> = Promise.resolve(true)
  #closed = false

  constructor(options: JournalOptions, source: JournalSource) {
    this.#options = options
    this.#source = source
  }

  /** Reads the journals of earlier processes; see `readJournals`. */
  async read(): Promise<Acknowledged> {
    const { acknowledged, last } = await readJournals(this.#options.files, this.#options.directory)
    this.#number = last
    return acknowledged
  }

  /** Starts a new file. Ignores a full disk, because draining the queue makes room. */
  async start(): Promise<void> {
    this.#dirty = true
    await this.flush(true)
  }

  done(id: number): void {
    this.#done.push(id)
    this.touch()
  }

  part(id: number, from: number, to: number): void {
    this.#parts.push([id, from, to])
    this.touch()
  }

  /** Marks the counters as changed. */
  touch(): void {
    this.#dirty = true
    if (this.#closed || this.#failing) return
    this.#writeTimer ??= setTimeout(() => {
      this.#writeTimer = undefined
      void this.flush(performance.now() - this.#syncedAtMs >= SYNC_AFTER_MS)
    }, WRITE_AFTER_MS)
  }

  /** Resolves with true when everything so far is written (and synced, if requested); with false if it will be retried. */
  flush(sync: boolean): Promise<boolean> {
    this.#writing = this.#writing.then(() => this.#write(sync))
    return this.#writing
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#writeTimer)
    clearTimeout(this.#syncTimer)
    await this.flush(true)
    await this.#file?.close()
    this.#file = undefined
  }

  #syncLater(): void {
    if (this.#closed) return
    this.#syncTimer ??= setTimeout(() => {
      this.#syncTimer = undefined
      void this.flush(true)
    }, SYNC_AFTER_MS)
  }

  async #write(sync: boolean): Promise<boolean> {
    const done = this.#done
    const parts = this.#parts
    const wasDirty = this.#dirty
    this.#done = []
    this.#parts = []
    this.#dirty = false
    try {
      if (wasDirty) {
        if (this.#file === undefined || this.#bytes > this.#compactAt) await this.#begin()
        else await this.#append(this.#encode({ done: rangesOf(done), parts }))
        crashPoint('acknowledgement')
      }
      if (sync) await this.#syncFile()
      this.#fails(undefined)
      if (this.#unsynced) this.#syncLater()
      return true
    } catch (error) {
      // Keep them for the next write: unwritten acknowledgements cause repeats after a crash, not losses.
      this.#done = done.concat(this.#done)
      this.#parts = parts.concat(this.#parts)
      this.#dirty = true
      this.#fails(error)
      this.#syncLater()
      return false
    }
  }

  #encode(entry: Pick<JournalEntry, 'done' | 'parts'>): Buffer {
    return encodeEntries({ ...entry, answeredUpTo: this.#source.answered(), counters: this.#source.counters() })
  }

  /** Starts a new file with the live entries and removes the earlier files. */
  async #begin(): Promise<void> {
    const { files, directory } = this.#options
    const old = await this.#names()
    const path = join(directory, journalName(++this.#number))
    const file = await files.open(path, 'wx+')
    let bytes: Buffer
    try {
      bytes = this.#encode(this.#source.live())
      await file.write([bytes], 0)
      await file.sync()
      await files.syncDirectory(directory)
    } catch (error) {
      await file.close()
      await files.remove(path).catch(() => {})
      throw error
    }
    crashPoint('snapshot')
    await this.#file?.close()
    this.#file = file
    this.#bytes = bytes.length
    this.#compactAt = Math.max(this.#options.compactBytes ?? COMPACT_BYTES, 2 * bytes.length)
    this.#unsynced = false
    for (const earlier of old) await files.remove(join(directory, earlier))
  }

  async #append(bytes: Buffer): Promise<void> {
    // At an explicit position: an entry that a full disk cut off is overwritten, and does not hide later entries.
    await this.#file?.write([bytes], this.#bytes)
    this.#bytes += bytes.length
    this.#unsynced = this.#options.sync
  }

  async #syncFile(): Promise<void> {
    this.#syncedAtMs = performance.now()
    if (!this.#unsynced) return
    const file = this.#file
    try {
      await file?.sync()
      this.#unsynced = false
    } catch (error) {
      // Continue in a new file: a second sync of this one cannot be trusted.
      this.#file = undefined
      await file?.close()
      throw error
    }
  }

  #fails(error: unknown): void {
    const failing = error !== undefined
    if (failing !== this.#failing) this.#source.failing(error)
    this.#failing = failing
  }

  #names(): Promise<string[]> {
    return journalNames(this.#options.files, this.#options.directory)
  }
}

/**
 * Reads the journals of a directory without changing anything.
 * @returns their content, and the number of the last one
 * @throws ComponentError for a journal of a later version
 */
export async function readJournals(
  files: Files,
  directory: string,
): Promise<{ readonly acknowledged: Acknowledged; readonly last: number }> {
  const acknowledged = new Acknowledged()
  let last = 0
  for (const name of await journalNames(files, directory)) {
    const path = join(directory, name)
    last = Number(JOURNAL_NAME.exec(name)?.[1])
    const { newer, damaged } = decodeJournal(await readWhole(files, path), (entry) => acknowledged.take(entry))
    if (damaged) acknowledged.damaged.push(path)
    if (newer !== undefined)
      throw new ComponentError(
        `${path} has format version ${newer}, which this release cannot read: run the release that wrote it, or move the directory away`,
      )
  }
  return { acknowledged, last }
}

async function journalNames(files: Files, directory: string): Promise<string[]> {
  return (await files.list(directory)).filter((name) => JOURNAL_NAME.test(name)).sort()
}

function readWhole(files: Files, path: string): Promise<Buffer> {
  return withFile(files, path, async (file) => file.read(0, await file.size()))
}
