// Acknowledged records that are missing are reported and counted once; records that were never acknowledged are not.
import { appendFile, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import type { DiskBatch } from '../../../../../src/delivery/queue/disk/segments/disk-batch.ts'
import { HEADER_BYTES } from '../../../../../src/delivery/queue/disk/format/format.ts'
import { copyOf, filesWith, newFolder, type OpenQueue, openQueue } from './queue-fixture.ts'

const WITHIN = { timeout: 20_000, interval: 10 }
const MISSED = 'acknowledged records are missing from the queue'

/** Batches of three items, each in a segment of its own but for the last, which shares its one with a fourth. */
async function threeSegments() {
  const folder = await newFolder()
  const open = await openQueue(folder)
  const batches: DiskBatch[] = []
  for (const text of ['a', 'b']) batches.push(await open.put('lane', [text, text.repeat(5_000), text]))
  for (const text of ['c', 'd']) batches.push(await open.put('lane', [text, text.repeat(50), text]))
  await open.queue.flush()
  return { open, folder, batches, left: await copyOf(folder) }
}

async function change(file: string, at: number): Promise<void> {
  const bytes = await readFile(file)
  bytes[at] = (bytes[at] ?? 0) ^ 1
  await writeFile(file, bytes)
}

function reportedLosses(open: OpenQueue) {
  return open.linesWith(MISSED).map(({ fields: { ids, batches, records, batchesOfUnknownSize } }) => ({
    ids,
    batches,
    records,
    batchesOfUnknownSize,
  }))
}

async function segmentsIn(folder: string): Promise<number> {
  return (await readdir(folder)).filter((name) => name.endsWith('.segment')).length
}

const segment = (number: number) => `000000000${number}.segment`

test('a queue that lost nothing reports nothing', async () => {
  const { left } = await threeSegments()
  const open = await openQueue(left)
  expect(open.recovered).toHaveLength(4)
  expect([open.lost, reportedLosses(open)]).toEqual([0, []])
})

describe('a segment that is gone', () => {
  test.each([
    ['the first', 1, '1', 1],
    ['one in the middle', 2, '2', 1],
    ['the last', 3, '3-4', 2],
  ])('is counted as lost: %s', async (_, number, ids, batches) => {
    const { left } = await threeSegments()
    await rm(join(left, segment(number)))
    const open = await openQueue(left)
    expect(open.recovered).toHaveLength(4 - batches)
    expect(reportedLosses(open)).toEqual([{ ids, batches, records: batches, batchesOfUnknownSize: batches }])
    expect(open.lost).toBe(batches)
  })

  test('is reported once, and its ids are not reused', async () => {
    const { left } = await threeSegments()
    await rm(join(left, segment(3)))
    const open = await openQueue(left)
    expect((await open.put('lane', ['new'])).id).toBe(5)
    await open.queue.close()
    expect((await openQueue(left)).lost).toBe(0)
  })

  test('is no loss if all of it was settled', async () => {
    const { open, folder, batches } = await threeSegments()
    for (const batch of batches.slice(0, 3)) open.settle(batch)
    await vi.waitUntil(async () => (await segmentsIn(folder)) === 1, WITHIN)
    expect((await openQueue(await copyOf(folder))).lost).toBe(0)
  })

  test('looks like a settled one when the acknowledgements are damaged, and that is reported', async () => {
    const { left } = await threeSegments()
    await rm(join(left, segment(1)))
    await appendFile(join(left, 'acknowledgements-0000000001.log'), 'half an entry')
    const open = await openQueue(left)
    expect(open.lost).toBe(0)
    expect(open.linesWith('acknowledgements are damaged')).toHaveLength(1)
  })
})

test('a missing record between others is counted also without acknowledgements', async () => {
  const { left, batches } = await threeSegments()
  await rm(join(left, 'acknowledgements-0000000001.log'))
  await change(join(left, segment(3)), (batches[2]?.offset ?? 0) + (batches[2]?.length ?? 0) - 20)
  const open = await openQueue(left)
  expect(reportedLosses(open)).toEqual([{ ids: '3', batches: 1, records: 3, batchesOfUnknownSize: 0 }])
})

describe('a segment without an index', () => {
  test('of which a record is damaged gives its number of items', async () => {
    const { left, batches } = await threeSegments()
    await change(join(left, segment(3)), (batches[2]?.offset ?? 0) + (batches[2]?.length ?? 0) - 20)
    const open = await openQueue(left)
    expect(reportedLosses(open)).toEqual([{ ids: '3', batches: 1, records: 3, batchesOfUnknownSize: 0 }])
    expect(open.linesWith('a queue segment is damaged')).toMatchObject([{ level: 'error', fields: { batches: 1 } }])
    expect(open.lost).toBe(3)
  })

  test('of which a record is damaged leaves out the items that were settled', async () => {
    const { open, folder, batches } = await threeSegments()
    const [, , third, fourth] = batches
    if (third === undefined || fourth === undefined) return expect.fail('no batches')
    open.queue.settle(third, 1, 2)
    await open.queue.flush()
    const left = await copyOf(folder)
    await change(join(left, segment(3)), third.offset + third.length - 20)
    await change(join(left, segment(3)), fourth.offset + fourth.length - 20)
    const again = await openQueue(left)
    expect(reportedLosses(again)).toEqual([{ ids: '3-4', batches: 2, records: 5, batchesOfUnknownSize: 0 }])
  })

  test('of which the end is cut off loses the acknowledged records there', async () => {
    const { left, batches } = await threeSegments()
    await truncate(join(left, segment(3)), (batches[3]?.offset ?? 0) + 5)
    const open = await openQueue(left)
    expect(reportedLosses(open)).toEqual([{ ids: '4', batches: 1, records: 1, batchesOfUnknownSize: 1 }])
  })

  test('whose last record was being written is reported, and is no loss', async () => {
    const { left, batches } = await threeSegments()
    // Half of a fifth batch, which was not acknowledged.
    const half = (await readFile(join(left, segment(3)))).subarray(batches[3]?.offset).subarray(0, 60)
    half.writeBigUInt64LE(5n, 8)
    await appendFile(join(left, segment(3)), half)
    const again = await openQueue(left)
    expect([again.recovered.length, again.lost, reportedLosses(again)]).toEqual([4, 0, []])
    expect(again.linesWith('part of a queue segment has no intact record')).toMatchObject([{ level: 'info' }])
    expect(again.queue.quarantinedBytes).toBe(0)
  })
})

test('a segment that cannot be read at all is one batch for each of its ids', async () => {
  const { left } = await threeSegments()
  await writeFile(join(left, segment(3)), Buffer.alloc(HEADER_BYTES * 4))
  const open = await openQueue(left)
  expect(reportedLosses(open)).toEqual([{ ids: '3-4', batches: 2, records: 2, batchesOfUnknownSize: 2 }])
  expect(open.linesWith('is unreadable: set aside')).toHaveLength(1)
})

test('records that were refused because the disk failed are not counted as lost', async () => {
  const folder = await newFolder()
  let failing = false
  const files = filesWith({}, (opened, path) => ({
    sync: () => (failing && path.endsWith('.segment') ? Promise.reject(new Error('EIO')) : opened.sync()),
  }))
  const open = await openQueue(folder, { files })
  await open.put('lane', ['before'])
  failing = true
  await expect(open.put('lane', ['refused'])).rejects.toThrow('storage_failed')
  failing = false
  await open.queue.space.check()
  await open.put('lane', ['after'])
  await open.queue.flush()
  const again = await openQueue(await copyOf(folder))
  expect((await again.texts()).map(([, text]) => text)).toEqual(['before', 'after'])
  expect([again.lost, reportedLosses(again)]).toEqual([0, []])
})

test('a moved record is not counted as lost at its old position or sequence', async () => {
  const folder = await newFolder()
  const open = await openQueue(folder, { settledForMs: 0, segmentBytes: 65_536 })
  const stays = await open.put('lane', ['stays'])
  open.settle(await open.put('lane', ['x'.repeat(70_000)]))
  const others = [await open.put('lane', ['in the next segment '.repeat(200)])]
  await open.queue.relocate()
  expect(stays.sequence).toBeGreaterThan(stays.id)
  others.push(await open.put('lane', ['x'.repeat(70_000)]))
  await open.put('lane', ['last'])
  for (const batch of [stays, ...others]) open.settle(batch)
  await vi.waitUntil(async () => (await segmentsIn(folder)) === 1, WITHIN)
  const again = await openQueue(await copyOf(folder))
  expect((await again.texts()).map(([, text]) => text)).toEqual(['last'])
  expect([again.lost, reportedLosses(again)]).toEqual([0, []])
})
