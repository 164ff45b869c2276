// The file format of a journal.
//
//   acknowledgements-0000000003.log      | length u32 | crc u32 | JSON | length | crc | JSON | …
//   JSON   { "version": 1, "told": id, "done": [id | [from, to], …], "parts": [[id, from, to], …], "counters": {…} }
//
// Ids are consecutive, and each one up to `told` (`answeredUpTo` below) was answered: it is done, in a segment, or lost.

import zlib from 'node:zlib'
import { FORMAT_VERSION } from './format.ts'
import { type IdRange, IdRanges } from './id-ranges.ts'

// Not a named import: an older Node lacks it, and would fail before the library can report which Node it needs.
const { crc32 } = zlib

const ENTRY_HEADER_BYTES = 8
export const JOURNAL_NAME = /^acknowledgements-(\d{10})\.log$/

export function journalName(number: number): string {
  return `acknowledgements-${String(number).padStart(10, '0')}.log`
}

export type Counters = Readonly<Record<string, unknown>>

/** Settled items `[from, to)` of a batch that has unsettled ones. */
export type PartDone = readonly [id: number, from: number, to: number]

export interface JournalEntry {
  /** Last batch whose sender was answered. The first builds of version 1 did not write it. */
  readonly answeredUpTo: number | undefined
  /** Fully settled batches. */
  readonly done: Iterable<IdRange>
  readonly parts: Iterable<PartDone>
  readonly counters: Counters
}

/** The content of journals: settled batches, settled ranges of others, and the last counters. */
export class Acknowledged {
  readonly done = new IdRanges()
  readonly #parts = new Map<number, Map<number, number>>()
  counters: Counters | undefined
  /** That of the last entry. */
  answeredUpTo: number | undefined
  /** Journals with unreadable entries. */
  readonly damaged: string[] = []

  take({ answeredUpTo, done, parts, counters }: JournalEntry): void {
    this.answeredUpTo = answeredUpTo
    for (const [from, to] of done) this.done.add(from, to)
    for (const [id, from, to] of parts) {
      const known = this.#parts.get(id) ?? new Map<number, number>()
      this.#parts.set(id, known.set(from, to))
    }
    this.counters = counters
  }

  /** Returns the settled ranges of a batch in order; a repeated range counts once. */
  parts(id: number): [from: number, to: number][] {
    return [...(this.#parts.get(id) ?? [])].sort((a, b) => a[0] - b[0])
  }
}

/** Maximum ranges in one entry: a reader has them in memory as objects. */
const MAX_RANGES = 10_000

/** Returns the bytes of as many entries as needed: the set of settled batches may have a million ranges. */
export function encodeEntries({ answeredUpTo, done, parts, counters }: JournalEntry): Buffer {
  const entries: Buffer[] = []
  let ranges: IdRange[] = []
  let partsDone: PartDone[] = []
  const write = () => {
    entries.push(encodeEntry({ answeredUpTo, done: ranges, parts: partsDone, counters }))
    ranges = []
    partsDone = []
  }
  for (const range of done) if (ranges.push(range) >= MAX_RANGES) write()
  for (const part of parts) if (partsDone.push(part) >= MAX_RANGES) write()
  if (entries.length === 0 || ranges.length > 0 || partsDone.length > 0) write()
  return entries.length === 1 ? (entries[0] as Buffer) : Buffer.concat(entries)
}

function encodeEntry({ answeredUpTo, done, parts, counters }: JournalEntry): Buffer {
  const short = Array.from(done, ([from, to]) => (from === to ? from : [from, to]))
  const json = Buffer.from(
    JSON.stringify({ version: FORMAT_VERSION, told: answeredUpTo, done: short, parts, counters }),
  )
  const bytes = Buffer.allocUnsafe(ENTRY_HEADER_BYTES + json.length)
  bytes.writeUInt32LE(json.length, 0)
  bytes.writeUInt32LE(crc32(json), 4)
  json.copy(bytes, ENTRY_HEADER_BYTES)
  return bytes
}

/**
 * Reads intact entries from the beginning, and ignores everything after a damaged one.
 * @returns `newer`: the version, if it is a later one. `damaged`: true if there are bytes after the last intact entry
 */
export function decodeJournal(
  bytes: Buffer,
  take: (entry: JournalEntry) => void,
): { readonly newer?: number; readonly damaged: boolean } {
  let at = 0
  while (at + ENTRY_HEADER_BYTES <= bytes.length) {
    const end = at + ENTRY_HEADER_BYTES + bytes.readUInt32LE(at)
    if (end > bytes.length) break
    const json = bytes.subarray(at + ENTRY_HEADER_BYTES, end)
    if (crc32(json) !== bytes.readUInt32LE(at + 4)) break
    // The crc of an empty entry is 0, so a range of zeros looks like empty entries.
    if (json.length === 0) break
    const {
      version,
      told: answeredUpTo,
      done,
      parts,
      counters,
    } = JSON.parse(json.toString()) as {
      version: number
      told?: number
      done: (number | IdRange)[]
      parts: PartDone[]
      counters: Counters
    }
    if (version > FORMAT_VERSION) return { newer: version, damaged: false }
    take({ answeredUpTo, done: done.map((one) => (typeof one === 'number' ? [one, one] : one)), parts, counters })
    at = end
  }
  return { damaged: at < bytes.length }
}
