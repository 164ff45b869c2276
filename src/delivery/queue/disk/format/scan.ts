import { countedBytes, itemEnd } from '../../../contract/items.ts'
import { type Files, type OpenFile, withFile } from '../files/files.ts'
import {
  type BatchPayload,
  decodeFooter,
  decodeHeader,
  decodePayload,
  END_SEQUENCE,
  footerOffset,
  FORMAT_VERSION,
  HEADER_BYTES,
  RECORD_HEADER_BYTES,
  recordAt,
  type SegmentHeader,
  TRAILER_BYTES,
} from './format.ts'
import type { IdRange } from './id-ranges.ts'
import { type IndexEntry, SegmentIndex } from './segment-index.ts'

/** The header and trailer of a segment file. */
export type Opened =
  | {
      readonly kind: 'segment'
      readonly header: SegmentHeader
      /** Size of the file. */
      readonly bytes: number
      /** Offset of its index; undefined if it has none. */
      readonly indexOffset: number | undefined
    }
  /** Its header cannot be read. */
  | { readonly kind: 'unreadable'; readonly bytes: number }
  /** Written by a later version: must not be changed. */
  | { readonly kind: 'newer'; readonly version: number }

/** The content of a segment. */
export interface Scanned {
  readonly index: SegmentIndex
  readonly damage: Damage | undefined
}

/** Bytes in no intact record. Those at the end may be an unfinished write of a process that died. */
export interface Damage {
  readonly bytes: number
  /** Missing sequences between intact records. */
  readonly holes: readonly IdRange[]
  /** Number of items of damaged batches, by id, where it can still be read. */
  readonly items: ReadonlyMap<number, number>
}

/** Reads header and trailer. */
export async function openSegment(file: OpenFile): Promise<Opened> {
  const size = await file.size()
  const [first, last] = await Promise.all([
    file.read(0, Math.min(size, HEADER_BYTES)),
    file.read(Math.max(0, size - TRAILER_BYTES), Math.min(size, TRAILER_BYTES)),
  ])
  const header = decodeHeader(first, last)
  if (header === undefined) return { kind: 'unreadable', bytes: size }
  if (header.version > FORMAT_VERSION) return { kind: 'newer', version: header.version }
  const offset = footerOffset(last)
  const isPlausible = offset !== undefined && offset >= HEADER_BYTES && offset <= size - TRAILER_BYTES
  return { kind: 'segment', header, bytes: size, indexOffset: isPlausible ? offset : undefined }
}

/** Reads the index of a sealed segment, or the whole segment if it is not sealed or its index is damaged. */
export async function scanSegment(
  file: OpenFile,
  { header, bytes, indexOffset }: Extract<Opened, { kind: 'segment' }>,
): Promise<Scanned> {
  if (indexOffset !== undefined) {
    const index = decodeFooter(await file.read(indexOffset, bytes - indexOffset), header.salt)
    if (index !== undefined) return { index, damage: undefined }
  }
  return walk(await file.read(0, bytes), header)
}

/** @throws file system errors, and Error for a damaged header */
export function readIndex(files: Files, path: string): Promise<SegmentIndex> {
  return withFile(files, path, async (file) => {
    const opened = await openSegment(file)
    if (opened.kind !== 'segment') throw new Error(`the header of ${path} cannot be read`)
    return (await scanSegment(file, opened)).index
  })
}

/**
 * Finds every intact record of a segment. After damage it searches for the next record byte by byte: a record counts only if
 * its crc is valid with this segment's salt and its sequence is plausible there, so one flipped bit costs one record.
 */
export function walk(bytes: Buffer, { salt, firstSequence }: SegmentHeader): Scanned {
  const index = new SegmentIndex()
  const holes: IdRange[] = []
  const items = new Map<number, number>()
  let damaged = 0
  let last = firstSequence - 1
  let at = HEADER_BYTES
  /** Expected offset of the next record, as far as it is known. */
  let next = at
  while (at + RECORD_HEADER_BYTES <= bytes.length) {
    const record = plausible(bytes, at, last) ? recordAt(bytes, at, salt) : undefined
    if (record === undefined) {
      const batch = at === next ? damagedBatchAt(bytes, at) : undefined
      if (batch !== undefined) {
        items.set(batch.id, batch.items)
        next = at + batch.length
      }
      damaged++
      at++
      continue
    }
    if (record.sequence === END_SEQUENCE) return { index, damage: damageOf(damaged, holes, items) }
    if (record.sequence > last + 1) holes.push([last + 1, record.sequence - 1])
    last = record.sequence
    const length = RECORD_HEADER_BYTES + record.payload.length
    const batch = decodePayload(record.payload)
    if (batch !== undefined) index.push(entryOf(record.sequence, at, length, batch))
    at += length
    next = at
  }
  return { index, damage: damageOf(damaged + Math.max(0, bytes.length - at), holes, items) }
}

function entryOf(sequence: number, offset: number, length: number, batch: BatchPayload): IndexEntry {
  const { lane, own, id, queuedAtMs, items } = batch
  return { sequence, id, offset, length, lane, own, queuedAtMs, items: items.count, countedBytes: countedBytes(items) }
}

/**
 * Rules out most offsets by length or sequence before a crc is computed: otherwise a segment of noise would take hours.
 * A hole cannot have contained more records than fit into its bytes.
 */
function plausible(bytes: Buffer, at: number, last: number): boolean {
  if (at + RECORD_HEADER_BYTES + bytes.readUInt32LE(at) > bytes.length) return false
  const sequence = bytes.readUInt32LE(at + 12) * 2 ** 32 + bytes.readUInt32LE(at + 8)
  return sequence === END_SEQUENCE || (sequence > last && sequence - last <= 1 + at / RECORD_HEADER_BYTES)
}

/**
 * Returns id, items and length of a record with a wrong crc, if its lengths, its number of items and the end of its last
 * item agree: then the damage is elsewhere in the record.
 */
function damagedBatchAt(
  bytes: Buffer,
  at: number,
): { readonly id: number; readonly items: number; readonly length: number } | undefined {
  const length = RECORD_HEADER_BYTES + bytes.readUInt32LE(at)
  if (at + length > bytes.length) return undefined
  const batch = decodePayload(bytes.subarray(at + RECORD_HEADER_BYTES, at + length))
  if (batch === undefined || itemEnd(batch.items, batch.items.count - 1) !== batch.items.bytes.length) return undefined
  return { id: batch.id, items: batch.items.count, length }
}

function damageOf(bytes: number, holes: readonly IdRange[], items: ReadonlyMap<number, number>): Damage | undefined {
  return bytes === 0 && holes.length === 0 ? undefined : { bytes, holes, items }
}
