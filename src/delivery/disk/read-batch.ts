import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../../telemetry/logger.ts'
import type { ItemBatch } from '../items.ts'
import type { DiskBatch } from './disk-batch.ts'
import { decodePayload, recordAt } from './format.ts'

/** The bytes are not there any more, and waiting does not bring them back. Everything else (EMFILE, ENOMEM, …) passes. */
const LASTING: ReadonlySet<string | undefined> = new Set(['EIO', 'ENOENT', 'ENXIO', 'EUCLEAN', 'EBADMSG'])
const AGAIN_AFTER_MS = 1_000

/** @returns undefined for a record that is damaged, or if the signal aborts first */
export async function readBatch(batch: DiskBatch, signal: AbortSignal, logger: Logger): Promise<ItemBatch | undefined> {
  while (!signal.aborted && !batch.quarantined) {
    const { segment, offset, length, sequence } = batch
    try {
      const record = recordAt(await segment.read(offset, length), 0, segment.header.salt)
      const payload = record?.sequence === sequence ? decodePayload(record.payload) : undefined
      if (payload !== undefined) return payload.items
    } catch (error) {
      if (batch.segment !== segment) continue
      logger.error('a segment of the queue cannot be read', { file: segment.path, error })
      if (!LASTING.has((error as NodeJS.ErrnoException).code)) {
        // It ends early, with an error, when the queue closes; then nobody waits for the batch.
        await sleep(AGAIN_AFTER_MS, undefined, { signal }).catch(() => undefined)
        continue
      }
    }
    // It was moved while it was read.
    if (batch.segment !== segment) continue
    return undefined
  }
  return undefined
}
