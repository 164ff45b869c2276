// A running process adopts the queues that stopped processes left on disk.
//
//   every 30 s: an unlocked directory ─▶ records  ─▶ lanes of the running delivery; released when the last is settled
//                                     ├▶ counters ─▶ own ledger, once
//                                     └▶ letters  ─▶ own store, one by one
//
// The lock of a directory is exclusive, so other processes may look, start or end at the same time.

import type { AbandonedDirectory } from '../../component/storage.ts'
import { describeError } from '../../telemetry/describe-error.ts'
import type { Logger } from '../../telemetry/logger.ts'
import type { AdoptingQueue, AbandonedQueue } from './adopting-queue.ts'
import type { DeadLetters } from '../dead-letters/dead-letters.ts'
import type { DiskQueue, DiskQueueOwner } from '../queue/disk/disk-queue.ts'
import type { Counters } from '../queue/disk/format/journal-format.ts'
import { type MovedLetters, moveLetters } from '../dead-letters/move-letters.ts'
import type { PageReader, PagedOut, RecoveredBatch } from '../contract/queue.ts'

/** Interval of looking for directories: costs listing a few of them, and delays the records of a stopped process. */
export const LOOK_EVERY_MS = 30_000
/** Delay before a directory that could not be fully adopted is tried again. */
const AGAIN_AFTER_MS = 600_000
/** Maximum adopted queues at once: each has timers and an index in memory. The others wait until one is empty. */
const MAX_AT_ONCE = 16

/** The owner of the counters kept with a queue. `fatal` is left out: it is the same for all queues. */
export type CountersOwner = Omit<DiskQueueOwner, 'fatal'>

export interface AdoptionLedger extends MovedLetters {
  /** Adds the counters of a process. Resolves when the sum is on disk. */
  merge(counters: Counters): Promise<void>
}

export interface AdoptionOptions {
  /** Locks and returns the next unlocked directory with records left in it. */
  readonly nextAbandoned: (except: ReadonlySet<string>) => Promise<AbandonedDirectory | undefined>
  readonly openQueue: (directory: string, counters: CountersOwner) => DiskQueue
  readonly openLetters: (directory: string) => Promise<DeadLetters>
  readonly queue: AdoptingQueue
  readonly letters: DeadLetters
  readonly ledger: AdoptionLedger
  /** Passes recovered batches to the delivery. */
  readonly addRecovered: AddRecovered
  /** Passes batches that are paged in later to the delivery. */
  readonly reader: PageReader
}

/** @param pagedOut records that wait in addition to these batches, by lane */
export type AddRecovered = (found: readonly RecoveredBatch[], pagedOut: PagedOut['lanes']) => void

export class Adoption {
  readonly #options: AdoptionOptions
  readonly #logger: Logger
  /** Directories to skip before this time (performance.now(), ms): the adopted ones, and those that failed. */
  readonly #notBefore = new Map<string, number>()
  readonly #reported = new Set<string>()
  readonly #closing = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> = Promise.resolve()

  constructor(options: AdoptionOptions, logger: Logger) {
    this.#options = options
    this.#logger = logger
  }

  /** Looks for directories now and then every `LOOK_EVERY_MS`. */
  start(): void {
    this.#looking = this.#look()
  }

  /** Stops adopting. Adopted batches stay with the queue; the move of a letter in progress is finished. */
  async close(): Promise<void> {
    this.#closing.abort()
    clearTimeout(this.#timer)
    await this.#looking
  }

  async #look(): Promise<void> {
    const { nextAbandoned, queue } = this.#options
    try {
      while (!this.#closing.signal.aborted && queue.adopted < MAX_AT_ONCE) {
        const left = await nextAbandoned(this.#except())
        if (left === undefined) break
        await this.#adopt(left)
      }
    } catch (error) {
      this.#logger.warn('cannot look for queues of stopped processes', { error: describeError(error) })
    }
    if (this.#closing.signal.aborted) return
    this.#timer = setTimeout(() => this.start(), LOOK_EVERY_MS).unref()
  }

  #except(): ReadonlySet<string> {
    const now = performance.now()
    for (const [path, atMs] of this.#notBefore) if (atMs <= now) this.#notBefore.delete(path)
    return new Set(this.#notBefore.keys())
  }

  async #adopt(directory: AbandonedDirectory): Promise<void> {
    const { openQueue, queue: adopting, ledger, addRecovered, reader } = this.#options
    const { path } = directory
    this.#notBefore.set(path, Number.POSITIVE_INFINITY)
    const release = async (whole: boolean) => {
      await directory.release()
      if (whole) this.#notBefore.delete(path)
      else this.#notBefore.set(path, performance.now() + AGAIN_AFTER_MS)
    }
    let counters: Counters = {}
    const restore = (counted: Counters) => {
      counters = counted
    }
    const queue = openQueue(path, { counters: () => counters, restore, lost: (items) => ledger.lost(items) })
    let letters: Promise<boolean> | undefined
    const left: AbandonedQueue = { path, queue, release: async () => release((await letters) ?? true) }
    const found: RecoveredBatch[] = []
    let isAdopted = false
    const take = (more: readonly RecoveredBatch[]) => {
      if (!isAdopted) return void found.push(...more)
      adopting.pagedIn(left, more)
      reader.take(more)
    }
    const lost = (items: number) => {
      reader.lost(items)
      adopting.endIfDone(left)
    }
    try {
      found.push(...(await queue.recover({ ...reader, take, lost })))
    } catch (error) {
      // For example, a later version wrote it. This process continues, and leaves the directory unchanged.
      this.#report(path, 'cannot adopt the queue of a stopped process: left in place', describeError(error))
      await queue.close()
      return release(false)
    }
    this.#logger.info('adopted the queue of a stopped process', {
      directory: path,
      batches: found.length + queue.pagedOut.records,
    })
    // Counters are cleared in the adopted journal before they are added to the own one. After a crash between the two, the
    // counts are in no ledger, and each ledger still balances; nothing is ever counted twice.
    const counted = counters
    restore({})
    if (await queue.keepCounters()) await ledger.merge(counted)
    else restore(counted)
    letters = this.#moveLetters(path)
    isAdopted = true
    // Copied before the records can be settled.
    const pagedOut = new Map(queue.pagedOut.lanes)
    adopting.adopt(left, found)
    addRecovered(found, pagedOut)
    await letters
  }

  /** @returns false if some stayed; never rejects */
  async #moveLetters(path: string): Promise<boolean> {
    const { openLetters, letters: own, ledger } = this.#options
    try {
      const left = await openLetters(path)
      const { count, lostItems } = left
      if (lostItems > 0) ledger.lost(lostItems)
      const stayed = await moveLetters(left, own, ledger, this.#closing.signal)
      const rest = left.count
      await left.close()
      if (count > rest)
        this.#logger.info('adopted the dead letters of a stopped process', { directory: path, letters: count - rest })
      if (stayed === undefined) return true
      if (!this.#closing.signal.aborted)
        this.#report(path, 'cannot adopt all dead letters of a stopped process: left in place', stayed, {
          letters: rest,
        })
    } catch (error) {
      this.#report(path, 'cannot adopt the dead letters of a stopped process', describeError(error))
    }
    return false
  }

  /** Logs an error once per directory: later attempts fail the same way. */
  #report(path: string, message: string, error: string, fields: Readonly<Record<string, unknown>> = {}): void {
    if (this.#reported.has(path)) return
    this.#reported.add(path)
    this.#logger.error(message, { directory: path, error, ...fields })
  }
}
