import { join } from 'node:path'
import { ComponentError } from '../../../component/component.ts'
import type { Logger } from '../../../telemetry/logger.ts'
import { DiskBatch } from './disk-batch.ts'
import type { Files } from './files.ts'
import { HEADER_BYTES } from './format.ts'
import type { Acknowledged } from './journal-format.ts'
import { describeIds, type Missing, missingBatches } from './missing.ts'
import { scanSegment, type Scanned } from './scan.ts'
import { Segment, SEGMENT_NAME, type Usage } from './segment.ts'
import { setAside } from './set-aside.ts'

export interface Recovered {
  /** Oldest first. */
  readonly segments: readonly Segment[]
  /** Not settled, in the order they were queued. */
  readonly batches: readonly DiskBatch[]
  readonly lastSequence: number
  readonly lastSegment: number
  /** Bytes that were acknowledged and cannot be read. */
  readonly quarantinedBytes: number
  /** Items that were acknowledged and are not there any more, as far as that can be known: there were no fewer. */
  readonly lostItems: number
}

interface Found {
  readonly path: string
  readonly number: number
  readonly scanned: Scanned
}

/** Files looked into at once: enough to keep a disk busy, few enough to hold their indexes in memory. */
const AT_ONCE = 16

/**
 * Takes stock of a directory: reads what is there, sets aside what cannot be read, and deletes nothing that holds a record.
 * @throws ComponentError for a segment of a later version; then nothing was changed
 */
export async function recover(
  files: Files,
  directory: string,
  acknowledged: Acknowledged,
  usage: Usage,
  logger: Logger,
): Promise<Recovered> {
  const found = await look(files, directory)
  const segments: Segment[] = []
  const batches = new Map<number, DiskBatch>()
  const missing = missingBatches(
    found.flatMap(({ scanned }) => (scanned.kind === 'segment' ? [scanned] : [])),
    acknowledged,
  )
  let lastSequence = Math.max(acknowledged.done.last, acknowledged.told ?? 0)
  let quarantinedBytes = 0
  for (const [at, { path, number, scanned }] of found.entries()) {
    if (scanned.kind !== 'segment') {
      const { bytes } = scanned as Extract<Scanned, { kind: 'unreadable' }>
      quarantinedBytes += Math.max(0, bytes - HEADER_BYTES)
      await leaveOut(files, path, bytes, logger)
      continue
    }
    const segment = new Segment(files, directory, { ...scanned.header, number }, scanned.bytes, usage)
    lastSequence = Math.max(lastSequence, scanned.header.firstSequence - 1)
    for (const entry of scanned.entries) {
      lastSequence = Math.max(lastSequence, entry.sequence)
      if (acknowledged.done.has(entry.id)) continue
      const known = batches.get(entry.id)
      if (known === undefined) batches.set(entry.id, takeUp(new DiskBatch(entry, segment, undefined), acknowledged))
      // The process died while it was moved: both are the same, and the later one stands in a fuller segment.
      else known.moveTo(segment, entry.sequence, entry.offset)
    }
    const lost = reportDamage(scanned, endOf(found, at), path, missing, logger)
    segment.damaged = lost > 0
    quarantinedBytes += lost
    segments.push(segment)
  }
  reportMissing(missing, acknowledged, directory, logger)
  return {
    segments,
    batches: [...batches.values()].sort((a, b) => a.id - b.id),
    lastSequence,
    lastSegment: found.at(-1)?.number ?? 0,
    quarantinedBytes,
    lostItems: missing.items,
  }
}

async function look(files: Files, directory: string): Promise<Found[]> {
  const names = (await files.list(directory)).filter((name) => SEGMENT_NAME.test(name)).sort()
  const found: Found[] = []
  for (let next = 0; next < names.length; next += AT_ONCE) {
    const some = names.slice(next, next + AT_ONCE).map(async (name) => {
      const path = join(directory, name)
      return { path, number: Number(SEGMENT_NAME.exec(name)?.[1]), scanned: await scan(files, path) }
    })
    for (const one of await Promise.all(some)) {
      if (one.scanned.kind === 'newer') throw newer(one.path, one.scanned.version)
      found.push(one)
    }
  }
  return found
}

async function scan(files: Files, path: string): Promise<Scanned> {
  const file = await files.open(path, 'r')
  try {
    return await scanSegment(file)
  } finally {
    await file.close()
  }
}

function takeUp(batch: DiskBatch, acknowledged: Acknowledged): DiskBatch {
  for (const [from, to] of acknowledged.parts(batch.id)) {
    batch.settled.push([from, to])
    batch.unsettled -= to - from
  }
  batch.segment.add(batch)
  return batch
}

async function leaveOut(files: Files, path: string, bytes: number, logger: Logger): Promise<void> {
  // The process died, or the power went, before it had anything in it.
  if (bytes <= HEADER_BYTES) return files.remove(path)
  logger.error('a segment of the queue cannot be read and is set aside', { file: `${path}.corrupt`, bytes })
  await setAside(files, path, logger)
}

/** Where the ids of a segment end: those of the next one begin there. */
function endOf(found: readonly Found[], at: number): number {
  const next = found.slice(at + 1).find(({ scanned }) => scanned.kind === 'segment')
  return next?.scanned.kind === 'segment' ? next.scanned.header.firstSequence - 1 : Number.MAX_SAFE_INTEGER
}

/** @returns bytes of records that somebody still waits for */
function reportDamage(
  { header, damage }: Extract<Scanned, { kind: 'segment' }>,
  lastId: number,
  path: string,
  { ids }: Missing,
  logger: Logger,
): number {
  if (damage === undefined) return 0
  const { bytes, items } = damage
  const moved = [...items.keys()].filter((id) => id < header.firstSequence && ids.has(id)).length
  const batches = ids.countIn(header.firstSequence, lastId) + moved
  if (batches === 0) {
    logger.info('part of a segment holds no record: what stood there was done, or was never acknowledged', {
      file: path,
      bytes,
    })
    return 0
  }
  logger.error('a segment of the queue is damaged: what is whole is delivered, the rest is quarantined', {
    file: path,
    bytes,
    batches,
  })
  return bytes
}

function reportMissing(
  { ids, batches, items, batchesOfUnknownSize }: Missing,
  { damaged }: Acknowledged,
  directory: string,
  logger: Logger,
): void {
  for (const file of damaged)
    logger.warn('acknowledgements are damaged: what was done since is sent again, and what is gone may go unnoticed', {
      file,
    })
  if (batches > 0)
    logger.error('the queue does not hold all that was acknowledged: what is not there is counted as lost', {
      directory,
      ids: describeIds(ids),
      batches,
      records: items,
      batchesOfUnknownSize,
    })
}

function newer(path: string, version: number): ComponentError {
  return new ComponentError(
    `${path} has format version ${version}, which this release cannot read: run the release that wrote it, or move the directory away`,
  )
}
