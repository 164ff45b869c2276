// A disk has room for more records than the heap has for batches: the rest waits on disk alone, and is paged in.
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { AdoptingQueue } from '../../../../../src/delivery/adoption/adopting-queue.ts'
import { Adoption } from '../../../../../src/delivery/adoption/adoption.ts'
import type { Queue } from '../../../../../src/delivery/contract/queue.ts'
import { openDeadLetters } from '../../../../../src/delivery/dead-letters/dead-letters.ts'
import { DiskQueue, type DiskQueueOptions } from '../../../../../src/delivery/queue/disk/disk-queue.ts'
import { silentLogger } from '../../../../../src/telemetry/logger.ts'
import { DeliveryHarness, type DeliverySetup, type SentRequest } from '../../../../fakes/delivery.ts'
import { fault, taken } from '../../../../fakes/sender.ts'
import { copyOf, filesWith, newFolder, withoutSync } from './queue-fixture.ts'

const WITHIN = { timeout: 25_000, interval: 20 }
/** Some 300 batches in each share of the window. */
const HEAP_BYTES = 800_000
const WINDOW = 300
const RECORDS = 1_500

interface Setting {
  readonly harness: DeliveryHarness
  readonly queue: DiskQueue
  readonly folder: string
}

function optionsOf(directory: string): DiskQueueOptions {
  return {
    directory,
    capacityBytes: 64 * 1_048_576,
    segmentBytes: 65_536,
    memoryBytes: 1_048_576,
    fsync: true,
    bound: undefined,
    files: withoutSync,
    settledForMs: 50,
  }
}

async function setting(
  folder: string,
  options: Partial<DiskQueueOptions> = {},
  setup: DeliverySetup = {},
  wrap: (queue: DiskQueue) => Queue = (queue) => queue,
): Promise<Setting> {
  let made: DiskQueue | undefined
  const harness = new DeliveryHarness({
    flushIntervalMs: 10,
    backoff: { initialMs: 20, multiplier: 1.5, maxMs: 200 },
    heapBytes: HEAP_BYTES,
    ...setup,
    makeQueue(budget) {
      const owner = { counters: () => ({}), restore() {}, lost() {}, fatal() {} }
      made = new DiskQueue({ ...optionsOf(folder), ...options }, owner, budget, silentLogger)
      return wrap(made)
    },
  })
  onTestFinished(() => harness.delivery.shutdown(AbortSignal.abort(), true))
  await harness.delivery.start((key) => key)
  if (made === undefined) throw new Error('no queue was made')
  return { harness, queue: made, folder }
}

/** One-record requests, to one lane after the other, whose senders wait for `queued` only. */
async function sendEach(
  harness: DeliveryHarness,
  lanes: readonly string[],
  prefix: string,
  count = RECORDS,
  atOnce = 100,
): Promise<void> {
  const requests: SentRequest[] = []
  for (let i = 0; i < count; i++) {
    requests.push(harness.send({ [lanes[i % lanes.length] ?? '']: [{ text: `${prefix}${i}` }] }, { queuedOnly: true }))
    if (i % atOnce === atOnce - 1)
      await vi.waitUntil(() => requests.every(({ queued }) => queued !== undefined), WITHIN)
  }
  await vi.waitUntil(() => requests.every(({ queued }) => queued !== undefined), WITHIN)
  expect(requests.every(({ queued }) => queued === 'stored')).toBe(true)
}

/** How often each text was taken: `{ once, more }`. */
function deliveries(harness: DeliveryHarness, after = 0): { once: number; more: number } {
  const times = new Map<string, number>()
  for (const { texts } of harness.sender.puts.slice(after))
    for (const text of texts) times.set(text, (times.get(text) ?? 0) + 1)
  const once = [...times.values()].filter((n) => n === 1).length
  return { once, more: times.size - once }
}

function names(count: number, group = (i: number) => `g${i}`): string[] {
  return Array.from({ length: count }, (_, i) => `${group(i)}/s`)
}

test('records that do not fit in the heap are accepted, wait on disk, and are delivered once in the end', async () => {
  const { harness, queue } = await setting(await newFolder())
  harness.sender.respond = () => fault('account')
  await sendEach(harness, names(5), 'x')
  expect(harness.budget.heapUsed).toBeLessThanOrEqual(HEAP_BYTES)
  expect(queue.pagedOut.records).toBeGreaterThan(RECORDS - 2 * WINDOW)
  expect(harness.ledger).toMatchObject({ received: RECORDS, queued: RECORDS })
  expect(harness.delivery.oldestEnqueuedAtMs).toBeGreaterThan(0)

  const failed = harness.sender.puts.length
  harness.sender.respond = () => taken
  await vi.waitUntil(() => harness.ledger.queued === 0, WITHIN)
  const sent = deliveries(harness, failed)
  // The puts that were under way when the account came back failed still.
  expect(sent.once + sent.more).toBe(RECORDS)
  expect(harness.ledger.delivered).toBe(RECORDS)
  expect([queue.pagedOut.records, queue.pagedOut.lanes.size, queue.pagedOut.sinceMs]).toEqual([0, 0, undefined])
  expect([harness.budget.used, harness.budget.heapUsed]).toEqual([0, 0])
})

test('a directory of many records opens within the window, and is drained to the last one', async () => {
  const folder = await newFolder()
  const first = await setting(folder)
  first.harness.sender.respond = () => fault('account')
  await sendEach(first.harness, names(3), 'x')
  const copy = await copyOf(folder)

  const { harness, queue } = await setting(copy, {}, { maxConcurrentPuts: 2 })
  expect(harness.ledger.queued + harness.ledger.delivered).toBe(RECORDS)
  expect(queue.pagedOut.records).toBeGreaterThanOrEqual(RECORDS - 2 * WINDOW)
  expect(harness.budget.heapUsed).toBeLessThanOrEqual(HEAP_BYTES)
  await vi.waitUntil(() => harness.ledger.queued === 0, WITHIN)
  expect(deliveries(harness)).toEqual({ once: RECORDS, more: 0 })
  const left = async () => (await readdir(copy)).filter((name) => name.endsWith('.segment')).length
  await vi.waitUntil(async () => (await left()) === 0, WITHIN)
})

test('a kill while half is drained repeats nothing that was acknowledged, and loses nothing', async () => {
  const folder = await newFolder()
  const first = await setting(folder)
  first.harness.sender.respond = () => fault('account')
  await sendEach(first.harness, names(3), 'x')
  first.harness.sender.respond = () => taken
  await vi.waitUntil(() => first.harness.ledger.delivered > RECORDS / 2, WITHIN)
  first.harness.sender.hold()
  await first.queue.flush()
  const copy = await copyOf(folder)
  const { delivered } = first.harness.ledger

  const { harness } = await setting(copy)
  expect(harness.ledger.queued + harness.ledger.delivered).toBe(RECORDS - delivered)
  await vi.waitUntil(() => harness.ledger.queued === 0, WITHIN)
  expect(deliveries(harness)).toEqual({ once: RECORDS - delivered, more: 0 })
})

test('a kill after the journal was rewritten keeps paged-out records', async () => {
  const folder = await newFolder()
  const first = await setting(folder, { compactBytes: 1 })
  first.harness.sender.respond = ({ group }) => (group === 'g0' ? taken : fault('group'))
  await sendEach(first.harness, names(3), 'x')
  await vi.waitUntil(() => first.harness.ledger.delivered === RECORDS / 3, WITHIN)
  await first.queue.flush()
  const copy = await copyOf(folder)
  const { harness } = await setting(copy)
  expect(harness.ledger.queued + harness.ledger.delivered).toBe((RECORDS * 2) / 3)
  await vi.waitUntil(() => harness.ledger.queued === 0, WITHIN)
  expect(deliveries(harness)).toEqual({ once: (RECORDS * 2) / 3, more: 0 })
})

test('lanes that cannot be sent leave the window to the others, whose new and old records are sent', async () => {
  const { harness, queue } = await setting(await newFolder())
  harness.sender.respond = () => fault('account')
  await sendEach(harness, ['bad/s', 'bad/t', 'good/s'], 'old')
  harness.sender.respond = ({ group }) => (group === 'bad' ? fault('group') : taken)
  await sendEach(harness, ['bad/s', 'good/s', 'fine/s'], 'new')
  await vi.waitUntil(() => harness.ledger.delivered === RECORDS, WITHIN)
  expect(queue.pagedOut.records).toBeGreaterThan(RECORDS - 2 * WINDOW)

  harness.sender.respond = () => taken
  await vi.waitUntil(() => harness.ledger.queued === 0, WITHIN)
  expect(harness.ledger.delivered).toBe(2 * RECORDS)
  expect([harness.budget.used, harness.budget.heapUsed]).toEqual([0, 0])
})

test('a lane that fails while it is drained gives the window back', async () => {
  const { harness } = await setting(await newFolder())
  harness.sender.respond = () => fault('account')
  await sendEach(harness, ['bad/s'], 'a')
  await sendEach(harness, ['good/s'], 'b')
  // One put of each is taken, so that their lanes are known to work and are paged in.
  let takenOfBad = 0
  harness.sender.respond = ({ group, texts }) => {
    if (group !== 'bad') return taken
    takenOfBad += texts.length
    return takenOfBad > RECORDS / 10 ? fault('group') : taken
  }
  await vi.waitUntil(() => harness.sender.sentTo('good/s').length >= RECORDS, WITHIN)
  expect(harness.ledger.queued).toBeGreaterThan(RECORDS / 2)
})

test('records of a stuck lane that have no batch are moved out of sparse segments too', async () => {
  const { harness, queue, folder } = await setting(await newFolder(), { segmentBytes: 16_384 })
  harness.sender.respond = ({ group }) => (group === 'bad' ? fault('group') : taken)
  const lanes = ['bad/s', ...names(9)]
  await sendEach(harness, lanes, 'x', 4_000)
  await vi.waitUntil(() => harness.ledger.delivered === 3_600, WITHIN)
  const bytesOfStuck = 400 * 120
  await vi.waitUntil(() => queue.usedBytes < 4 * bytesOfStuck, WITHIN)
  expect(queue.relocatedBytes).toBeGreaterThan(0)
  expect(queue.pagedOut.records).toBeGreaterThan(0)
  await harness.delivery.shutdown(AbortSignal.abort(), true)
  const next = await setting(folder)
  expect(next.harness.ledger.queued + next.harness.ledger.delivered).toBe(400)
  await vi.waitUntil(() => next.harness.ledger.queued === 0, WITHIN)
  expect(deliveries(next.harness)).toEqual({ once: 400, more: 0 })
  expect([next.harness.budget.used, next.harness.budget.heapUsed]).toEqual([0, 0])
})

test('records of new streams are refused while those on disk are of too many, and taken again later', async () => {
  const { harness, queue } = await setting(await newFolder())
  harness.sender.hold()
  const lanes = names(2_000)
  const refused: string[] = []
  for (let at = 0; at < lanes.length; at += 50) {
    const requests = lanes
      .slice(at, at + 50)
      .map((lane) => ({ lane, request: harness.send({ [lane]: [{ text: lane }] }, { queuedOnly: true }) }))
    await vi.waitUntil(() => requests.every(({ request }) => request.queued !== undefined), WITHIN)
    refused.push(...requests.filter(({ request }) => request.queued === 'budget_full').map(({ lane }) => lane))
  }
  // An eighth of the heap for bookkeeping, 800,000 bytes, at 133 or so a stream, and the window.
  expect(queue.pagedOut.lanes.size).toBeLessThan(800)
  expect(refused.length).toBeGreaterThan(500)
  expect(refused).toHaveLength(lanes.length - harness.ledger.queued)
  const known = [...queue.pagedOut.lanes.keys()][0] ?? ''
  const more = harness.send({ [known]: [{ text: 'more' }] }, { queuedOnly: true })
  await vi.waitUntil(() => more.queued !== undefined, WITHIN)
  expect(more.queued).toBe('stored')

  harness.sender.resume()
  await vi.waitUntil(() => harness.ledger.queued === 0, WITHIN)
  await sendEach(harness, refused.slice(0, 100), 'again', 100)
  await vi.waitUntil(() => harness.ledger.queued === 0, WITHIN)
  expect(deliveries(harness)).toEqual({ once: lanes.length - refused.length + 101, more: 0 })
})

test('a flush waits for records without a batch too', async () => {
  const { harness } = await setting(await newFolder())
  harness.sender.respond = () => fault('account')
  await sendEach(harness, names(2), 'x')
  harness.sender.respond = () => taken
  await harness.delivery.flush(AbortSignal.timeout(WITHIN.timeout))
  expect(harness.ledger.delivered).toBe(RECORDS)
})

test('each waiting sender gets the outcome of its record, however many there are', async () => {
  const { harness } = await setting(await newFolder())
  harness.sender.respond = () => fault('account')
  const requests = Array.from({ length: 1_000 }, (_, i) => harness.send({ 'g/s': [{ text: `x${i}` }] }))
  await vi.waitUntil(() => requests.every(({ queued }) => queued === 'stored'), WITHIN)
  harness.sender.respond = () => taken
  await vi.waitUntil(() => requests.every(({ outcomes }) => outcomes['delivered'] === 1), WITHIN)
  expect(harness.budget.heapUsed).toBe(0)
})

test('the disk use of a stuck lane counts: it does not take the queue from others', async () => {
  const { harness, queue } = await setting(
    await newFolder(),
    { capacityBytes: 400_000, segmentBytes: 16_384 },
    { onLaneFull: 'reject' },
  )
  harness.sender.respond = ({ group }) => (group === 'bad' ? fault('group', { lasting: true }) : taken)
  let rejected = 0
  for (let i = 0; i < 6_000; i++) {
    const request = harness.send({ 'bad/s': [{ text: `bad${i} ${'x'.repeat(60)}` }] }, { queuedOnly: true })
    await vi.waitUntil(() => request.queued !== undefined, { ...WITHIN, interval: 1 })
    if (i % 100 === 0) harness.send({ 'good/s': [{ text: `good${i}` }] }, { queuedOnly: true })
    if (request.rejectedLanes.length > 0) rejected++
    if (rejected > 50) break
  }
  expect(rejected).toBeGreaterThan(50)
  expect(queue.usedBytes).toBeLessThan(400_000)
  const good = harness.send({ 'good/s': [{ text: 'last' }] })
  await vi.waitUntil(() => good.outcomes['delivered'] === 1, WITHIN)
})

test('an index that cannot be read now is read later, and nothing is given up', async () => {
  const folder = await newFolder()
  const first = await setting(folder)
  first.harness.sender.respond = () => fault('account')
  await sendEach(first.harness, names(3), 'x')
  const copy = await copyOf(folder)
  let sick = false
  const files = filesWith({
    async open(path, flags) {
      if (sick && path.endsWith('.segment') && flags === 'r')
        throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' })
      return withoutSync.open(path, flags)
    },
  })
  const { harness } = await setting(copy, { files, rereadAfterMs: [200, 200, 200, 200, 200, 200] })
  sick = true
  await new Promise((resolve) => setTimeout(resolve, 600))
  sick = false
  await vi.waitUntil(() => harness.ledger.queued === 0, WITHIN)
  expect(harness.ledger.delivered).toBe(RECORDS)
})

test('a segment that is gone for good counts as lost, and the others are delivered', async () => {
  const folder = await newFolder()
  const first = await setting(folder, { segmentBytes: 16_384 })
  first.harness.sender.respond = () => fault('account')
  await sendEach(first.harness, names(3), 'x')
  const copy = await copyOf(folder)
  const { harness, queue } = await setting(copy, { rereadAfterMs: [50, 50] }, { maxConcurrentPuts: 1 })
  harness.sender.hold()
  const segments = (await readdir(copy)).filter((name) => name.endsWith('.segment')).toSorted()
  expect(segments.length).toBeGreaterThan(2)
  // The last but one: of the first some records have their batches already.
  await rm(join(copy, segments.at(-2) ?? ''))
  harness.sender.respond = () => taken
  harness.sender.resume()
  await vi.waitUntil(() => harness.ledger.queued === 0, WITHIN)
  expect(harness.ledger.lost.quarantined).toBeGreaterThan(100)
  expect(harness.ledger.delivered + harness.ledger.lost.quarantined).toBe(RECORDS)
  expect(queue.pagedOut.records).toBe(0)
  expect([harness.budget.used, harness.budget.heapUsed]).toEqual([0, 0])
})

test.each([
  ['small records of many lanes', 30, 100, 3_000],
  ['records of 50 KB', 20, 50_000, 400],
  ['large records, of which few fit into memory', 8, 700_000, 60],
])('each byte of a backlog is read about once: %s', async (_, lanes, textBytes, count) => {
  let readBytes = 0
  const files = filesWith({ syncDirectory: async () => {} }, (opened) => ({
    sync: async () => {},
    async read(position, length) {
      readBytes += length
      return opened.read(position, length)
    },
  }))
  const options = { files, segmentBytes: 1_048_576, memoryBytes: 65_536, capacityBytes: 256 * 1_048_576 }
  const { harness, queue } = await setting(await newFolder(), options, { budgetBytes: 32 * 1_048_576 })
  harness.sender.respond = () => fault('account')
  const padding = 'x'.repeat(textBytes)
  const atOnce = Math.min(100, Math.ceil(4_000_000 / textBytes))
  await sendEach(harness, names(lanes), padding, count, atOnce)
  const storedBytes = queue.usedBytes
  readBytes = 0
  harness.sender.respond = () => taken
  await vi.waitUntil(() => harness.ledger.queued === 0, WITHIN)
  expect(harness.ledger.delivered).toBe(count)
  expect(readBytes).toBeLessThan(1.5 * storedBytes)
})

test('a directory that another process left is adopted a window at a time, and released at the end', async () => {
  const folder = await newFolder()
  const first = await setting(folder)
  first.harness.sender.respond = () => fault('account')
  await sendEach(first.harness, names(5), 'x')
  await first.harness.delivery.shutdown(AbortSignal.abort(), true)

  const own = await newFolder()
  let adopting: AdoptingQueue | undefined
  const { harness } = await setting(own, {}, {}, (queue) => (adopting = new AdoptingQueue(queue, silentLogger)))
  if (adopting === undefined) throw new Error('no queue was made')
  const released = vi.fn(async () => {})
  const left = [{ path: folder, release: released }]
  const openLetters = async () => {
    const options = { directory: await newFolder(), capacityBytes: 1e6, fsync: false }
    const letters = openDeadLetters(
      options,
      () => {},
      () => {},
      harness.budget,
      silentLogger,
    )
    await letters.open()
    return letters
  }
  const letters = await openLetters()
  const adoption = new Adoption(
    {
      nextAbandoned: async () => left.pop(),
      openQueue: (directory, counters) =>
        new DiskQueue(optionsOf(directory), { ...counters, fatal() {} }, harness.budget, silentLogger),
      openLetters: async () => openLetters(),
      queue: adopting,
      letters,
      ledger: { async merge() {}, moved() {}, lost() {} },
      addRecovered: (found, pagedOut) => harness.delivery.addRecovered(found, pagedOut),
      reader: harness.delivery.reader,
    },
    silentLogger,
  )
  adoption.start()
  await vi.waitUntil(() => harness.ledger.delivered === RECORDS, WITHIN)
  await vi.waitUntil(() => released.mock.calls.length === 1, WITHIN)
  expect(deliveries(harness)).toEqual({ once: RECORDS, more: 0 })
  expect([harness.budget.used, harness.budget.heapUsed, adopting.adopted]).toEqual([0, 0, 0])
  await adoption.close()
  await letters.close()
})
