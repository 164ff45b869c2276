// What processes left on disk that did not come back, taken over by one that runs.
//
//   every 30 s: a directory that nobody holds ─▶ records  ─▶ lanes of the running delivery; let go when the last is settled
//                                             ├▶ counters ─▶ own account, once
//                                             └▶ letters  ─▶ own store, one after another
//
// Whoever gets the lock of a directory has it alone, so it does not matter who else looks, starts or ends meanwhile.

import type { AbandonedDirectory } from '../../component/storage.ts'
import { describeError } from '../../telemetry/describe-error.ts'
import type { Logger } from '../../telemetry/logger.ts'
import type { AdoptingQueue, AbandonedQueue } from './adopting-queue.ts'
import type { DeadLetters } from '../dead-letters/dead-letters.ts'
import type { DiskQueue, DiskQueueOwner } from '../queue/disk/disk-queue.ts'
import type { Counters } from '../queue/disk/format/journal-format.ts'
import { type MovedAccount, moveLetters } from '../dead-letters/move-letters.ts'
import type { PageReader, PagedOut, RecoveredBatch } from '../contract/queue.ts'

/** A look costs the listing of a few directories; records of a dead process are late by so much. */
export const LOOK_EVERY_MS = 30_000
/** What could not be taken over whole is left in peace for so long. */
const AGAIN_AFTER_MS = 600_000
/** Queues of others held at once; each has timers and an index in memory. The rest waits until one of them is empty. */
const MAX_AT_ONCE = 16

/** Whose counters are kept beside a queue; who hears of a disk that fails for good is always the same. */
export type CountersOwner = Omit<DiskQueueOwner, 'fatal'>

export interface AdoptionAccount extends MovedAccount {
  /** Adds what a process counted. Resolves when the sum is on disk. */
  merge(counters: Counters): Promise<void>
}

export interface AdoptionOptions {
  /** The next directory that nobody holds and something is left in, held from then on. */
  readonly nextAbandoned: (except: ReadonlySet<string>) => Promise<AbandonedDirectory | undefined>
  readonly openQueue: (directory: string, counters: CountersOwner) => DiskQueue
  readonly openLetters: (directory: string) => Promise<DeadLetters>
  readonly queue: AdoptingQueue
  readonly letters: DeadLetters
  readonly account: AdoptionAccount
  /** Has the batches sent. */
  readonly takeUp: TakeUp
  /** Has those sent that get their batches later. */
  readonly reader: PageReader
}

/** @param pagedOut what waits beside these batches, by lane */
export type TakeUp = (found: readonly RecoveredBatch[], pagedOut: PagedOut['lanes']) => void

export class Adoption {
  readonly #options: AdoptionOptions
  readonly #logger: Logger
  /** Directories not to be asked for before this time (performance.now(), ms): those that are held, and those to leave in peace. */
  readonly #notBefore = new Map<string, number>()
  readonly #toldOf = new Set<string>()
  readonly #closing = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> = Promise.resolve()

  constructor(options: AdoptionOptions, logger: Logger) {
    this.#options = options
    this.#logger = logger
  }

  /** Looks now, and every so often from then on. */
  start(): void {
    this.#looking = this.#look()
  }

  /** Begins nothing more. What was taken over stays with the queue; a letter that is being moved is moved. */
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
      this.#logger.warn('what other processes left could not be looked for', { error: describeError(error) })
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
    const { openQueue, queue: adopting, account, takeUp, reader } = this.#options
    const { path } = directory
    this.#notBefore.set(path, Number.POSITIVE_INFINITY)
    const letGo = async (whole: boolean) => {
      await directory.release()
      if (whole) this.#notBefore.delete(path)
      else this.#notBefore.set(path, performance.now() + AGAIN_AFTER_MS)
    }
    let counters: Counters = {}
    const restore = (counted: Counters) => {
      counters = counted
    }
    const queue = openQueue(path, { counters: () => counters, restore, lost: (items) => account.lost(items) })
    let letters: Promise<boolean> | undefined
    const left: AbandonedQueue = { path, queue, release: async () => letGo((await letters) ?? true) }
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
      // A later version wrote it: no reason to stop, and nothing of it is changed.
      this.#tell(path, 'the queue of another process cannot be taken up, and is left where it is', describeError(error))
      await queue.close()
      return letGo(false)
    }
    this.#logger.info('took up the queue of a process that did not come back', {
      directory: path,
      batches: found.length + queue.pagedOut.records,
    })
    // The left journal says zero before the own one says the sum. A crash in those milliseconds leaves what was counted out
    // of every account, each of which balances; nothing is ever counted twice.
    const counted = counters
    restore({})
    if (await queue.keepCounters()) await account.merge(counted)
    else restore(counted)
    letters = this.#moveLetters(path)
    isAdopted = true
    // Before they can be settled.
    const pagedOut = new Map(queue.pagedOut.lanes)
    adopting.adopt(left, found)
    takeUp(found, pagedOut)
    await letters
  }

  /** @returns false if some stayed; never rejects */
  async #moveLetters(path: string): Promise<boolean> {
    const { openLetters, letters: own, account } = this.#options
    try {
      const left = await openLetters(path)
      const { count, lostItems } = left
      if (lostItems > 0) account.lost(lostItems)
      const stayed = await moveLetters(left, own, account, this.#closing.signal)
      const rest = left.count
      await left.close()
      if (count > rest)
        this.#logger.info('took over dead letters of that process', { directory: path, letters: count - rest })
      if (stayed === undefined) return true
      if (!this.#closing.signal.aborted)
        this.#tell(path, 'dead letters of another process are left where they are', stayed, { letters: rest })
    } catch (error) {
      this.#tell(path, 'dead letters of another process cannot be taken over', describeError(error))
    }
    return false
  }

  /** Once for each directory: the next try meets the same. */
  #tell(path: string, message: string, error: string, fields: Readonly<Record<string, unknown>> = {}): void {
    if (this.#toldOf.has(path)) return
    this.#toldOf.add(path)
    this.#logger.error(message, { directory: path, error, ...fields })
  }
}
