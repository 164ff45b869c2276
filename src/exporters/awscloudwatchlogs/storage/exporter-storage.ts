// Parts of an exporter with storage: the queue on disk, dead letters, and a control socket for commands.
//
//   <directory of this process>/   segments, acknowledgements, control.sock
//     dead-letters/                the same files for the letters
//
// Queues and letters that other processes left in their directories are taken over.

import { AdoptingQueue } from '../../../delivery/adoption/adopting-queue.ts'
import {
  Adoption,
  type AdoptionLedger,
  type AdoptionOptions,
  type CountersOwner,
} from '../../../delivery/adoption/adoption.ts'
import type { DeadLetters } from '../../../delivery/dead-letters/dead-letters.ts'
import type { DiskQueue } from '../../../delivery/queue/disk/disk-queue.ts'
import type { Queue } from '../../../delivery/contract/queue.ts'
import { type Control, openControl } from '../../../listen/directory/control.ts'
import type { Ledger } from '../../../accounting/ledger.ts'
import type { Ledgers } from '../accounting/ledgers.ts'
import { LetterCommands, type Offer } from '../dead-letters/letter-commands.ts'
import { directoryOpener, type DirectoryOpener, type Storage, type StorageOptions } from './open-directory.ts'

interface Parts {
  readonly storage: Storage
  readonly options: StorageOptions
  readonly opener: DirectoryOpener
  readonly ledgers: Ledgers
  readonly disk: DiskQueue
  readonly letters: DeadLetters
}

/** The queue and the letters of one directory. Nothing of the queue is read before `Delivery.start` recovers it. */
export class ExporterStorage {
  readonly #parts: Parts
  readonly #queue: AdoptingQueue
  #adoption: Adoption | undefined
  #control: Control | undefined
  #letterCommands: LetterCommands | undefined

  private constructor(parts: Parts) {
    this.#parts = parts
    this.#queue = new AdoptingQueue(parts.disk, parts.options.logger)
  }

  /** @throws ComponentError for files of a later release; file system errors */
  static async open(storage: Storage, ledgers: Ledgers, options: StorageOptions): Promise<ExporterStorage> {
    const opener = directoryOpener(storage, options)
    const { path } = storage.directory
    const disk = opener.queue(path, countersOf(ledgers.ledger))
    const letters = await opener.letters(path, (letter) => ledgers.letterEvicted(letter))
    return new ExporterStorage({ storage, options, opener, ledgers, disk, letters })
  }

  get queue(): Queue {
    return this.#queue
  }

  /** This process's own part of the queue. */
  get disk(): DiskQueue {
    return this.#parts.disk
  }

  get letters(): DeadLetters {
    return this.#parts.letters
  }

  /** Accepts commands, once there is a delivery for replayed letters. */
  async answerCommands(offer: Offer): Promise<void> {
    const letterCommands = new LetterCommands(this.letters, offer)
    this.#letterCommands = letterCommands
    this.#control = await openControl(this.#parts.storage.directory.path, {
      'dead-letters.list': (query) => letterCommands.list(query),
      'dead-letters.show': (query) => letterCommands.show(query),
      'dead-letters.replay': (query) => letterCommands.replay(query),
    })
  }

  async refuseCommands(): Promise<void> {
    await Promise.all([this.#control?.close(), this.#letterCommands?.close()])
    this.#control = undefined
  }

  /** Takes over queues that other processes left, now and while this one runs. */
  startAdopting(delivery: Pick<AdoptionOptions, 'addRecovered' | 'reader'>): void {
    const { storage, options, opener, ledgers, disk, letters } = this.#parts
    this.#adoption = new Adoption(
      {
        nextAbandoned: (except) => storage.directory.nextAbandoned(except),
        openQueue: (path, counters) => opener.queue(path, counters),
        openLetters: (path) => opener.letters(path, () => {}),
        queue: this.#queue,
        letters,
        ledger: adoptionLedger(ledgers, disk),
        addRecovered: (found, pagedOut) => delivery.addRecovered(found, pagedOut),
        reader: delivery.reader,
      },
      options.logger,
    )
    this.#adoption.start()
  }

  /** Call before the queue is closed. */
  async stopAdopting(): Promise<void> {
    await this.#adoption?.close()
  }

  /** Call after the delivery has closed the queue. */
  async close(): Promise<void> {
    await this.letters.close()
    await this.#parts.storage.directory.release()
  }
}

/** The ledger's counters for storage with the acknowledgements, so that it balances after a kill. */
export function countersOf(ledger: Ledger): CountersOwner {
  return {
    counters: () => ({ ...ledger.snapshot() }),
    restore: (counters) => ledger.restore(counters),
    lost: (records) => ledger.recoverLost(records),
  }
}

/** Counts records taken over from another process, and stores the counters here. */
function adoptionLedger(ledgers: Ledgers, disk: DiskQueue): AdoptionLedger {
  const { ledger } = ledgers
  return {
    async merge(counters) {
      ledger.merge(counters)
      await disk.keepCounters()
    },
    moved(letter) {
      ledgers.letterAdopted(letter)
      disk.touch()
    },
    lost(records) {
      ledger.recoverLost(records)
      disk.touch()
    },
  }
}
