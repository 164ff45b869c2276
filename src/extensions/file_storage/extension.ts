import { access, constants, open, readdir, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { makeDirectory } from '../../delivery/queue/disk/files/make-directory.ts'
import { type Component, ComponentError, type ComponentSettings } from '../../component/component.ts'
import type { ClaimedDirectory, AbandonedDirectory, QueueStorage } from '../../component/storage.ts'
import type { Config } from './config.ts'
import { type Lock, lock } from '../../listen/directory/lock.ts'

/** What `max_size: 0` means. */
const DEFAULT_BYTES = 4 * 1024 ** 3
/** Directories of one owner: one for each process that ever ran beside another. */
const MAX_DIRECTORIES = 1_000

/** Written, synced and removed before a directory is used. */
const TRIAL = 'trial'
/** A volume without room is used all the same: what is on it is delivered, and makes room. */
const NO_ROOM: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT'])

/** Keeps directories for queues: `<directory>/<owner>/0000`, one for each process, locked while it lives. */
export class FileStorageExtension implements Component, QueueStorage {
  readonly #settings: ComponentSettings<Config>
  readonly #claimed = new Set<Lock>()
  #stopping = false

  constructor(settings: ComponentSettings<Config>) {
    this.#settings = settings
  }

  async check(): Promise<readonly string[]> {
    const { directory, create_directory: create } = this.#settings.config
    try {
      await mustBeUsable(create ? await nearestThere(directory) : directory)
    } catch (cause) {
      throw unusable(directory, cause)
    }
    return []
  }

  async start(): Promise<void> {
    const { directory, create_directory: create, fsync } = this.#settings.config
    try {
      if (create) await makeDirectory(directory, this.#mode, fsync)
      await mustBeUsable(directory)
    } catch (cause) {
      throw unusable(directory, cause)
    }
    if (!fsync) this.#settings.logger.warn('fsync is false: a power loss may lose records that were acknowledged')
  }

  async claim(owner: string): Promise<ClaimedDirectory> {
    const { directory, fsync, max_size: bytes } = this.#settings.config
    const root = join(directory, owner.replaceAll('/', '_'))
    try {
      await makeDirectory(root, this.#mode, fsync)
      for (let number = 0; number < MAX_DIRECTORIES; number++) {
        const path = join(root, String(number).padStart(4, '0'))
        await makeDirectory(path, this.#mode, fsync)
        const release = await this.#hold(path)
        if (release === undefined) continue
        await tryOut(join(path, TRIAL), fsync)
        return {
          path,
          fsync,
          capacityBytes: bytes === 0 ? DEFAULT_BYTES : bytes,
          nextAbandoned: (except) => this.#nextAbandoned(root, new Set([path, ...except])),
          release,
        }
      }
    } catch (cause) {
      throw unusable(root, cause)
    }
    throw new ComponentError(`directory: all ${MAX_DIRECTORIES} directories in ${root} are held by other processes`)
  }

  /** What others leave that stop together with this one is theirs: their successors go on with it. */
  pipelineReady(ready: boolean): void {
    this.#stopping = !ready
  }

  async shutdown(): Promise<void> {
    await Promise.all([...this.#claimed].map((held) => held.release()))
    this.#claimed.clear()
  }

  get #mode(): number {
    return Number.parseInt(this.#settings.config.directory_permissions, 8)
  }

  /** @returns how to let it go; undefined if another process holds it */
  async #hold(path: string): Promise<(() => Promise<void>) | undefined> {
    const held = await lock(path)
    if (held === undefined) return undefined
    this.#claimed.add(held)
    return async () => {
      if (this.#claimed.delete(held)) await held.release()
    }
  }

  async #nextAbandoned(root: string, except: ReadonlySet<string>): Promise<AbandonedDirectory | undefined> {
    try {
      for (const name of (await readdir(root)).filter((name) => /^\d{4}$/.test(name)).sort()) {
        const path = join(root, name)
        if (except.has(path) || !(await holdsRecords(path))) continue
        const release = this.#stopping ? undefined : await this.#hold(path)
        if (release === undefined) continue
        if (!this.#stopping) return { path, release }
        await release()
      }
      return undefined
    } catch (cause) {
      throw unusable(root, cause)
    }
  }
}

/** @throws ComponentError for what is no directory; else the system's error */
async function mustBeUsable(directory: string): Promise<void> {
  if (!(await stat(directory)).isDirectory())
    throw new ComponentError(`directory: ${directory} is not a directory: write one that is`)
  await access(directory, constants.R_OK | constants.W_OK | constants.X_OK)
}

/** The directory, or the first above it that is there: it is made below that one. */
async function nearestThere(directory: string): Promise<string> {
  for (let path = resolve(directory); ; path = dirname(path)) {
    const there = await stat(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' && dirname(path) !== path) return undefined
      throw error
    })
    if (there !== undefined) return path
  }
}

/** Waiting ones, or dead letters in the folder for those. */
async function holdsRecords(path: string): Promise<boolean> {
  return (await readdir(path, { recursive: true })).some((file) => file.endsWith('.segment'))
}

/** A disk that fails says so at the start, and not to the first sender. */
async function tryOut(file: string, fsync: boolean): Promise<void> {
  const handle = await open(file, 'w', 0o600)
  try {
    await handle.write('trial')
    if (fsync) await handle.datasync()
  } catch (error) {
    if (!NO_ROOM.has((error as NodeJS.ErrnoException).code)) throw error
  } finally {
    await handle.close()
    await rm(file)
  }
}

function unusable(directory: string, cause: unknown): ComponentError {
  if (cause instanceof ComponentError) return cause
  const { code } = cause as NodeJS.ErrnoException
  const [what, mend] = WHAT_TO_DO.get(code) ?? ['cannot be used', 'see why the system refuses it']
  return new ComponentError(`directory: ${directory} ${what}: ${mend}`, { cause })
}

const WHAT_TO_DO = new Map<string | undefined, readonly [what: string, mend: string]>([
  ['ENOENT', ['does not exist', 'make it, or write create_directory: true']],
  ['EACCES', ['cannot be written', 'let this user write it']],
  ['EPERM', ['cannot be written', 'let this user write it']],
  ['EROFS', ['is on a file system that is mounted read-only', 'mount it so that it can be written, or write another']],
  ['EIO', ['is on a disk that fails', 'replace the disk, or write another']],
  ['ENOTDIR', ['lies below something that is not a directory', 'write another']],
  ['EEXIST', ['is not a directory', 'write one that is']],
  ['ENOSPC', ['is on a full disk', 'make room: not even a directory fits']],
])
