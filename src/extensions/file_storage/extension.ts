import { access, constants, open, readdir, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { makeDirectory } from '../../delivery/queue/disk/files/make-directory.ts'
import { type Component, ComponentError, type ComponentSettings } from '../../component/component.ts'
import type { ClaimedDirectory, AbandonedDirectory, QueueStorage } from '../../component/storage.ts'
import type { Config } from './config.ts'
import { type Lock, lock } from '../../listen/directory/lock.ts'

/** Value of `max_size: 0`. */
const DEFAULT_BYTES = 4 * 1024 ** 3
/** Maximum directories of one owner, which needs one for each process that runs at the same time. */
const MAX_DIRECTORIES = 1_000

/** Written, synced and removed before a directory is used. */
const TRIAL = 'trial'
/** A full volume is still used: delivering its records makes room. */
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

  /** Takes over no directories while stopping: processes that stop at the same time leave theirs to their successors. */
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

  /** @returns a function that releases the lock; undefined if another process holds it */
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

/** @throws ComponentError if it is not a directory, or the system's error */
async function mustBeUsable(directory: string): Promise<void> {
  if (!(await stat(directory)).isDirectory())
    throw new ComponentError(`directory: ${directory} is not a directory: write a path that is`)
  await access(directory, constants.R_OK | constants.W_OK | constants.X_OK)
}

/** Returns the directory or its nearest existing ancestor, below which it will be created. */
async function nearestThere(directory: string): Promise<string> {
  for (let path = resolve(directory); ; path = dirname(path)) {
    const there = await stat(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' && dirname(path) !== path) return undefined
      throw error
    })
    if (there !== undefined) return path
  }
}

/** Returns whether a directory has waiting records or dead letters. */
async function holdsRecords(path: string): Promise<boolean> {
  return (await readdir(path, { recursive: true })).some((file) => file.endsWith('.segment'))
}

/** Writes a file, so that a failing disk is detected at start and not by the first sender. */
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
  const [what, fix] = WHAT_TO_DO.get(code) ?? ['cannot be used', 'find out why the system refuses it']
  return new ComponentError(`directory: ${directory} ${what}: ${fix}`, { cause })
}

const WHAT_TO_DO = new Map<string | undefined, readonly [what: string, fix: string]>([
  ['ENOENT', ['does not exist', 'create it, or write create_directory: true']],
  ['EACCES', ['is not writable', 'give this user write permission']],
  ['EPERM', ['is not writable', 'give this user write permission']],
  ['EROFS', ['is on a read-only file system', 'mount it writable, or write another directory']],
  ['EIO', ['is on a failing disk', 'replace the disk, or write another directory']],
  ['ENOTDIR', ['has a parent that is not a directory', 'write another directory']],
  ['EEXIST', ['is not a directory', 'write a path that is']],
  ['ENOSPC', ['is on a full disk', 'free space: not even a directory fits']],
])
