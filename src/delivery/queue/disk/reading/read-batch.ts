import type { Logger } from '../../../../telemetry/logger.ts'
import type { ItemBatch } from '../../../contract/items.ts'
import type { DiskBatch, DiskSegment } from '../segments/disk-batch.ts'
import { decodePayload, recordAt } from '../format/format.ts'

/** Errors after which the bytes may be gone for good. Other errors (EMFILE, ENOMEM, …) pass. */
const LASTING: ReadonlySet<string | undefined> = new Set(['EIO', 'ENOENT', 'ENXIO', 'EUCLEAN', 'EBADMSG'])
const AGAIN_AFTER_MS = 1_000
/** Waits between attempts, ms, before such bytes are given up: an absent volume may return, and a bus error may pass. */
export const WAITS_MS: readonly number[] = [1_000, 4_000, 15_000, 40_000]
/** Time without a successful read after which a segment is given up: record by record that would take days. */
const DEAD_AFTER_MS = 3_600_000
/** Time after which a probe that was not read again is replaced by another record. */
const OVERDUE_MS = 60_000
/** Age after which a failed read does not belong to a new fault; longer than the longest wait. */
const FORGOTTEN_AFTER_MS = 120_000
/** Maximum concurrent reads of an unreadable segment: a failing disk may need seconds for each, and others need to read too. */
const READS_OF_SICK = 2

export interface ReadOptions {
  readonly waitsMs: readonly number[]
  /** Resolves with true if the directory cannot be used now: then nothing in it is given up. */
  readonly away: () => Promise<boolean>
  readonly logger: Logger
}

/** The result of a read that has to be tried again later. */
export class Later {
  readonly afterMs: number

  constructor(afterMs: number) {
    this.afterMs = afterMs
  }
}

/** @returns undefined for a record that is damaged or already settled */
export async function readBatch(batch: DiskBatch, options: ReadOptions): Promise<ItemBatch | Later | undefined> {
  for (;;) {
    const { segment, offset, length, sequence } = batch
    if (batch.unsettled === 0 || batch.quarantined) return undefined
    const waitMs = turnInMs(batch, segment, performance.now())
    if (waitMs > 0) return new Later(waitMs)
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
    // The record was moved during the read: read it again.
  }
}

/**
 * Returns the wait before the next read of a batch. When every read of a segment fails, only one record (the probe) is
 * retried until a read succeeds: so a disk that fails for minutes costs a record or two, and does not delay other reads.
 */
function turnInMs(batch: DiskBatch, segment: DiskSegment, now: number): number {
  const early = Math.max(batch.readAgainAtMs, segment.readAgainAtMs) - now
  if (early > 0 || segment.failingSinceMs === undefined || segment.gone) return early
  const probe = (segment.probe ??= batch)
  if (probe === batch) {
    batch.readAgainAtMs = now
    return 0
  }
  if (failedToo(batch) && now - probe.readAgainAtMs < OVERDUE_MS) return behindProbeMs(probe, now)
  return segment.readers < READS_OF_SICK ? 0 : AGAIN_AFTER_MS
}

/** Returns true if the batch failed and nothing of its segment was read since. */
function failedToo({ failedAtMs, segment }: DiskBatch): boolean {
  return failedAtMs !== Number.POSITIVE_INFINITY && failedAtMs > segment.readAtMs
}

function behindProbeMs(probe: DiskBatch, now: number): number {
  return Math.max(AGAIN_AFTER_MS, probe.readAgainAtMs - now)
}

function succeeded(batch: DiskBatch, segment: DiskSegment): void {
  segment.failingSinceMs = undefined
  segment.readAtMs = performance.now()
  segment.gone = false
  if (segment.probe === batch) segment.probe = undefined
  batch.failures = 0
  batch.failedAtMs = Number.POSITIVE_INFINITY
}

async function failed(batch: DiskBatch, error: NodeJS.ErrnoException, { waitsMs, away, logger }: ReadOptions) {
  const { segment } = batch
  logger.error('a queue segment cannot be read', { file: segment.path, error })
  const passes = !LASTING.has(error.code) || (await away())
  const now = performance.now()
  const isNew = segment.failingSinceMs === undefined || now - segment.failedAtMs > FORGOTTEN_AFTER_MS
  segment.failedAtMs = now
  if (passes) {
    // Such errors pass: give up nothing, however long they last.
    segment.failingSinceMs = now
    segment.readAgainAtMs = now + AGAIN_AFTER_MS
    return new Later(AGAIN_AFTER_MS)
  }
  if (isNew) segment.failingSinceMs = now
  // Concurrent reads of one batch count as one attempt.
  if (batch.readAgainAtMs > now) return new Later(batch.readAgainAtMs - now)
  const waitMs = patienceMs(batch, segment, waitsMs, now)
  batch.failedAtMs = Math.min(batch.failedAtMs, now)
  if (waitMs !== undefined) {
    batch.readAgainAtMs = now + waitMs
    return new Later(waitMs)
  }
  if (segment.probe === batch) segment.probe = undefined
  if (error.code === 'ENOENT') segment.gone = true
  return undefined
}

/** @returns the wait before the next attempt; undefined if the batch is given up */
function patienceMs(
  batch: DiskBatch,
  segment: DiskSegment,
  waitsMs: readonly number[],
  now: number,
): number | undefined {
  if (segment.gone || now - (segment.failingSinceMs ?? now) > DEAD_AFTER_MS) return undefined
  if (segment.probe === undefined || now - segment.probe.readAgainAtMs > OVERDUE_MS) segment.probe = batch
  // Among batches read at the same time, only the attempt of the probe counts.
  if (segment.probe !== batch && failedToo(batch)) return behindProbeMs(segment.probe, now)
  return waitsMs[batch.failures++]
}
