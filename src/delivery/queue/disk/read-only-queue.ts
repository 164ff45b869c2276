import { setTimeout as sleep } from 'node:timers/promises'
import type { Retry } from '../../../accounting/outcome.ts'
import { silentLogger } from '../../../telemetry/logger.ts'
import { readJournals } from './acknowledgements.ts'
import { PagedOutTotals } from './paging/paged-out-totals.ts'
import { DiskBatch } from './segments/disk-batch.ts'
import { type Files, nodeFiles } from './files/files.ts'
import { Later, readBatch } from './reading/read-batch.ts'
import { recover } from './recovery/recover.ts'
import { readIndex } from './format/scan.ts'
import { Usage } from './segments/segment.ts'
import type { ItemBatch } from '../../contract/items.ts'
import { NOTHING_PAGED_OUT, type QueuedBatch, type Queue, type RecoveredBatch } from '../../contract/queue.ts'

/** Disables rename and remove, so that a recovery changes no files. */
const UNTOUCHED: Files = { ...nodeFiles, rename: async () => {}, remove: async () => {} }

/**
 * A read-only view of a queue on disk, for commands while the daemon is stopped: it writes, creates, moves and locks nothing,
 * and accepts no batches. It keeps loaded items only until `ready` returns.
 */
export class ReadOnlyQueue implements Queue {
  readonly #directory: string
  readonly #usage = new Usage()
  readonly #closing = new AbortController()
  /** Acknowledged items that are missing. */
  lostItems = 0

  /** @param directory a missing directory is an empty queue */
  constructor(directory: string) {
    this.#directory = directory
  }

  /** @throws ComponentError for a directory of a later version; file system errors */
  async recover(): Promise<readonly RecoveredBatch[]> {
    if (!(await exists(this.#directory))) return []
    const { acknowledged } = await readJournals(UNTOUCHED, this.#directory)
    const waiting = new PagedOutTotals(false)
    const found = await recover(UNTOUCHED, this.#directory, acknowledged, waiting, this.#usage, silentLogger)
    this.lostItems = found.lostItems
    const batches: RecoveredBatch[] = []
    for (const segment of found.segments)
      for (const entry of await readIndex(UNTOUCHED, segment.path)) {
        if (!segment.pagedOut.has(entry.sequence)) continue
        const batch = new DiskBatch(entry, segment, undefined)
        waiting.pageIn(batch)
        batches.push(batch.recovered)
      }
    return batches
  }

  load(batch: QueuedBatch, ready: () => void): void {
    if (!(batch instanceof DiskBatch)) throw new TypeError('a batch of another queue')
    void this.#read(batch).then((items) => {
      batch.items = items
      ready()
      batch.items = undefined
    })
  }

  async #read(batch: DiskBatch): Promise<ItemBatch | undefined> {
    const { signal } = this.#closing
    while (!signal.aborted) {
      const read = await readBatch(batch, { waitsMs: [], away: async () => false, logger: silentLogger })
      if (!(read instanceof Later)) return read
      // The sleep rejects early when the queue closes.
      await sleep(read.afterMs, undefined, { signal }).catch(() => undefined)
    }
    return undefined
  }

  async close(): Promise<void> {
    this.#closing.abort()
  }

  get usedBytes(): number {
    return this.#usage.bytes
  }

  get size(): number {
    return this.usedBytes
  }

  readonly pagedOut = NOTHING_PAGED_OUT
  readonly capacityBytes = 0
  readonly capacity = 0
  readonly fullness = 1

  share(): number {
    return 1
  }

  reserve(): Retry {
    return { kind: 'retry', cause: 'storage_failed', afterMs: 0, message: `${this.#directory} is open read-only` }
  }

  join(): undefined {}

  couldHold(): boolean {
    return false
  }

  settle(): void {
    throw new Error(`${this.#directory} is open read-only`)
  }
}

async function exists(directory: string): Promise<boolean> {
  try {
    await UNTOUCHED.list(directory)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}
