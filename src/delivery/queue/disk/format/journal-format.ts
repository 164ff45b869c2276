// What stands in a journal.
//
//   acknowledgements-0000000003.log      | length u32 | crc u32 | JSON | length | crc | JSON | …
//   JSON   { "version": 1, "told": id, "done": [id | [from, to], …], "parts": [[id, from, to], …], "counters": {…} }
//
// Ids are consecutive, and each one up to `told` was answered: it is done, or it stands in a segment, or it is lost.

import zlib from 'node:zlib'
import { FORMAT_VERSION } from './format.ts'
import { type IdRange, IdRanges } from './id-ranges.ts'

// Not a named import: an older Node has none, and would fail before the library can say which Node it needs.
const { crc32 } = zlib

const ENTRY_HEADER_BYTES = 8
export const JOURNAL_NAME = /^acknowledgements-(\d{10})\.log$/

export function journalName(number: number): string {
  return `acknowledgements-${String(number).padStart(10, '0')}.log`
}

export type Counters = Readonly<Record<string, unknown>>

/** Items `[from, to)` of a batch that has others left. */
export type PartDone = readonly [id: number, from: number, to: number]

export interface JournalEntry {
  /** Senders of batches up to this one know whether they are stored. The first builds of version 1 did not write it. */
  readonly told: number | undefined
  /** Batches of which nothing is left. */
  readonly done: Iterable<IdRange>
  readonly parts: Iterable<PartDone>
  readonly counters: Counters
}

/** What journals say: batches that are done, ranges of others that are, and the last counters. */
export class Acknowledged {
  readonly done = new IdRanges()
  readonly #parts = new Map<number, Map<number, number>>()
  counters: Counters | undefined
  /** Of the last entry. */
  told: number | undefined
  /** Journals that do not say all that was written into them. */
  readonly damaged: string[] = []

  take({ told, done, parts, counters }: JournalEntry): void {
    this.told = told
    for (const [from, to] of done) this.done.add(from, to)
    for (const [id, from, to] of parts) {
      const known = this.#parts.get(id) ?? new Map<number, number>()
      this.#parts.set(id, known.set(from, to))
    }
    this.counters = counters
  }

  /** In order; the same range may have been said more than once, and counts once. */
  parts(id: number): [from: number, to: number][] {
    return [...(this.#parts.get(id) ?? [])].sort((a, b) => a[0] - b[0])
  }
}

/** Of one entry: a reader has it in memory as objects. */
const MAX_RANGES = 10_000

/** The bytes of as many entries as it takes: the set of what is done may have a million stretches. */
export function encodeEntries({ told, done, parts, counters }: JournalEntry): Buffer {
  const entries: Buffer[] = []
  let ranges: IdRange[] = []
  let partsDone: PartDone[] = []
  const write = () => {
    entries.push(encodeEntry({ told, done: ranges, parts: partsDone, counters }))
    ranges = []
    partsDone = []
  }
  for (const range of done) if (ranges.push(range) >= MAX_RANGES) write()
  for (const part of parts) if (partsDone.push(part) >= MAX_RANGES) write()
  if (entries.length === 0 || ranges.length > 0 || partsDone.length > 0) write()
  return entries.length === 1 ? (entries[0] as Buffer) : Buffer.concat(entries)
}

function encodeEntry({ told, done, parts, counters }: JournalEntry): Buffer {
  const short = Array.from(done, ([from, to]) => (from === to ? from : [from, to]))
  const json = Buffer.from(JSON.stringify({ version: FORMAT_VERSION, told, done: short, parts, counters }))
  const bytes = Buffer.allocUnsafe(ENTRY_HEADER_BYTES + json.length)
  bytes.writeUInt32LE(json.length, 0)
  bytes.writeUInt32LE(crc32(json), 4)
  json.copy(bytes, ENTRY_HEADER_BYTES)
  return bytes
}

/**
 * Whole entries from the beginning; what comes behind a damaged one is not believed.
 * @returns the version, if it is a later one; whether anything stands behind the last whole entry
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
    // An empty entry has the crc of nothing, which is 0: a stretch of zeros.
    if (json.length === 0) break
    const { version, told, done, parts, counters } = JSON.parse(json.toString()) as {
      version: number
      told?: number
      done: (number | IdRange)[]
      parts: PartDone[]
      counters: Counters
    }
    if (version > FORMAT_VERSION) return { newer: version, damaged: false }
    take({ told, done: done.map((one) => (typeof one === 'number' ? [one, one] : one)), parts, counters })
    at = end
  }
  return { damaged: at < bytes.length }
}
