import { createHash } from 'node:crypto'
import { appendFile, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Journal } from '../store/account.ts'
import type { Batch, LogGroup, LogStream } from '../store/store.ts'

// A directory per group with `group.json`, and in it a file per stream: JSON lines, the first about the stream, then one
// a put. Survives the end of the process, kill -9 included; it is not synced, so not a power failure.

export const GROUP_FILE = 'group.json'
export const STREAM_SUFFIX = '.jsonl'
/** A file is written anew once this much of it, and half of it, was evicted. */
const MIN_DEAD_BYTES = 64 * 1024

/** A name as a file name: readable, and distinct however long and odd it is. */
export function fileName(name: string): string {
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 16)
  return `${name.replaceAll(/[^A-Za-z0-9_-]/g, '_').slice(0, 80)}-${hash}`
}

interface StreamFile {
  readonly path: string
  /** Of the last put that is in the file. */
  lastSequence: number
  /** Counted bytes of the puts in the file, and of those among them that were evicted. */
  written: number
  dead: number
  /** The last line may be incomplete: the next one starts on a line of its own. */
  torn: boolean
  rewriting: boolean
}

/** Keeps what the store holds in files. One change is written at a time, in the order of the changes. */
export class DirectoryJournal implements Journal {
  readonly #root: string
  readonly #files = new Map<LogStream, StreamFile>()
  readonly #onFailure: (error: unknown) => void
  #last: Promise<void> = Promise.resolve()

  /** @param onFailure told of what fails when nobody waits: the rewriting of a file; it is tried again later */
  constructor(root: string, onFailure: (error: unknown) => void) {
    this.#root = root
    this.#onFailure = onFailure
  }

  groupChanged(group: LogGroup): Promise<void> {
    return this.#inTurn(async () => {
      const { name, creationTime, logGroupClass, kmsKeyId, deletionProtectionEnabled, retentionInDays } = group
      const tags = Object.fromEntries(group.tags)
      const text = { name, creationTime, logGroupClass, kmsKeyId, deletionProtectionEnabled, retentionInDays, tags }
      await mkdir(this.#directoryOf(group), { recursive: true })
      await replace(join(this.#directoryOf(group), GROUP_FILE), `${JSON.stringify(text, undefined, 2)}\n`)
    })
  }

  groupDeleted(group: LogGroup): Promise<void> {
    for (const stream of group.streams.values()) this.#files.delete(stream)
    return this.#inTurn(() => rm(this.#directoryOf(group), { recursive: true, force: true }))
  }

  streamCreated(stream: LogStream): Promise<void> {
    const { path } = this.adopt(stream)
    return this.#inTurn(() => writeFile(path, header(stream)))
  }

  streamDeleted(stream: LogStream): Promise<void> {
    const path = this.#files.get(stream)?.path
    this.#files.delete(stream)
    return this.#inTurn(async () => {
      if (path !== undefined) await rm(path, { force: true })
    })
  }

  appended(batch: Batch): Promise<void> {
    return this.#inTurn(async () => {
      const file = this.#files.get(batch.stream)
      if (file === undefined || batch.firstSequence <= file.lastSequence) return // deleted, or written by a rewrite
      try {
        await appendFile(file.path, (file.torn ? '\n' : '') + line(batch))
      } catch (error) {
        file.torn = true
        throw error
      }
      file.torn = false
      file.lastSequence = batch.firstSequence
      file.written += batch.bytes
    })
  }

  evicted(batch: Batch): void {
    const file = this.#files.get(batch.stream)
    if (file === undefined) return
    file.dead += batch.bytes
    const mostlyDead = file.dead >= MIN_DEAD_BYTES && file.dead * 2 > file.written
    if (file.rewriting || !(mostlyDead || batch.stream.batches.length === 0)) return
    file.rewriting = true
    this.#inTurn(() => rewrite(batch.stream, file)).catch(this.#onFailure)
  }

  /** Knows of a stream's file from here on; what is in it is told with `found`. */
  adopt(stream: LogStream): StreamFile {
    const path = join(this.#directoryOf(stream.group), fileName(stream.name) + STREAM_SUFFIX)
    const file = { path, lastSequence: 0, written: 0, dead: 0, torn: false, rewriting: false }
    this.#files.set(stream, file)
    return file
  }

  /** Resolves once everything that was asked for before is written, or has failed. */
  settled(): Promise<void> {
    return this.#last
  }

  #directoryOf(group: LogGroup): string {
    return join(this.#root, fileName(group.name))
  }

  #inTurn(write: () => Promise<void>): Promise<void> {
    const written = this.#last.then(write)
    // Whoever asked hears of a failure; the next change is written all the same.
    this.#last = written.catch(() => {})
    return written
  }
}

function header({ name, creationTime }: LogStream): string {
  return `${JSON.stringify({ logStreamName: name, creationTime })}\n`
}

function line({ ingestionTime, firstSequence, events }: Batch): string {
  return `${JSON.stringify({ ingestionTime, firstSequence, events })}\n`
}

/** Leaves only what is still stored. Includes puts whose own turn to be written comes later. */
async function rewrite(stream: LogStream, file: StreamFile): Promise<void> {
  file.rewriting = false
  const batches = [...stream.batches]
  await replace(file.path, header(stream) + batches.map(line).join(''))
  file.torn = false
  file.dead = 0
  file.written = batches.reduce((sum, batch) => sum + batch.bytes, 0)
  file.lastSequence = batches.at(-1)?.firstSequence ?? file.lastSequence
}

/** All of the new text or all of the old: a crash between leaves no half of it. */
async function replace(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text)
  await rename(`${path}.new`, path)
}
