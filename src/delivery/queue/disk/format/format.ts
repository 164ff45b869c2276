// The file format of a queue on disk. Little endian throughout.
//
//   0000000007.segment
//   | header 32 | header 32 | record | record | … | footer | trailer |     the last two only if the segment is sealed
//
//   header   magic 8 | version u32 | salt u32 | first sequence u64 | number u32 | crc u32
//            twice, and once more in the trailer: without the salt, records cannot be distinguished from noise
//   record   length u32 | crc u32 | sequence u64 | payload       crc over sequence and payload, seeded with the salt, so
//                                                                that no payload and no old file looks like a record
//   footer   a record whose sequence is END and whose payload is the index as JSON
//   trailer  header 32 | offset of the footer u64 | magic 8      to find the footer from the end
//
//   payload  type u8 | kind u8 | 0 u16 | lane length u32 | items u32 | queued at f64 | id u64 | lane | index 24 × items | items
//   lane     the lane's key; after the byte 1 in records of the daemon's own items; after the byte 2, a tag's length in decimal,
//            the byte 2 and the tag, in records of items with a tag. No key begins with one of these bytes.
//
// Sequences increase by one from record to record. The id of a batch is the sequence of its first record; the batch keeps it
// when it is moved to another segment, and acknowledgements refer to it.
//
// Version 1. A reader refuses a later version and deletes none of its files. The header is the same in every version.

import zlib from 'node:zlib'
import { INDEX_FIELDS, type ItemBatch, type ItemKind } from '../../../contract/items.ts'
import type { LaneItems } from '../../../contract/lane-items.ts'
import { type RecordLane, SegmentIndex } from './segment-index.ts'

// Not a named import: an older Node lacks it, and would fail before the library can report which Node it needs.
const { crc32 } = zlib

export const FORMAT_VERSION = 1
const HEADER_COPY_BYTES = 32
/** Offset of the first record. */
export const HEADER_BYTES = 2 * HEADER_COPY_BYTES
export const RECORD_HEADER_BYTES = 16
export const TRAILER_BYTES = HEADER_COPY_BYTES + 16
/** Sequence of a footer; no record reaches it. */
export const END_SEQUENCE = Number.MAX_SAFE_INTEGER
const MAGIC = Buffer.from('OTLPCWQ\n')
const FOOTER_MAGIC = Buffer.from('OTLPCWF\n')
const BATCH_TYPE = 1
const PAYLOAD_HEADER_BYTES = 28
const OWN_MARK = '\u0001'
const TAG_MARK = '\u0002'
const NO_LANE: RecordLane = { lane: '', own: false }

export interface SegmentHeader {
  readonly version: number
  readonly salt: number
  /** Sequence of its first record. */
  readonly firstSequence: number
  /** Number of the segment, as in its file name. */
  readonly number: number
}

function encodeHeaderCopy({ version, salt, firstSequence, number }: SegmentHeader): Buffer {
  const bytes = Buffer.alloc(HEADER_COPY_BYTES)
  MAGIC.copy(bytes)
  bytes.writeUInt32LE(version, 8)
  bytes.writeUInt32LE(salt, 12)
  bytes.writeBigUInt64LE(BigInt(firstSequence), 16)
  bytes.writeUInt32LE(number, 24)
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 28)), 28)
  return bytes
}

export function encodeHeader(header: SegmentHeader): Buffer {
  const copy = encodeHeaderCopy(header)
  return Buffer.concat([copy, copy])
}

/**
 * @param first the first bytes of a file
 * @param last its last bytes, which are a trailer if the segment is sealed
 * @returns undefined if no copy is intact
 */
export function decodeHeader(first: Buffer, last: Buffer): SegmentHeader | undefined {
  const copies = [first, first.subarray(HEADER_COPY_BYTES), last.subarray(Math.max(0, last.length - TRAILER_BYTES))]
  for (const bytes of copies) {
    if (bytes.length < HEADER_COPY_BYTES || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) continue
    if (bytes.readUInt32LE(28) !== crc32(bytes.subarray(0, 28))) continue
    return {
      version: bytes.readUInt32LE(8),
      salt: bytes.readUInt32LE(12),
      firstSequence: Number(bytes.readBigUInt64LE(16)),
      number: bytes.readUInt32LE(24),
    }
  }
  return undefined
}

export interface BatchPayload extends RecordLane {
  /** Sequence of its first record. */
  readonly id: number
  readonly queuedAtMs: number
  readonly items: ItemBatch
}

function encodeLane({ lane, own }: RecordLane): string {
  return own ? OWN_MARK + lane : lane
}

function decodeLane(text: string): RecordLane {
  const own = text.startsWith(OWN_MARK)
  return { lane: own ? text.slice(OWN_MARK.length) : text, own }
}

/** The lane of a record, with the tag of its items. */
function encodeTagged(lane: RecordLane, tag: string | undefined): string {
  const key = encodeLane(lane)
  return tag === undefined ? key : `${TAG_MARK}${tag.length}${TAG_MARK}${tag}${key}`
}

function decodeTagged(text: string): RecordLane & { readonly tag: string | undefined } {
  if (!text.startsWith(TAG_MARK)) return { ...decodeLane(text), tag: undefined }
  const tagStart = text.indexOf(TAG_MARK, 1) + 1
  const tagEnd = tagStart + Number(text.slice(1, tagStart - 1))
  return { ...decodeLane(text.slice(tagEnd)), tag: text.slice(tagStart, tagEnd) }
}

/** Returns the bytes of a batch on disk. */
export function recordBytes({ lane, own, items: { bytes, index, tag } }: LaneItems): number {
  const laneBytes = Buffer.byteLength(encodeTagged({ lane, own: own === true }, tag))
  return RECORD_HEADER_BYTES + PAYLOAD_HEADER_BYTES + laneBytes + index.byteLength + bytes.length
}

/** Returns the parts of one record, for writev: header and payload head, index, item bytes. Index and bytes are not copied. */
export function encodeRecord(salt: number, sequence: number, payload: BatchPayload): Buffer[] {
  const { id, queuedAtMs, items } = payload
  const lane = encodeTagged(payload, items.tag)
  const laneBytes = Buffer.byteLength(lane)
  const head = Buffer.alloc(RECORD_HEADER_BYTES + PAYLOAD_HEADER_BYTES + laneBytes)
  const index = Buffer.from(items.index.buffer, items.index.byteOffset, items.index.byteLength)
  const bytes = Buffer.from(items.bytes.buffer, items.bytes.byteOffset, items.bytes.byteLength)
  head.writeUInt32LE(PAYLOAD_HEADER_BYTES + laneBytes + index.length + bytes.length, 0)
  head.writeBigUInt64LE(BigInt(sequence), 8)
  head.writeUInt8(BATCH_TYPE, 16)
  head.writeUInt8(items.kind, 17)
  head.writeUInt32LE(laneBytes, 20)
  head.writeUInt32LE(items.count, 24)
  head.writeDoubleLE(queuedAtMs, 28)
  head.writeBigUInt64LE(BigInt(id), 36)
  head.write(lane, RECORD_HEADER_BYTES + PAYLOAD_HEADER_BYTES)
  head.writeUInt32LE(crc32(bytes, crc32(index, crc32(head.subarray(8), salt))), 4)
  return [head, index, bytes]
}

/** @param payload payload of a record with a valid crc; the result uses its bytes. @returns undefined for an unknown type */
export function decodePayload(payload: Buffer): BatchPayload | undefined {
  if (payload.length < PAYLOAD_HEADER_BYTES || payload.readUInt8(0) !== BATCH_TYPE) return undefined
  const laneEnd = PAYLOAD_HEADER_BYTES + payload.readUInt32LE(4)
  const count = payload.readUInt32LE(8)
  const indexEnd = laneEnd + count * INDEX_FIELDS * Float64Array.BYTES_PER_ELEMENT
  if (indexEnd > payload.length) return undefined
  const index = new Float64Array(count * INDEX_FIELDS)
  // Copied, because doubles have to be aligned to 8 bytes, which the lane name does not ensure.
  payload.copy(new Uint8Array(index.buffer), 0, laneEnd, indexEnd)
  const { lane, own, tag } = decodeTagged(payload.toString('utf8', PAYLOAD_HEADER_BYTES, laneEnd))
  return {
    lane,
    own,
    id: Number(payload.readBigUInt64LE(20)),
    queuedAtMs: payload.readDoubleLE(12),
    items: { kind: payload.readUInt8(1) as ItemKind, count, bytes: payload.subarray(indexEnd), index, tag },
  }
}

/** Returns sequence and payload of the record at `at`, if it is complete and undamaged. */
export function recordAt(
  bytes: Buffer,
  at: number,
  salt: number,
): { readonly sequence: number; readonly payload: Buffer } | undefined {
  if (at + RECORD_HEADER_BYTES > bytes.length) return undefined
  const end = at + RECORD_HEADER_BYTES + bytes.readUInt32LE(at)
  if (end > bytes.length) return undefined
  if (bytes.readUInt32LE(at + 4) !== crc32(bytes.subarray(at + 8, end), salt)) return undefined
  return { sequence: Number(bytes.readBigUInt64LE(at + 8)), payload: bytes.subarray(at + RECORD_HEADER_BYTES, end) }
}

type FooterRow = readonly [
  sequence: number,
  offset: number,
  length: number,
  lane: number,
  queuedAt: number,
  items: number,
  counted: number,
  /** Only if it differs from the sequence. */
  id?: number,
]

/** Returns footer and trailer of a segment whose records end at `offset`. */
export function encodeFooter(header: SegmentHeader, offset: number, index: SegmentIndex): Buffer {
  const lanes = index.lanes.map(encodeLane)
  const rows: FooterRow[] = []
  for (let row = 0; row < index.count; row++) {
    const { sequence, id, offset: at, length, queuedAtMs, items, countedBytes } = index.at(row)
    const fields = [sequence, at, length, index.laneNumberAt(row), queuedAtMs, items, countedBytes] as const
    rows.push(id === sequence ? fields : [...fields, id])
  }
  const json = Buffer.from(JSON.stringify({ lanes, rows }))
  const head = Buffer.alloc(RECORD_HEADER_BYTES)
  head.writeUInt32LE(json.length, 0)
  head.writeBigUInt64LE(BigInt(END_SEQUENCE), 8)
  head.writeUInt32LE(crc32(json, crc32(head.subarray(8), header.salt)), 4)
  const trailer = Buffer.alloc(TRAILER_BYTES)
  encodeHeaderCopy(header).copy(trailer)
  trailer.writeBigUInt64LE(BigInt(offset), HEADER_COPY_BYTES)
  FOOTER_MAGIC.copy(trailer, HEADER_COPY_BYTES + 8)
  return Buffer.concat([head, json, trailer])
}

/** Returns the offset of the footer, from the last bytes of a file; undefined if the segment was never sealed. */
export function footerOffset(trailer: Buffer): number | undefined {
  return trailer.length === TRAILER_BYTES && trailer.subarray(HEADER_COPY_BYTES + 8).equals(FOOTER_MAGIC)
    ? Number(trailer.readBigUInt64LE(HEADER_COPY_BYTES))
    : undefined
}

/** @param bytes bytes from the footer's offset to the end of the file. @returns undefined if the footer is damaged */
export function decodeFooter(bytes: Buffer, salt: number): SegmentIndex | undefined {
  const record = recordAt(bytes, 0, salt)
  if (record === undefined || record.sequence !== END_SEQUENCE) return undefined
  const footer = JSON.parse(record.payload.toString()) as { lanes: string[]; rows: FooterRow[] }
  const lanes = footer.lanes.map(decodeLane)
  const index = new SegmentIndex()
  for (const [sequence, offset, length, lane, queuedAtMs, items, countedBytes, id = sequence] of footer.rows)
    index.push({ sequence, id, offset, length, ...(lanes[lane] ?? NO_LANE), queuedAtMs, items, countedBytes })
  return index
}
