// Whatever happened to its files, a queue on disk opens, delivers every whole record exactly, and goes on.
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HEADER_BYTES, TRAILER_BYTES } from '../../src/delivery/queue/disk/format/format.ts'
import { copyOf, newFolder, type OpenQueue, openQueue, withoutSync } from '../unit/delivery/queue/disk/queue-fixture.ts'

const HEADER_COPY_BYTES = HEADER_BYTES / 2
const MORE = ['another', 'and one more']
const OPTIONS = { segmentBytes: 2_048, files: withoutSync }

interface Written {
  readonly text: string
  readonly file: string
  readonly offset: number
  readonly length: number
  readonly settled: boolean
}

interface Original {
  readonly folder: string
  readonly files: ReadonlyMap<string, Buffer>
  readonly records: readonly Written[]
}

/** Batches in several segments, some settled, as a process that is killed leaves them: the last segment is not sealed. */
async function write(texts: readonly string[], settledEach: number): Promise<Original> {
  const live = await newFolder()
  const open = await openQueue(live, OPTIONS)
  const batches = []
  for (const [at, text] of texts.entries()) batches.push(await open.put('a lane', [text, ...MORE.slice(0, at % 3)]))
  const records = batches.map((batch, at) => {
    const settled = at % settledEach === 1
    const { segment, offset, length } = batch
    return { text: texts[at] ?? '', file: basename(segment.path), offset, length, settled }
  })
  for (const [at, batch] of batches.entries()) if (records[at]?.settled === true) open.settle(batch)
  await open.queue.flush()
  const folder = await copyOf(live)
  const names = await readdir(folder)
  const files = new Map(
    await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name))] as const)),
  )
  return { folder, files, records }
}

type Harm = (bytes: Buffer) => Buffer | undefined

/** Records that must be recovered: those without a changed byte, in segments that can still be recognized. */
function survivors({ files, records }: Original, changed: ReadonlyMap<string, Buffer | undefined>): string[] {
  return records
    .filter(({ file, offset, length, settled }) => {
      const before = files.get(file)
      const after = changed.has(file) ? changed.get(file) : before
      if (settled || before === undefined || after === undefined) return false
      return headerReadable(before, after) && same(before, after, offset, length)
    })
    .map(({ text }) => text)
}

function headerReadable(before: Buffer, after: Buffer): boolean {
  const copies = [0, HEADER_COPY_BYTES]
  const sealed = before.subarray(-TRAILER_BYTES).subarray(0, 8).equals(before.subarray(0, 8))
  if (sealed && after.length === before.length) copies.push(before.length - TRAILER_BYTES)
  return copies.some((at) => same(before, after, at, HEADER_COPY_BYTES))
}

function same(before: Buffer, after: Buffer, at: number, length: number): boolean {
  return before.subarray(at, at + length).equals(after.subarray(at, at + length))
}

/** Opens a harmed copy twice: what is whole comes out both times, and what is put in between as well. */
async function expectSurvivors(
  original: Original,
  harmed: ReadonlyMap<string, Buffer | undefined>,
  journalHarmed: boolean,
): Promise<void> {
  const folder = await copyOf(original.folder)
  for (const [name, bytes] of harmed) {
    if (bytes === undefined) await rm(join(folder, name))
    else await writeFile(join(folder, name), bytes)
  }
  const whole = survivors(original, harmed)
  const known = new Set(original.records.map(({ text }) => text))
  const first = await openQueue(folder, OPTIONS)
  expectAccounted(original, first, journalHarmed)
  const found = (await first.texts()).map(([, text]) => text ?? '')
  if (journalHarmed) {
    // What was done is sent again; nothing else than what was written comes out.
    expect(found).toEqual(expect.arrayContaining(whole))
    for (const text of found) expect(known).toContain(text)
  } else expect(found).toEqual(whole)
  await first.put('a lane', ['after'])
  await first.queue.close()
  const second = await openQueue(folder, OPTIONS)
  expect(second.lost).toBe(0)
  expect((await second.texts()).map(([, text]) => text)).toEqual([...found, 'after'])
  await second.queue.close()
  await rm(folder, { recursive: true })
}

/** Every acknowledged batch is found, or reported as lost: by its items where they are known, as one batch where not. */
function expectAccounted({ records }: Original, { recovered, logged, lost }: OpenQueue, journalHarmed: boolean): void {
  const batches = records.filter(({ settled }) => !settled).length
  // Of segments that are gone because they were done, a harmed journal may not say so.
  if (journalHarmed) return expect(lost).toBeLessThanOrEqual(3 * (records.length - batches))
  const reported = logged.find(({ message }) =>
    message.includes('acknowledged records are missing from the queue'),
  )?.fields
  const missing = Number(reported?.['batches'] ?? 0)
  expect(recovered.length + missing).toBe(batches)
  expect(lost).toBe(reported?.['records'] ?? 0)
  expect(lost).toBeGreaterThanOrEqual(missing)
  expect(lost).toBeLessThanOrEqual(3 * missing)
}

const aText = fc.string({ minLength: 1, maxLength: 300, unit: 'binary' })
const someTexts = fc.uniqueArray(aText, { minLength: 12, maxLength: 40 })

const aPlace = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const aHarm: fc.Arbitrary<Harm> = fc.oneof(
  aPlace.map(
    (place): Harm =>
      (bytes) =>
        bytes.subarray(0, Math.floor(place * bytes.length)),
  ),
  fc.tuple(aPlace, fc.nat(7)).map(
    ([place, bit]): Harm =>
      (bytes) =>
        changedAt(bytes, place, 1, (byte) => byte ^ (1 << bit)),
  ),
  fc.tuple(aPlace, fc.constantFrom(16, 512, 4_096)).map(
    ([place, length]): Harm =>
      (bytes) =>
        changedAt(bytes, place, length, () => 0),
  ),
  fc.tuple(aPlace, fc.uint8Array({ minLength: 1, maxLength: 600 })).map(
    ([place, noise]): Harm =>
      (bytes) =>
        changedAt(bytes, place, noise.length, (_, at) => noise[at] ?? 0),
  ),
  fc.uint8Array({ minLength: 1, maxLength: 600 }).map(
    (noise): Harm =>
      (bytes) =>
        Buffer.concat([bytes, noise]),
  ),
  fc.constant<Harm>(() => Buffer.alloc(0)),
  fc.constant<Harm>(() => undefined),
)

function changedAt(bytes: Buffer, place: number, length: number, change: (byte: number, at: number) => number): Buffer {
  const changed = Buffer.from(bytes)
  const from = Math.floor(place * bytes.length)
  for (let at = 0; at < length && from + at < bytes.length; at++)
    changed[from + at] = change(changed[from + at] ?? 0, at)
  return changed
}

/** One segment of them, not sealed. */
async function fewRecords() {
  const original = await write(['one', 'two', 'three'], 3)
  const name = [...original.files.keys()].find((name) => name.endsWith('.segment')) ?? ''
  return { original, name, bytes: original.files.get(name) ?? Buffer.alloc(0) }
}

describe('a queue on disk', () => {
  test('delivers every whole record of a damaged segment, and confines the damage', async () => {
    await fc.assert(
      fc.asyncProperty(someTexts, fc.integer({ min: 2, max: 6 }), aHarm, fc.nat(), async (texts, each, harm, pick) => {
        const original = await write(texts, each)
        const segments = [...original.files.keys()].filter((name) => name.endsWith('.segment'))
        const name = segments[pick % segments.length] ?? ''
        await expectSurvivors(original, new Map([[name, harm(original.files.get(name) ?? Buffer.alloc(0))]]), false)
        await rm(original.folder, { recursive: true })
      }),
      { numRuns: 100 },
    )
  }, 120_000)

  test('sends again at most the settled records when its journal is damaged', async () => {
    await fc.assert(
      fc.asyncProperty(someTexts, aHarm, async (texts, harm) => {
        const original = await write(texts, 3)
        const name = [...original.files.keys()].find((name) => name.endsWith('.log')) ?? ''
        await expectSurvivors(original, new Map([[name, harm(original.files.get(name) ?? Buffer.alloc(0))]]), true)
        await rm(original.folder, { recursive: true })
      }),
      { numRuns: 50 },
    )
  }, 120_000)

  test('is cut at every byte, and every record before the cut is recovered', async () => {
    const { original, name, bytes } = await fewRecords()
    for (let at = 0; at <= bytes.length; at++)
      await expectSurvivors(original, new Map([[name, bytes.subarray(0, at)]]), false)
  }, 120_000)

  test('has each single bit flipped in turn, and loses only the record with that bit', async () => {
    const { original, name, bytes } = await fewRecords()
    for (let at = 0; at < bytes.length; at++) {
      const flipped = Buffer.from(bytes)
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8))
      await expectSurvivors(original, new Map([[name, flipped]]), false)
    }
  }, 120_000)
})
