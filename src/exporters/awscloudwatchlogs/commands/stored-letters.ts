// The dead letters of a stopped daemon: a command reads or opens its directory.

import { ByteBudget } from '../../../component/byte-budget.ts'
import { DeadLetters, openDeadLetters } from '../../../delivery/dead-letters/dead-letters.ts'
import { DiskQueue } from '../../../delivery/queue/disk/disk-queue.ts'
import { ReadOnlyQueue } from '../../../delivery/queue/disk/read-only-queue.ts'
import { Ledger } from '../../../accounting/ledger.ts'
import { silentLogger } from '../../../telemetry/logger.ts'
import { LetterCommands } from '../dead-letters/letter-commands.ts'
import { countersOf } from '../storage/exporter-storage.ts'
import { lettersDirectory, lettersPath, SEGMENT_BYTES } from '../storage/open-directory.ts'

/** Memory of a command; letters that do not fit together are read one after another. */
const BUDGET_BYTES = 256 * 1_048_576
/** The daemon enforces the bounds; a command only moves letters into the queue. */
const NO_BOUND_BYTES = Number.MAX_SAFE_INTEGER

export interface StoredLetters {
  readonly letterCommands: LetterCommands
  /** Events of missing or damaged letters. */
  readonly lostEvents: number
  close(): Promise<void>
}

/**
 * For `list` and `show`: changes nothing.
 * @param directory the directory of one exporter and process, which no process holds
 * @throws ComponentError for files of a later release; file system errors
 */
export async function lookAtStoredLetters(directory: string): Promise<StoredLetters> {
  const queue = new ReadOnlyQueue(lettersPath(directory))
  const letters = new DeadLetters(queue, () => {})
  await letters.open()
  const letterCommands = new LetterCommands(letters, async () => 'the letters are read-only')
  return { letterCommands, lostEvents: queue.lostItems, close: () => letters.close() }
}

/**
 * For `replay`: the daemon sends the queued events when it starts.
 * @param directory the directory of one exporter and process, locked by the caller
 * @throws ComponentError for files of a later release; file system errors
 */
export async function openStoredLetters(directory: string): Promise<StoredLetters> {
  const budget = new ByteBudget(BUDGET_BYTES)
  const ledger = new Ledger()
  const fatal = (error: Error) => {
    throw error
  }
  const options = {
    directory,
    capacityBytes: NO_BOUND_BYTES,
    segmentBytes: SEGMENT_BYTES,
    memoryBytes: 0,
    fsync: true,
    bound: undefined,
  }
  const queue = new DiskQueue(options, { ...countersOf(ledger), fatal }, budget, silentLogger)
  const lettersOptions = { directory: lettersPath(directory), fsync: true, capacityBytes: NO_BOUND_BYTES }
  const letters = openDeadLetters(lettersOptions, () => {}, fatal, budget, silentLogger)
  const close = async () => {
    await letters.close()
    await queue.close()
  }
  try {
    for (const { batch } of await queue.recover()) ledger.recover(batch.unsettled)
    ledger.recover(queue.pagedOut.items)
    await lettersDirectory(directory, true)
    await letters.open()
  } catch (error) {
    // An open queue would keep the process from ending.
    await close()
    throw error
  }
  ledger.recoverDeadLetters(letters.items)
  ledger.recoverLost(letters.lostItems)
  const letterCommands = new LetterCommands(
    letters,
    (_, lane, items) =>
      new Promise((resolve) => {
        const reserved = queue.reserve([{ lane, items }])
        if (reserved.kind === 'retry') return resolve(reserved.message)
        reserved.commit((stored) => {
          if ('kind' in stored) return resolve(stored.message)
          ledger.revive(items.count)
          resolve(undefined)
        })
      }),
  )
  return { letterCommands, lostEvents: letters.lostItems, close }
}
