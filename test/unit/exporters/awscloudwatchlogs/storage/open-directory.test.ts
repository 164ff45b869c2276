// A queue on disk as the exporter opens it: it takes what its bounds say, and gives space back in pieces that fit them.
import { expect, onTestFinished, test } from 'vitest'
import { ByteBudget } from '../../../../../src/component/byte-budget.ts'
import type { LaneItems } from '../../../../../src/delivery/contract/lane-items.ts'
import type { QueuedBatch } from '../../../../../src/delivery/contract/queue.ts'
import type { DiskQueue } from '../../../../../src/delivery/queue/disk/disk-queue.ts'
import { directoryOpener } from '../../../../../src/exporters/awscloudwatchlogs/storage/open-directory.ts'
import { silentLogger } from '../../../../../src/telemetry/logger.ts'
import { itemBatch } from '../../../../fakes/items.ts'
import { temporaryFolder } from '../../../../fakes/temporary-folder.ts'

const MIB = 1_048_576

async function opened(capacityBytes: number, budget: ByteBudget = new ByteBudget(256 * MIB)): Promise<DiskQueue> {
  const path = await temporaryFolder()
  const directory = { path, fsync: false, capacityBytes, nextAbandoned: async () => undefined, release: async () => {} }
  const fatal = (error: Error) => {
    throw error
  }
  const settings = { queueBound: undefined, deadLettersBytes: MIB }
  const owner = { counters: () => ({}), restore() {}, lost() {} }
  const queue = directoryOpener({ directory, fatal }, { settings, budget, logger: silentLogger }).queue(path, owner)
  onTestFinished(() => queue.close())
  await queue.recover()
  return queue
}

/** Undefined if it was refused. */
function put(queue: DiskQueue, batch: LaneItems, mayPageOut = false): Promise<readonly QueuedBatch[] | undefined> {
  const reserved = queue.reserve([batch])
  if (reserved.kind === 'retry') return Promise.resolve(undefined)
  return new Promise((resolve, reject) => {
    reserved.commit((stored) => ('kind' in stored ? reject(new Error(stored.message)) : resolve(stored)), mayPageOut)
  })
}

const records = (bytes: number): LaneItems => ({ lane: 'g:s', items: itemBatch([{ text: 'x'.repeat(bytes) }]) })

test.each([
  ['16 MiB', 16 * MIB],
  ['8 MiB', 8 * MIB],
  ['64 MiB shared by 4 workers', (64 * MIB) / 4],
  ['4 MiB', 4 * MIB],
  ['1 MiB', MIB],
])('a bound of %s takes at least 80 %% of it', async (_, bound) => {
  const queue = await opened(bound)
  let taken = 0
  while ((await put(queue, records(50_000))) !== undefined) taken += 50_000
  expect(taken).toBeGreaterThan(0.8 * bound)
  expect(queue.usedBytes).toBeLessThanOrEqual(bound)
})

test.each([16 * MIB, 8 * MIB])('ten times a bound of %d bytes passes through while it is drained', async (bound) => {
  const queue = await opened(bound)
  let refused = 0
  for (let sent = 0; sent < 10 * bound; sent += 200_000) {
    const stored = await put(queue, records(200_000))
    if (stored === undefined) refused++
    else for (const batch of stored) queue.settle(batch, 0, batch.count)
  }
  expect(refused).toBe(0)
})

test('a record larger than a segment gets its own segment', async () => {
  const queue = await opened(16 * MIB)
  const small = (await put(queue, records(1_000))) ?? []
  const large = (await put(queue, records(5 * MIB))) ?? []
  const after = (await put(queue, records(1_000))) ?? []
  const segments = [...small, ...large, ...after].map((batch) => 'segment' in batch && batch.segment)
  expect(new Set(segments).size).toBe(3)
})

test('a small bound frees the room of settled records, also while one record waits for long', async () => {
  const queue = await opened(4 * MIB)
  for (let i = 0; i < 1_000; i++) {
    const stored = (await put(queue, records(20_000))) ?? expect.fail(`record ${i} was refused`)
    if (i > 0) for (const batch of stored) queue.settle(batch, 0, batch.count)
  }
})

test('indexes only as many records in memory as the heap allows; the others are accepted too', async () => {
  const budget = new ByteBudget(64 * MIB, 50_000)
  const queue = await opened(64 * MIB, budget)
  for (let i = 0; i < 200; i++) expect(await put(queue, records(100), true)).toBeDefined()
  expect(queue.pagedOut.records).toBeGreaterThan(150)
  expect(budget.heapUsed).toBeGreaterThan(10_000)
  expect(budget.heapUsed).toBeLessThanOrEqual(50_000)
})

test('frees the heap of settled records', async () => {
  const budget = new ByteBudget(64 * MIB, 50_000)
  const queue = await opened(64 * MIB, budget)
  const stored = (await put(queue, records(100))) ?? []
  expect(budget.heapUsed).toBeGreaterThan(1_000)
  for (const batch of stored) queue.settle(batch, 0, batch.count)
  expect(budget.heapUsed).toBe(0)
})
