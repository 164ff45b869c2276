// What stands in the files of a queue on disk. Little endian throughout.
//
//   0000000007.segment
//   | header 32 | record | record | … | footer |                the footer only once the segment is sealed
//
//   header   magic 8 | version u32 | salt u32 | number u64 | zero u32 | crc u32
//   record   length u32 | crc u32 | sequence u64 | payload       crc over sequence and payload, seeded with the salt, so
//                                                                that neither a payload nor an old file can pass for a record
//   footer   length u32 | crc u32 | END u64 | JSON index         a record whose sequence says that nothing comes after it
//            … | offset of the footer u64 | magic 8              and the trailer by which it is found from the end
//
//   payload  type u8 | kind u8 | lane length u16 | items u32 | queued at f64 | lane | index 24 × items | item bytes
//
// Version 1. A reader refuses a later version and deletes nothing of it.

import { crc32 } from 'node:zlib'
import { INDEX_FIELDS, type ItemBatch, type ItemKind } from '../items.ts'

export const FORMAT_VERSION = 1
export const HEADER_BYTES = 32
export const RECORD_HEADER_BYTES = 16
export const TRAILER_BYTES = 16
/** Sequence of a footer; no record reaches it. */
export const END_SEQUENCE = Number.MAX_SAFE_INTEGER
const MAGIC = Buffer.from('OTLPCWQ\n')
const FOOTER_MAGIC = Buffer.from('OTLPCWF\n')
const BATCH_TYPE = 1
const PAYLOAD_HEADER_BYTES = 16

export interface SegmentHeader {
  readonly version: number
  readonly salt: number
  /** Number of the segment, as in its name. */
  readonly number: number
}

export function encodeHeader({ salt, number }: SegmentHeader): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES)
  MAGIC.copy(bytes)
  bytes.writeUInt32LE(FORMAT_VERSION, 8)
  bytes.writeUInt32LE(salt, 12)
  bytes.writeBigUInt64LE(BigInt(number), 16)
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 28)), 28)
  return bytes
}

/** Undefined for anything that is not a whole header. */
export function decodeHeader(bytes: Buffer): SegmentHeader | undefined {
  if (bytes.length < HEADER_BYTES || !bytes.subarray(0, 8).equals(MAGIC)) return undefined
  if (bytes.readUInt32LE(28) !== crc32(bytes.subarray(0, 28))) return undefined
  return { version: bytes.readUInt32LE(8), salt: bytes.readUInt32LE(12), number: Number(bytes.readBigUInt64LE(16)) }
}

/** The parts of one record, for writev: header and payload head, index, item bytes. Nothing is copied. */
export function encodeRecord(
  salt: number,
  sequence: number,
  lane: string,
  queuedAtMs: number,
  items: ItemBatch,
): Buffer[] {
  const laneBytes = Buffer.byteLength(lane)
  const head = Buffer.allocUnsafe(RECORD_HEADER_BYTES + PAYLOAD_HEADER_BYTES + laneBytes)
  const index = Buffer.from(items.index.buffer, items.index.byteOffset, items.index.byteLength)
  const bytes = Buffer.from(items.bytes.buffer, items.bytes.byteOffset, items.bytes.byteLength)
  head.writeUInt32LE(PAYLOAD_HEADER_BYTES + laneBytes + index.length + bytes.length, 0)
  head.writeBigUInt64LE(BigInt(sequence), 8)
  head.writeUInt8(BATCH_TYPE, 16)
  head.writeUInt8(items.kind, 17)
  head.writeUInt16LE(laneBytes, 18)
  head.writeUInt32LE(items.count, 20)
  head.writeDoubleLE(queuedAtMs, 24)
  head.write(lane, 32)
  head.writeUInt32LE(crc32(bytes, crc32(index, crc32(head.subarray(8), salt))), 4)
  return [head, index, bytes]
}

export interface BatchPayload {
  readonly lane: string
  readonly queuedAtMs: number
  readonly items: ItemBatch
}

/** @param payload of a record whose crc was right; owns its bytes afterwards. Undefined for a type this version has not. */
export function decodePayload(payload: Buffer): BatchPayload | undefined {
  if (payload.length < PAYLOAD_HEADER_BYTES || payload.readUInt8(0) !== BATCH_TYPE) return undefined
  const laneEnd = PAYLOAD_HEADER_BYTES + payload.readUInt16LE(2)
  const count = payload.readUInt32LE(4)
  const index = new Float64Array(count * INDEX_FIELDS)
  const indexEnd = laneEnd + index.byteLength
  if (indexEnd > payload.length) return undefined
  // A double has to stand at a multiple of 8, which a lane's name does not give.
  payload.copy(new Uint8Array(index.buffer), 0, laneEnd, indexEnd)
  return {
    lane: payload.toString('utf8', PAYLOAD_HEADER_BYTES, laneEnd),
    queuedAtMs: payload.readDoubleLE(8),
    items: { kind: payload.readUInt8(1) as ItemKind, count, bytes: payload.subarray(indexEnd), index },
  }
}

/** Sequence and payload of the record at `at`, if a whole and undamaged one stands there. */
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

/** What a sealed segment says of each of its records, so that nobody has to read them at start. */
export interface IndexEntry {
  readonly sequence: number
  readonly offset: number
  /** Of the record, its header included. */
  readonly length: number
  readonly lane: string
  readonly queuedAtMs: number
  readonly items: number
  readonly countedBytes: number
}

type FooterRow = readonly [
  sequence: number,
  offset: number,
  length: number,
  lane: number,
  queuedAt: number,
  items: number,
  counted: number,
]

export function encodeFooter(salt: number, offset: number, entries: readonly IndexEntry[]): Buffer {
  const lanes = [...new Set(entries.map((entry) => entry.lane))]
  const places = new Map(lanes.map((lane, place) => [lane, place]))
  const rows = entries.map((e): FooterRow => [
    e.sequence,
    e.offset,
    e.length,
    places.get(e.lane) ?? 0,
    e.queuedAtMs,
    e.items,
    e.countedBytes,
  ])
  const json = Buffer.from(JSON.stringify({ lanes, rows }))
  const head = Buffer.alloc(RECORD_HEADER_BYTES)
  head.writeUInt32LE(json.length, 0)
  head.writeBigUInt64LE(BigInt(END_SEQUENCE), 8)
  head.writeUInt32LE(crc32(json, crc32(head.subarray(8), salt)), 4)
  const trailer = Buffer.alloc(TRAILER_BYTES)
  trailer.writeBigUInt64LE(BigInt(offset), 0)
  FOOTER_MAGIC.copy(trailer, 8)
  return Buffer.concat([head, json, trailer])
}

/** Where the footer begins, read from the last bytes of a file; undefined if the segment was never sealed. */
export function footerOffset(trailer: Buffer): number | undefined {
  return trailer.length === TRAILER_BYTES && trailer.subarray(8).equals(FOOTER_MAGIC)
    ? Number(trailer.readBigUInt64LE(0))
    : undefined
}

/** @param bytes from the footer's offset to the end of the file. Undefined if it is damaged. */
export function decodeFooter(bytes: Buffer, salt: number): IndexEntry[] | undefined {
  const record = recordAt(bytes, 0, salt)
  if (record === undefined || record.sequence !== END_SEQUENCE) return undefined
  const { lanes, rows } = JSON.parse(record.payload.toString()) as { lanes: string[]; rows: FooterRow[] }
  return rows.map(([sequence, offset, length, lane, queuedAtMs, items, countedBytes]) => ({
    sequence,
    offset,
    length,
    lane: lanes[lane] ?? '',
    queuedAtMs,
    items,
    countedBytes,
  }))
}
