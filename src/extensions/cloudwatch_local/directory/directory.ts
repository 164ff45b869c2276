import { createHash } from 'node:crypto'
import { appendFile, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Journal } from '../store/account.ts'
import type { Batch, LogGroup, LogStream } from '../store/store.ts'

// A directory per group with `group.json` and a file per stream: JSON lines, the first for the stream, then one per put. It
// survives the end of the process, including kill -9, but not a power failure, as it is not synced.

export const GROUP_FILE = 'group.json'
export const STREAM_SUFFIX = '.jsonl'
/** A file is rewritten once this much of it, and half of it, was evicted. */
const MIN_DEAD_BYTES = 64 * 1024

/** Returns a readable and unique file name for a name with any characters and length. */
export function fileName(name: string): string {
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 16)
  return `${name.replaceAll(/[^A-Za-z0-9_-]/g, '_').slice(0, 80)}-${hash}`
}

interface StreamFile {
  readonly path: string
  /** Sequence of the last put in the file. */
  lastSequence: number
  /** Counted bytes of all puts in the file, and of the evicted ones among them. */
  written: number
  dead: number
  /** The last line may be incomplete, so the next put starts a new line. */
  torn: boolean
  rewriting: boolean
}

/** Keeps the content of the store in files. Changes are written one at a time, in order. */
export class DirectoryJournal implements Journal {
  readonly #root: string
  readonly #files = new Map<LogStream, StreamFile>()
  readonly #onFailure: (error: unknown) => void
  #last: Promise<void> = Promise.resolve()

  /** @param onFailure called when rewriting a file fails, which no caller waits for; it is tried again later */
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

  /** Registers the file of a stream; the caller sets its counters from the content. */
  adopt(stream: LogStream): StreamFile {
    const path = join(this.#directoryOf(stream.group), fileName(stream.name) + STREAM_SUFFIX)
    const file = { path, lastSequence: 0, written: 0, dead: 0, torn: false, rewriting: false }
    this.#files.set(stream, file)
    return file
  }

  /** Resolves once all earlier changes are written or have failed. */
  settled(): Promise<void> {
    return this.#last
  }

  #directoryOf(group: LogGroup): string {
    return join(this.#root, fileName(group.name))
  }

  #inTurn(write: () => Promise<void>): Promise<void> {
    const written = this.#last.then(write)
    // The caller gets a failure; the next change is still written.
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

/** Keeps only what is still stored, including puts that are yet to be appended. */
async function rewrite(stream: LogStream, file: StreamFile): Promise<void> {
  file.rewriting = false
  const batches = [...stream.batches]
  await replace(file.path, header(stream) + batches.map(line).join(''))
  file.torn = false
  file.dead = 0
  file.written = batches.reduce((sum, batch) => sum + batch.bytes, 0)
  file.lastSequence = batches.at(-1)?.firstSequence ?? file.lastSequence
}

/** Replaces a file atomically: a crash leaves either the old or the new content. */
async function replace(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text)
  await rename(`${path}.new`, path)
}
