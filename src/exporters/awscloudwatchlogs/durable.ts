// What a storage adds: the queue on disk, dead letters beside it, and a socket by which commands reach both.
//
//   <directory of this process>/   segments, acknowledgements, control.sock
//     dead-letters/                the same files for the letters

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ByteBudget } from '../../component/byte-budget.ts'
import type { ClaimedDirectory } from '../../component/storage.ts'
import { type DeadLetters, openDeadLetters } from '../../delivery/dead-letters.ts'
import { AdoptingQueue } from '../../delivery/adopting-queue.ts'
import { DiskQueue } from '../../delivery/disk-queue.ts'
import type { Queue } from '../../delivery/queue.ts'
import { type Control, openControl } from '../../listen/control.ts'
import type { Ledger, LedgerSnapshot } from '../../telemetry/ledger.ts'
import type { Logger } from '../../telemetry/logger.ts'
import type { Config } from './config.ts'
import { DeadLetterDesk, type Offer } from './dead-letter-desk.ts'
import { queueBound } from './delivery-options.ts'

/** Big enough for few files, small enough that space comes back soon (64 MiB could not free a small disk). */
export const SEGMENT_BYTES = 16 * 1_048_576
/** What waits is kept in memory too up to this, so that a queue that keeps up never reads the disk. */
const TAIL_BYTES = 32 * 1_048_576

/** Where the queue is kept on disk, and who hears if that fails for good. */
export interface Storage {
  readonly directory: ClaimedDirectory
  readonly fatal: (error: Error) => void
}

export interface DurableSettings {
  readonly config: Config
  readonly budget: ByteBudget
  readonly logger: Logger
}

/** The queue and the letters of one directory; nothing is read before `Delivery.start` asks the queue to recover. */
export class Durable {
  readonly queue: Queue
  /** The part of the queue that is this process's own. */
  readonly disk: DiskQueue
  readonly letters: DeadLetters
  readonly #directory: ClaimedDirectory
  #control: Control | undefined

  private constructor(queue: Queue, disk: DiskQueue, letters: DeadLetters, directory: ClaimedDirectory) {
    this.queue = queue
    this.disk = disk
    this.letters = letters
    this.#directory = directory
  }

  /** @throws ComponentError for files of a later release; file system errors */
  static async open(
    { directory, fatal }: Storage,
    ledger: Ledger,
    { config, budget, logger }: DurableSettings,
  ): Promise<Durable> {
    const bound = queueBound(config)
    const { fsync } = directory
    const capacityBytes =
      bound?.unit === 'bytes' ? Math.min(bound.most, directory.capacityBytes) : directory.capacityBytes
    const memoryBytes = Math.min(TAIL_BYTES, budget.capacity / 4)
    const diskOptions = { capacityBytes, segmentBytes: SEGMENT_BYTES, memoryBytes, fsync, bound }
    const own = new DiskQueue({ ...diskOptions, directory: directory.path }, ledgerOwner(ledger, fatal), budget, logger)
    const left = directory.left.map((one) => ({
      path: one.path,
      queue: new DiskQueue({ ...diskOptions, directory: one.path }, strangersOwner(ledger, fatal), budget, logger),
      release: () => one.release(),
    }))
    const queue = new AdoptingQueue(own, left, logger)
    const options = {
      directory: await lettersDirectory(directory.path),
      fsync,
      capacityBytes: config.dead_letters.max_size,
    }
    const letters = openDeadLetters(options, (records) => ledger.evict(records), fatal, budget, logger)
    await letters.open()
    return new Durable(queue, own, letters, directory)
  }

  /** Lets commands in, when there is somebody to take what they replay. */
  async answerCommands(offer: Offer): Promise<void> {
    const desk = new DeadLetterDesk(this.letters, offer)
    this.#control = await openControl(this.#directory.path, {
      'dead-letters.list': (query) => desk.list(query),
      'dead-letters.show': (query) => desk.show(query),
      'dead-letters.replay': (query) => desk.replay(query),
    })
  }

  async refuseCommands(): Promise<void> {
    await this.#control?.close()
    this.#control = undefined
  }

  /** After the queue was closed by its delivery. */
  async close(): Promise<void> {
    await this.letters.close()
    await this.#directory.release()
  }
}

/** The settled side of a ledger is kept with the acknowledgements, so that it balances after a kill. */
export function ledgerOwner(ledger: Ledger, fatal: (error: Error) => void) {
  return {
    counters: () => ({ ...ledger.snapshot() }),
    restore: (counters: Partial<LedgerSnapshot>) => ledger.restore(counters),
    lost: (records: number) => ledger.recoverLost(records),
    fatal,
  }
}

/** What another process counted stays its own account; here its records count as received from now on. */
function strangersOwner(ledger: Ledger, fatal: (error: Error) => void) {
  let kept: Readonly<Record<string, unknown>> = {}
  return {
    counters: () => kept,
    restore(counters: Readonly<Record<string, unknown>>) {
      kept = counters
    },
    lost: (records: number) => ledger.recoverLost(records),
    fatal,
  }
}

export async function lettersDirectory(path: string): Promise<string> {
  const letters = join(path, 'dead-letters')
  await mkdir(letters, { recursive: true, mode: 0o700 })
  return letters
}
