import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../../telemetry/logger.ts'
import type { ItemBatch } from '../items.ts'
import type { DiskBatch } from './disk-batch.ts'
import { decodePayload, recordAt } from './format.ts'

/** The bytes may be gone for good. Everything else (EMFILE, ENOMEM, …) passes. */
const LASTING: ReadonlySet<string | undefined> = new Set(['EIO', 'ENOENT', 'ENXIO', 'EUCLEAN', 'EBADMSG'])
const AGAIN_AFTER_MS = 1_000
/** Waits between tries, ms, before such bytes are given up: a volume that is away comes back, an error of a bus passes. */
export const WAITS_MS: readonly number[] = [1_000, 4_000, 15_000, 40_000]

export interface ReadOptions {
  readonly signal: AbortSignal
  readonly waitsMs: readonly number[]
  /** Whether the directory cannot be used at the moment: nothing in it is given up then. */
  readonly away: () => Promise<boolean>
  readonly logger: Logger
}

/** @returns undefined for a record that is damaged, or if the signal aborts first */
export async function readBatch(
  batch: DiskBatch,
  { signal, waitsMs, away, logger }: ReadOptions,
): Promise<ItemBatch | undefined> {
  let failures = 0
  while (!signal.aborted && !batch.quarantined) {
    const { segment, offset, length, sequence } = batch
    try {
      const record = recordAt(await segment.read(offset, length), 0, segment.header.salt)
      const payload = record?.sequence === sequence ? decodePayload(record.payload) : undefined
      if (payload !== undefined) return payload.items
    } catch (error) {
      if (batch.segment !== segment) continue
      logger.error('a segment of the queue cannot be read', { file: segment.path, error })
      const passes = !LASTING.has((error as NodeJS.ErrnoException).code) || (await away())
      const waitMs = passes ? AGAIN_AFTER_MS : waitsMs[failures++]
      if (waitMs !== undefined) {
        // It ends early, with an error, when the queue closes; then nobody waits for the batch.
        await sleep(waitMs, undefined, { signal }).catch(() => undefined)
        continue
      }
    }
    // It was moved while it was read.
    if (batch.segment !== segment) continue
    return undefined
  }
  return undefined
}
