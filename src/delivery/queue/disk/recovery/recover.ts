import { join } from 'node:path'
import { ComponentError } from '../../../../component/component.ts'
import type { Logger } from '../../../../telemetry/logger.ts'
import type { PagedOutTotals } from '../paging/paged-out-totals.ts'
import { type Files, withFile } from '../files/files.ts'
import { HEADER_BYTES } from '../format/format.ts'
import { IdRanges } from '../format/id-ranges.ts'
import type { Acknowledged } from '../format/journal-format.ts'
import { describeIds, type Missing, missingBatches } from './missing.ts'
import { type Damage, type Opened, openSegment, type Scanned, scanSegment } from '../format/scan.ts'
import type { DiskBatch, DiskSegment } from '../segments/disk-batch.ts'
import { Segment, SEGMENT_NAME, type Usage } from '../segments/segment.ts'
import type { SegmentIndex } from '../format/segment-index.ts'
import { setAside } from '../files/set-aside.ts'

export interface Recovered {
  /** Oldest first. Their waiting records are paged out. */
  readonly segments: readonly DiskSegment[]
  readonly lastSequence: number
  readonly lastSegment: number
  /** Acknowledged bytes that cannot be read. */
  readonly quarantinedBytes: number
  /** Acknowledged items that are missing; the minimum, where the number is unknown. */
  readonly lostItems: number
}

interface Found {
  readonly path: string
  readonly number: number
  readonly opened: Exclude<Opened, { kind: 'newer' }>
}

/** A segment with its damage, which is reported when all segments are known. */
interface Taken {
  readonly segment: DiskSegment
  readonly damage: Damage | undefined
}

/** Maximum files read at once: enough to keep a disk busy. */
const MAX_AT_ONCE = 16
/** Maximum bytes read at once, because the indexes are in memory: those of small records are most of the bytes read. */
const MAX_BYTES_AT_ONCE = 2 * 1_048_576

/**
 * Recovers a directory: reads its segments, sets aside unreadable ones, and deletes no file with a record.
 * @throws ComponentError for a segment of a later version; then nothing was changed
 */
export async function recover(
  files: Files,
  directory: string,
  acknowledged: Acknowledged,
  totals: PagedOutTotals,
  usage: Usage,
  logger: Logger,
): Promise<Recovered> {
  const found = await look(files, directory)
  let quarantinedBytes = 0
  for (const { path, opened } of found) {
    if (opened.kind === 'segment') continue
    quarantinedBytes += Math.max(0, opened.bytes - HEADER_BYTES)
    await leaveOut(files, path, opened.bytes, logger)
  }
  const stock = new Stock(acknowledged, totals)
  const taken: Taken[] = []
  // Newest first: of a record that was being moved when the process died, the later copy is in a fuller segment.
  for (const some of groupsOf(found.toReversed())) {
    const scanned = await Promise.all(some.map((one) => scan(files, one)))
    for (const [at, { header, bytes, number }] of some.entries()) {
      const { index, damage } = scanned[at] as Scanned
      const segment = new Segment<DiskBatch>(files, directory, { ...header, number }, bytes, usage)
      stock.take(segment, index)
      taken.push({ segment, damage })
    }
  }
  taken.reverse()
  const damages = taken.flatMap(({ damage }) => damage ?? [])
  const missing = missingBatches(stock.known, damages, acknowledged)
  for (const [at, { segment, damage }] of taken.entries()) {
    const next = taken[at + 1]?.segment.header.firstSequence ?? Number.MAX_SAFE_INTEGER
    const lost = reportDamage(segment, damage, next - 1, missing, logger)
    segment.damaged = lost > 0
    quarantinedBytes += lost
  }
  reportMissing(missing, acknowledged, directory, logger)
  return {
    segments: taken.map(({ segment }) => segment),
    lastSequence: stock.lastSequence,
    lastSegment: found.at(-1)?.number ?? 0,
    quarantinedBytes,
    lostItems: missing.items,
  }
}

/** Adds the waiting records as paged out, segment by segment, newest first. */
class Stock {
  readonly #acknowledged: Acknowledged
  readonly #totals: PagedOutTotals
  /** Ids of moved records whose later copy was found. */
  readonly #moved = new IdRanges()
  /** Ids that are in a segment or settled. */
  readonly known = new IdRanges()
  lastSequence: number

  constructor(acknowledged: Acknowledged, totals: PagedOutTotals) {
    this.#acknowledged = acknowledged
    this.#totals = totals
    this.lastSequence = Math.max(acknowledged.done.last, acknowledged.answeredUpTo ?? 0)
    for (const [from, to] of acknowledged.done) this.known.add(from, to)
  }

  take(segment: DiskSegment, index: SegmentIndex): void {
    this.#know(segment, index)
    const { done } = this.#acknowledged
    const movedHere = new Set<number>()
    for (let row = index.count - 1; row >= 0; row--) {
      const id = index.idAt(row)
      if (done.has(id) || this.#moved.has(id) || movedHere.has(id)) continue
      if (id !== index.sequenceAt(row)) movedHere.add(id)
      this.#totals.add(segment, index.at(row), this.#acknowledged.parts(id))
    }
    for (const id of movedHere) this.#moved.add(id, id)
  }

  #know({ header }: DiskSegment, index: SegmentIndex): void {
    this.lastSequence = Math.max(this.lastSequence, header.firstSequence - 1)
    for (let row = 0; row < index.count; row++) {
      const id = index.idAt(row)
      const sequence = index.sequenceAt(row)
      this.lastSequence = Math.max(this.lastSequence, sequence)
      this.known.add(id, id)
      // The sequence of a moved record is not the id of any batch.
      if (id !== sequence) this.known.add(sequence, sequence)
    }
  }
}

/** Reads the headers of all segments, so that every version is checked before anything is changed. */
async function look(files: Files, directory: string): Promise<Found[]> {
  const names = (await files.list(directory)).filter((name) => SEGMENT_NAME.test(name)).sort()
  const found: Found[] = []
  for (let next = 0; next < names.length; next += MAX_AT_ONCE) {
    const some = names.slice(next, next + MAX_AT_ONCE).map(async (name) => {
      const path = join(directory, name)
      const opened = await withFile(files, path, openSegment)
      if (opened.kind === 'newer') throw newer(path, opened.version)
      return { path, number: Number(SEGMENT_NAME.exec(name)?.[1]), opened }
    })
    found.push(...(await Promise.all(some)))
  }
  return found
}

interface Readable extends Extract<Opened, { kind: 'segment' }> {
  readonly path: string
  readonly number: number
}

/** Yields groups of segments to read together, bounded by number and bytes. */
function* groupsOf(found: readonly Found[]): Generator<Readable[]> {
  let group: Readable[] = []
  let bytes = 0
  for (const { path, number, opened } of found) {
    if (opened.kind !== 'segment') continue
    const its = opened.bytes - (opened.indexOffset ?? 0)
    if (group.length === MAX_AT_ONCE || (group.length > 0 && bytes + its > MAX_BYTES_AT_ONCE)) {
      yield group
      group = []
      bytes = 0
    }
    group.push({ ...opened, path, number })
    bytes += its
  }
  if (group.length > 0) yield group
}

function scan(files: Files, segment: Readable): Promise<Scanned> {
  return withFile(files, segment.path, (file) => scanSegment(file, segment))
}

async function leaveOut(files: Files, path: string, bytes: number, logger: Logger): Promise<void> {
  // The process died, or power was lost, before the segment had a record.
  if (bytes <= HEADER_BYTES) return files.remove(path)
  logger.error('a queue segment is unreadable: set aside', { file: `${path}.corrupt`, bytes })
  await setAside(files, path, logger)
}

/**
 * @param lastId last possible id of the segment: the next segment starts after it
 * @returns bytes that may contain missing records
 */
function reportDamage(
  { header, path }: DiskSegment,
  damage: Damage | undefined,
  lastId: number,
  { ids }: Missing,
  logger: Logger,
): number {
  if (damage === undefined) return 0
  const { bytes, items } = damage
  const moved = [...items.keys()].filter((id) => id < header.firstSequence && ids.has(id)).length
  const batches = ids.countIn(header.firstSequence, lastId) + moved
  if (batches === 0) {
    logger.info('part of a queue segment has no intact record: its records were settled or never acknowledged', {
      file: path,
      bytes,
    })
    return 0
  }
  logger.error('a queue segment is damaged: intact records are delivered, the others are quarantined', {
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
    logger.warn('acknowledgements are damaged: delivered records may be sent again, and losses may go unnoticed', {
      file,
    })
  if (batches > 0)
    logger.error('acknowledged records are missing from the queue: counted as lost', {
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
