import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { type Files, nodeFiles, type OpenFile, withFile } from '../../../delivery/queue/disk/files/files.ts'
import { ENTRY_BYTES, secondsOf } from './key-table.ts'

// Keys on disk: files that are only appended to, and removed whole once their last key is too old. Keys expire in the order
// in which they came, so nothing is ever rewritten.
//
//   keys-00000001 = header, then records of 28 bytes: an entry and its CRC-32

const RECORD_BYTES = ENTRY_BYTES + 4
const HEADER = Buffer.alloc(RECORD_BYTES)
HEADER.write('otlp-cloudwatch keys 1\n')
const NAME = /^keys-(\d{8})$/
/** Keys in one file, 1.8 MB: read whole at start. */
const MAX_RECORDS = 65_536

interface Written {
  readonly path: string
  readonly records: number
  /** The latest time in it. */
  readonly seconds: number
}

/** Findings of a start. */
export interface KeysFound {
  /** Records whose checksum is wrong, or that are cut: the end of a file after a crash. */
  readonly damaged: number
  /** Files that are not of this version; they are left alone. */
  readonly foreign: readonly string[]
}

type Done = (failure: unknown) => void

interface Pending {
  readonly record: Buffer
  /** Undefined for a record whose sender has been answered that it is not kept yet. */
  readonly done: Done | undefined
}

export class KeyFiles {
  readonly #directory: string
  readonly #fsync: boolean
  readonly #maxKeys: number
  readonly #files: Files
  #written: Written[] = []
  #number = 0
  #file: OpenFile | undefined
  #path = ''
  #records = 0
  #seconds = 0
  #pending: Pending[] = []
  #work: Promise<void> | undefined
  #failure: unknown

  /** @param fsync false leaves durability to the file system */
  constructor(directory: string, fsync: boolean, maxKeys: number, files: Files = nodeFiles) {
    this.#directory = directory
    this.#fsync = fsync
    this.#maxKeys = maxKeys
    this.#files = files
  }

  /** Why the last write failed; undefined if it did not, or if what it left has been written since. */
  get failure(): unknown {
    return this.#failure
  }

  /** Reads what earlier processes wrote. @param entry called with each key, in the order of their arrival */
  async load(entry: (entry: Buffer) => void): Promise<KeysFound> {
    const names = (await this.#files.list(this.#directory)).filter((name) => NAME.test(name)).toSorted()
    const foreign: string[] = []
    let damaged = 0
    for (const name of names) {
      this.#number = Number(NAME.exec(name)?.[1])
      const path = join(this.#directory, name)
      const bytes = await withFile(this.#files, path, async (file) =>
        file.read(0, Math.min(await file.size(), MAX_FILE_BYTES)),
      )
      if (!bytes.subarray(0, RECORD_BYTES).equals(HEADER)) {
        // Cut by a crash at its first write, or a later version's.
        if (bytes.length >= RECORD_BYTES) foreign.push(path)
        else this.#written.push({ path, records: 0, seconds: 0 })
        continue
      }
      let records = 0
      let seconds = 0
      for (let at = RECORD_BYTES; at < bytes.length; at += RECORD_BYTES) {
        const read = at + RECORD_BYTES <= bytes.length ? bytes.subarray(at, at + ENTRY_BYTES) : undefined
        if (read === undefined || crc32(read) !== bytes.readUInt32LE(at + ENTRY_BYTES)) {
          damaged++
          continue
        }
        records++
        seconds = Math.max(seconds, secondsOf(read))
        entry(read)
      }
      this.#written.push({ path, records, seconds })
    }
    return { damaged, foreign }
  }

  /** Writes an entry. @param done called when it is on disk, or could not be written; it is tried again then */
  append(entry: Buffer, done: Done): void {
    const record = Buffer.allocUnsafeSlow(RECORD_BYTES)
    entry.copy(record)
    record.writeUInt32LE(crc32(entry), ENTRY_BYTES)
    this.#pending.push({ record, done })
    this.#start()
  }

  /** Tries again to write what could not be written. */
  retry(): void {
    if (this.#failure !== undefined) this.#start()
  }

  /** Removes files whose keys are all from before a time, or more than `maxKeys` ago. */
  async expire(seconds: number): Promise<void> {
    let later = this.#records
    const kept: Written[] = []
    const removed: Written[] = []
    for (const file of this.#written.toReversed()) {
      const isNeeded = later < this.#maxKeys && file.seconds >= seconds
      ;(isNeeded ? kept : removed).push(file)
      later += file.records
    }
    this.#written = kept.toReversed()
    for (const file of removed) {
      try {
        await this.#files.remove(file.path)
      } catch (error) {
        this.#written.unshift(file)
        throw error
      }
    }
  }

  /** Writes what is pending, and closes the file. */
  async close(): Promise<void> {
    this.#start()
    await this.#work
    await this.#file?.close()
    this.#file = undefined
  }

  #start(): void {
    if (this.#pending.length === 0) return
    this.#work ??= this.#writeAll()
  }

  /** Ends in the same turn as its last look at `#pending`, so that no record is left behind. */
  async #writeAll(): Promise<void> {
    while (this.#pending.length > 0) {
      const batch = this.#pending
      this.#pending = []
      try {
        await this.#write(batch.map(({ record }) => record))
      } catch (error) {
        return this.#putBack(batch, error)
      }
      this.#failure = undefined
      for (const { done } of batch) done?.(undefined)
    }
    this.#work = undefined
  }

  /** Keeps records that could not be written. Their senders are answered now, and try again. */
  async #putBack(batch: readonly Pending[], error: unknown): Promise<void> {
    await this.#giveUpFile()
    const waiting = [...batch, ...this.#pending]
    this.#pending = waiting.map(({ record }) => ({ record, done: undefined }))
    this.#failure = error
    this.#work = undefined
    for (const { done } of waiting) done?.(error)
  }

  async #write(records: readonly Buffer[]): Promise<void> {
    const isNew = this.#file === undefined
    this.#file ??= await this.#open()
    const parts = isNew ? [HEADER, ...records] : records
    await this.#file.write(parts, isNew ? 0 : (this.#records + 1) * RECORD_BYTES)
    if (this.#fsync) await this.#file.sync()
    if (isNew && this.#fsync) await this.#files.syncDirectory(this.#directory)
    this.#records += records.length
    for (const record of records) this.#seconds = Math.max(this.#seconds, secondsOf(record))
    if (this.#records >= MAX_RECORDS) await this.#giveUpFile()
  }

  async #open(): Promise<OpenFile> {
    this.#number++
    this.#records = 0
    this.#seconds = 0
    this.#path = join(this.#directory, `keys-${String(this.#number).padStart(8, '0')}`)
    return this.#files.open(this.#path, 'wx+')
  }

  /** Goes on in a new file. After a failed sync the system may take what it could not write for written. */
  async #giveUpFile(): Promise<void> {
    const file = this.#file
    if (file === undefined) return
    this.#file = undefined
    this.#written.push({ path: this.#path, records: this.#records, seconds: this.#seconds })
    this.#records = 0
    await file.close().catch(() => {}) // its records are written again, or were synced
  }
}

/** A file is filled by whole batches, which may go over the number of its records. */
const MAX_FILE_BYTES = 4 * MAX_RECORDS * RECORD_BYTES
