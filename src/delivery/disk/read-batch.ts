import type { Logger } from '../../telemetry/logger.ts'
import type { ItemBatch } from '../items.ts'
import type { DiskBatch } from './disk-batch.ts'
import { decodePayload, recordAt } from './format.ts'
import type { Segment } from './segment.ts'

/** The bytes may be gone for good. Everything else (EMFILE, ENOMEM, …) passes. */
const LASTING: ReadonlySet<string | undefined> = new Set(['EIO', 'ENOENT', 'ENXIO', 'EUCLEAN', 'EBADMSG'])
const AGAIN_AFTER_MS = 1_000
/** Waits between tries, ms, before such bytes are given up: a volume that is away comes back, an error of a bus passes. */
export const WAITS_MS: readonly number[] = [1_000, 4_000, 15_000, 40_000]
/** A segment of which nothing was read for so long is not waited for any more: record by record that would take days. */
const DEAD_AFTER_MS = 3_600_000
/** A record that nobody asked for again in this time is tried for the others no longer. */
const OVERDUE_MS = 5_000

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
    const earlyMs = Math.max(batch.readAgainAtMs, segment.readAgainAtMs) - performance.now()
    if (earlyMs > 0) return new Later(earlyMs)
    try {
      const record = recordAt(await segment.read(offset, length), 0, segment.header.salt)
      succeeded(batch, segment)
      const payload = record?.sequence === sequence ? decodePayload(record.payload) : undefined
      if (payload !== undefined) return payload.items
      if (batch.segment === segment) return undefined
    } catch (error) {
      if (batch.segment === segment && batch.unsettled > 0)
        return failed(batch, error as NodeJS.ErrnoException, options)
    }
    // It was moved while it was read.
  }
}

function succeeded(batch: DiskBatch, segment: Segment): void {
  segment.failingSinceMs = undefined
  segment.readAtMs = performance.now()
  if (segment.probe === batch) segment.probe = undefined
  batch.failures = 0
}

async function failed(batch: DiskBatch, error: NodeJS.ErrnoException, { waitsMs, away, logger }: ReadOptions) {
  const { segment } = batch
  logger.error('a segment of the queue cannot be read', { file: segment.path, error })
  const passes = !LASTING.has(error.code) || (await away())
  const now = performance.now()
  if (passes) {
    segment.failingSinceMs = now
    segment.readAgainAtMs = now + AGAIN_AFTER_MS
    return new Later(AGAIN_AFTER_MS)
  }
  segment.failingSinceMs ??= now
  // Somebody else read it at the same time: that is one try.
  if (batch.readAgainAtMs > now) return new Later(batch.readAgainAtMs - now)
  const waitMs = patienceMs(batch, segment, waitsMs, now)
  batch.failedAtMs = now
  if (waitMs !== undefined) {
    batch.readAgainAtMs = now + waitMs
    return new Later(waitMs)
  }
  if (segment.probe === batch) segment.probe = undefined
  if (error.code === 'ENOENT') segment.gone = true
  return undefined
}

/**
 * One record of a segment is tried for all of it, so that a disk that is sick for minutes costs one record or two; unless
 * others can be read, and it cannot.
 * @returns undefined if it is to be given up
 */
function patienceMs(batch: DiskBatch, segment: Segment, waitsMs: readonly number[], now: number): number | undefined {
  if (segment.gone || now - (segment.failingSinceMs ?? now) > DEAD_AFTER_MS) return undefined
  if (segment.probe === undefined || now - segment.probe.readAgainAtMs > OVERDUE_MS) segment.probe = batch
  if (segment.probe === batch || segment.readAtMs > batch.failedAtMs) return waitsMs[batch.failures++]
  return Math.max(AGAIN_AFTER_MS, segment.probe.readAgainAtMs - now)
}
