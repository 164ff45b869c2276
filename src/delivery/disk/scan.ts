import type { FileHandle } from 'node:fs/promises'
import { countedBytes } from '../items.ts'
import {
  type BatchPayload,
  decodeFooter,
  decodeHeader,
  decodePayload,
  END_SEQUENCE,
  footerOffset,
  FORMAT_VERSION,
  HEADER_BYTES,
  type IndexEntry,
  RECORD_HEADER_BYTES,
  recordAt,
  type SegmentHeader,
  TRAILER_BYTES,
} from './format.ts'

/** What a segment file turned out to hold. */
export type Scanned =
  | {
      readonly kind: 'segment'
      readonly header: SegmentHeader
      readonly entries: IndexEntry[]
      readonly damage: Damage | undefined
      readonly sealed: boolean
    }
  /** Not even its header can be read. */
  | { readonly kind: 'unreadable'; readonly bytes: number }
  /** Written by a later version: to be left alone. */
  | { readonly kind: 'newer'; readonly version: number }

export interface Damage {
  /** Bytes in no whole record, with a whole one behind them: something acknowledged was there. */
  readonly bytes: number
  /** Places where reading had to be taken up again. */
  readonly holes: number
  /** Bytes at the end in no whole record: what was being written when the process died, so not acknowledged. */
  readonly tornBytes: number
}

/** Reads header and footer of a sealed segment, and the whole of one that is not sealed or whose footer is damaged. */
export async function scanSegment(file: FileHandle): Promise<Scanned> {
  const { size } = await file.stat()
  const header = decodeHeader(await read(file, 0, Math.min(size, HEADER_BYTES)))
  if (header === undefined) return { kind: 'unreadable', bytes: size }
  if (header.version > FORMAT_VERSION) return { kind: 'newer', version: header.version }
  const entries = await sealedEntries(file, header, size)
  if (entries !== undefined) return { kind: 'segment', header, entries, damage: undefined, sealed: true }
  return { kind: 'segment', header, ...walk(await read(file, 0, size), header), sealed: false }
}

async function sealedEntries(
  file: FileHandle,
  { salt }: SegmentHeader,
  size: number,
): Promise<IndexEntry[] | undefined> {
  if (size < HEADER_BYTES + TRAILER_BYTES) return undefined
  const offset = footerOffset(await read(file, size - TRAILER_BYTES, TRAILER_BYTES))
  if (offset === undefined || offset < HEADER_BYTES || offset > size - TRAILER_BYTES) return undefined
  return decodeFooter(await read(file, offset, size - offset), salt)
}

/**
 * Every whole record of a segment. Behind damage it looks for the next one, byte by byte: a record counts only with its
 * crc right under this segment's salt and a sequence above the last, so one flipped bit costs one record.
 */
export function walk(bytes: Buffer, { salt }: SegmentHeader): { entries: IndexEntry[]; damage: Damage | undefined } {
  const entries: IndexEntry[] = []
  let lost = 0
  let holes = 0
  /** Bytes since the last whole record. */
  let gap = 0
  let last = -1
  let at = HEADER_BYTES
  while (at + RECORD_HEADER_BYTES <= bytes.length) {
    const record = plausible(bytes, at, last) ? recordAt(bytes, at, salt) : undefined
    if (record === undefined) {
      gap++
      at++
      continue
    }
    if (gap > 0) holes++
    lost += gap
    gap = 0
    if (record.sequence === END_SEQUENCE) return { entries, damage: damageOf(lost, holes, 0) }
    last = record.sequence
    const length = RECORD_HEADER_BYTES + record.payload.length
    const batch = decodePayload(record.payload)
    if (batch !== undefined) entries.push(entryOf(record.sequence, at, length, batch))
    at += length
  }
  return { entries, damage: damageOf(lost, holes, gap + bytes.length - at) }
}

function entryOf(
  sequence: number,
  offset: number,
  length: number,
  { lane, queuedAtMs, items }: BatchPayload,
): IndexEntry {
  return { sequence, offset, length, lane, queuedAtMs, items: items.count, countedBytes: countedBytes(items) }
}

/** Most places are ruled out by their length or sequence, long before a crc is computed. */
function plausible(bytes: Buffer, at: number, last: number): boolean {
  if (at + RECORD_HEADER_BYTES + bytes.readUInt32LE(at) > bytes.length) return false
  const sequence = Number(bytes.readBigUInt64LE(at + 8))
  return sequence > last && (sequence - last < MOST_SKIPPED || last < 0 || sequence === END_SEQUENCE)
}

/** Sequences between two records of one segment; it holds at most a million tiny ones. */
const MOST_SKIPPED = 2 ** 32

function damageOf(bytes: number, holes: number, tornBytes: number): Damage | undefined {
  return bytes + tornBytes === 0 ? undefined : { bytes, holes, tornBytes }
}

async function read(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length)
  let done = 0
  while (done < length) {
    const { bytesRead } = await file.read(buffer, done, length - done, position + done)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return buffer.subarray(0, done)
}
