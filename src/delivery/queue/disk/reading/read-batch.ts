import type { Logger } from '../../../../telemetry/logger.ts'
import type { ItemBatch } from '../../../contract/items.ts'
import type { DiskBatch, DiskSegment } from '../segments/disk-batch.ts'
import { decodePayload, recordAt } from '../format/format.ts'

/** The bytes may be gone for good. Everything else (EMFILE, ENOMEM, …) passes. */
const LASTING: ReadonlySet<string | undefined> = new Set(['EIO', 'ENOENT', 'ENXIO', 'EUCLEAN', 'EBADMSG'])
const AGAIN_AFTER_MS = 1_000
/** Waits between tries, ms, before such bytes are given up: a volume that is away comes back, an error of a bus passes. */
export const WAITS_MS: readonly number[] = [1_000, 4_000, 15_000, 40_000]
/** A segment of which nothing was read for so long is not waited for any more: record by record that would take days. */
const DEAD_AFTER_MS = 3_600_000
/** A record that nobody asked for again in this time is tried for the others no longer. */
const OVERDUE_MS = 60_000
/** Reads that failed longer ago than this are no part of a trouble of now: the longest wait is shorter. */
const FORGOTTEN_AFTER_MS = 120_000
/** Of a segment that cannot be read, at once: a sick disk may need seconds for each, and others want to read too. */
const READS_OF_SICK = 2

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
    // It was moved while it was read.
  }
}

/**
 * Of records that failed with all others of their segment since anything of it was read, one is tried for all: so a disk
 * that is sick for minutes costs a record or two, and the reads of others do not wait behind theirs.
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

/** And nothing of its segment was read since. */
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
  logger.error('a segment of the queue cannot be read', { file: segment.path, error })
  const passes = !LASTING.has(error.code) || (await away())
  const now = performance.now()
  const isNew = segment.failingSinceMs === undefined || now - segment.failedAtMs > FORGOTTEN_AFTER_MS
  segment.failedAtMs = now
  if (passes) {
    // No reason to give anything up, however long it takes.
    segment.failingSinceMs = now
    segment.readAgainAtMs = now + AGAIN_AFTER_MS
    return new Later(AGAIN_AFTER_MS)
  }
  if (isNew) segment.failingSinceMs = now
  // Somebody else read it at the same time: that is one try.
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

/** @returns undefined if it is to be given up */
function patienceMs(
  batch: DiskBatch,
  segment: DiskSegment,
  waitsMs: readonly number[],
  now: number,
): number | undefined {
  if (segment.gone || now - (segment.failingSinceMs ?? now) > DEAD_AFTER_MS) return undefined
  if (segment.probe === undefined || now - segment.probe.readAgainAtMs > OVERDUE_MS) segment.probe = batch
  // Two that were read together: the try of one counts.
  if (segment.probe !== batch && failedToo(batch)) return behindProbeMs(segment.probe, now)
  return waitsMs[batch.failures++]
}
