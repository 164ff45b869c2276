import type { Logger } from '../../telemetry/logger.ts'
import type { ItemBatch } from '../items.ts'
import type { DiskBatch } from './disk-batch.ts'
import { decodePayload, recordAt } from './format.ts'

/** The bytes may be gone for good. Everything else (EMFILE, ENOMEM, …) passes. */
const LASTING: ReadonlySet<string | undefined> = new Set(['EIO', 'ENOENT', 'ENXIO', 'EUCLEAN', 'EBADMSG'])
const AGAIN_AFTER_MS = 1_000
/** Waits between tries, ms, before such bytes are given up: a volume that is away comes back, an error of a bus passes. */
export const WAITS_MS: readonly number[] = [1_000, 4_000, 15_000, 40_000]
/** So long a segment of which bytes were given up is not waited for again: all of it may be gone, record by record. */
const IMPATIENT_MS = 600_000

export interface ReadOptions {
  readonly waitsMs: readonly number[]
  /** Whether the directory cannot be used at the moment: nothing in it is given up then. */
  readonly away: () => Promise<boolean>
  readonly logger: Logger
}

/** It cannot be read now. */
export class Later {
  readonly afterMs: number

  constructor(afterMs: number) {
    this.afterMs = afterMs
  }
}

/** @returns undefined for a record that is damaged, or that nobody waits for any more */
export async function readBatch(batch: DiskBatch, options: ReadOptions): Promise<ItemBatch | Later | undefined> {
  for (;;) {
    const { segment, offset, length, sequence } = batch
    if (batch.unsettled === 0 || batch.quarantined) return undefined
    if (tooEarly(batch) > 0) return new Later(tooEarly(batch))
    try {
      const record = recordAt(await segment.read(offset, length), 0, segment.header.salt)
      const payload = record?.sequence === sequence ? decodePayload(record.payload) : undefined
      if (payload !== undefined) return payload.items
      if (batch.segment === segment) return undefined
    } catch (error) {
      if (batch.segment === segment && batch.unsettled > 0) return failed(batch, error, options)
    }
    // It was moved while it was read.
  }
}

async function failed(batch: DiskBatch, error: unknown, { waitsMs, away, logger }: ReadOptions) {
  const { segment } = batch
  logger.error('a segment of the queue cannot be read', { file: segment.path, error })
  segment.failedAtMs = performance.now()
  const passes = !LASTING.has((error as NodeJS.ErrnoException).code) || (await away())
  // Somebody else read it at the same time: that is one try.
  if (tooEarly(batch) > 0) return new Later(tooEarly(batch))
  const now = performance.now()
  const isKnown = now - segment.gaveUpAtMs < IMPATIENT_MS
  const waitMs = passes ? AGAIN_AFTER_MS : isKnown ? undefined : waitsMs[batch.failures++]
  if (waitMs === undefined) {
    segment.gaveUpAtMs = now
    return undefined
  }
  batch.readAgainAtMs = now + waitMs
  return new Later(waitMs)
}

/** ms until there is sense in another try. */
function tooEarly({ readAgainAtMs }: DiskBatch): number {
  return Math.max(0, readAgainAtMs - performance.now())
}
