import { access, constants, mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Component, ComponentError, type ComponentSettings } from '../../component/component.ts'
import type { ClaimedDirectory, QueueStorage } from '../../component/storage.ts'
import type { Config } from './config.ts'
import { type Lock, lock } from './lock.ts'

/** What `max_size: 0` means. */
const DEFAULT_BYTES = 4 * 1024 ** 3
/** Directories of one owner: one for each process that ever ran beside another. */
const MOST_DIRECTORIES = 1_000

/** Keeps directories for queues: `<directory>/<owner>/0000`, one for each process, locked while it lives. */
export class FileStorageExtension implements Component, QueueStorage {
  readonly #settings: ComponentSettings<Config>
  readonly #claimed = new Set<Lock>()

  constructor(settings: ComponentSettings<Config>) {
    this.#settings = settings
  }

  async start(): Promise<void> {
    const { directory, create_directory: create, directory_permissions: permissions, fsync } = this.#settings.config
    if (create) await mkdir(directory, { recursive: true, mode: Number.parseInt(permissions, 8) })
    try {
      if (!(await stat(directory)).isDirectory())
        throw new ComponentError(`directory: ${directory} is not a directory: write one that is`)
      await access(directory, constants.R_OK | constants.W_OK | constants.X_OK)
    } catch (cause) {
      if (cause instanceof ComponentError) throw cause
      const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT'
      const mend = missing ? 'make it, or write create_directory: true' : 'let this user write it'
      throw new ComponentError(`directory: ${directory} ${missing ? 'does not exist' : 'cannot be written'}: ${mend}`, {
        cause,
      })
    }
    if (!fsync) this.#settings.logger.warn('fsync is false: a power loss may lose records that were acknowledged')
  }

  async claim(owner: string): Promise<ClaimedDirectory> {
    const { directory, directory_permissions: permissions, fsync, max_size: bytes } = this.#settings.config
    const mode = Number.parseInt(permissions, 8)
    const root = join(directory, owner.replaceAll('/', '_'))
    for (let number = 0; number < MOST_DIRECTORIES; number++) {
      const path = join(root, String(number).padStart(4, '0'))
      await mkdir(path, { recursive: true, mode })
      const held = await lock(path)
      if (held === undefined) continue
      this.#claimed.add(held)
      const release = async () => {
        this.#claimed.delete(held)
        await held.release()
      }
      return { path, fsync, capacityBytes: bytes === 0 ? DEFAULT_BYTES : bytes, release }
    }
    throw new ComponentError(`directory: all ${MOST_DIRECTORIES} directories in ${root} are held by other processes`)
  }

  async shutdown(): Promise<void> {
    for (const held of this.#claimed) await held.release()
    this.#claimed.clear()
  }
}
