// Opens the files of this process's directory, and of those it takes over.

import { join } from 'node:path'
import type { ByteBudget } from '../../../component/byte-budget.ts'
import type { ClaimedDirectory } from '../../../component/storage.ts'
import type { CountersOwner } from '../../../delivery/adoption/adoption.ts'
import { type DeadLetters, type OnEvicted, openDeadLetters } from '../../../delivery/dead-letters/dead-letters.ts'
import { DiskQueue } from '../../../delivery/queue/disk/disk-queue.ts'
import { makeDirectory } from '../../../delivery/queue/disk/files/make-directory.ts'
import type { Logger } from '../../../telemetry/logger.ts'
import type { CloudWatchLogsSettings } from '../settings/resolve.ts'

/** Large enough for few files, small enough to free space soon (with 64 MiB a small disk could not be freed). */
export const SEGMENT_BYTES = 16 * 1_048_576
/** Maximum share of a small queue: a segment is freed as a whole, and one waiting record holds all of it. */
const SEGMENT_SHARE = 1 / 8
/** In smaller segments the headers and syncs would cost more than the records. */
const MIN_SEGMENT_BYTES = 65_536
/** Queued bytes also kept in memory, so that a queue that keeps up never reads the disk. */
const TAIL_BYTES = 32 * 1_048_576

/** The directory of the queue, and the callback for its permanent failure. */
export interface Storage {
  readonly directory: ClaimedDirectory
  readonly fatal: (error: Error) => void
}

export interface StorageOptions {
  readonly settings: Pick<CloudWatchLogsSettings, 'queueBound' | 'deadLettersBytes'>
  readonly budget: ByteBudget
  readonly logger: Logger
}

export interface DirectoryOpener {
  /** Nothing is read before `recover`. */
  queue(path: string, counters: CountersOwner): DiskQueue
  /** @throws ComponentError for files of a later release; file system errors */
  letters(path: string, onEvicted: OnEvicted): Promise<DeadLetters>
}

export function directoryOpener(
  { directory, fatal }: Storage,
  { settings, budget, logger }: StorageOptions,
): DirectoryOpener {
  const { queueBound: bound, deadLettersBytes } = settings
  const { fsync } = directory
  const capacityBytes =
    bound?.unit === 'bytes' ? Math.min(bound.most, directory.capacityBytes) : directory.capacityBytes
  const memoryBytes = Math.min(TAIL_BYTES, budget.capacity / 4)
  const segmentBytes = Math.max(MIN_SEGMENT_BYTES, Math.min(SEGMENT_BYTES, Math.floor(capacityBytes * SEGMENT_SHARE)))
  const options = { capacityBytes, segmentBytes, memoryBytes, fsync, bound }
  return {
    queue: (path, counters) => new DiskQueue({ ...options, directory: path }, { ...counters, fatal }, budget, logger),
    async letters(path, onEvicted) {
      const directory = await lettersDirectory(path, fsync)
      const lettersOptions = { directory, fsync, capacityBytes: deadLettersBytes }
      const letters = openDeadLetters(lettersOptions, onEvicted, fatal, budget, logger)
      await letters.open()
      return letters
    },
  }
}

/** The path of a directory's letters, if there are any. */
export function lettersPath(path: string): string {
  return join(path, 'dead-letters')
}

/** The same path; creates the directory if it is missing. */
export async function lettersDirectory(path: string, fsync: boolean): Promise<string> {
  const letters = lettersPath(path)
  await makeDirectory(letters, 0o700, fsync)
  return letters
}
