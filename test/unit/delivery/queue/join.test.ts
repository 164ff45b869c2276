// Small requests of one lane share a batch.
import { spawnSync } from 'node:child_process'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { DeliveryHarness, IDLE } from '../../../fakes/delivery.ts'
import { itemBatch, namedItems } from '../../../fakes/items.ts'
import { fault, refused, settledPromises, taken } from '../../../fakes/sender.ts'
import { ByteBudget } from '../../../../src/component/byte-budget.ts'
import type { QueuedBatch } from '../../../../src/delivery/contract/queue.ts'
import { MemoryQueue } from '../../../../src/delivery/queue/memory-queue.ts'

describe('waiting requests of one lane', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  /** Requests of one item each, whose senders do not wait. */
  function sendEach(harness: DeliveryHarness, lane: string, count: number, prefix = 'x'): string[] {
    return Array.from({ length: count }, (_, i) => {
      harness.send({ [lane]: [{ text: `${prefix}${i}` }] }, { queuedOnly: true })
      return `${prefix}${i}`
    })
  }

  test('are sent in their order, each once', async () => {
    const harness = new DeliveryHarness()
    const texts = sendEach(harness, 'g/s', 3_000)
    await vi.advanceTimersByTimeAsync(1_001)
    expect(harness.sender.sentTo('g/s')).toEqual(texts)
    expect(harness.ledger.delivered).toBe(3_000)
    expect(harness.idle).toEqual(IDLE)
  })

  test('take few objects, and give everything back', async () => {
    const harness = new DeliveryHarness({ flushIntervalMs: 60_000 })
    sendEach(harness, 'g/s', 3_000)
    // 3,000 records of 5 bytes and 24 bytes of index, in chunks of at most 64 KiB: two objects, up to half of each free.
    expect(harness.budget.heapUsed).toBeLessThan(10_000)
    expect(harness.budget.used).toBeLessThan(3_000 * 80)
    await vi.advanceTimersByTimeAsync(60_001)
    expect([harness.budget.used, harness.budget.heapUsed]).toEqual([0, 0])
  })

  test('that are taken while others are in flight keep their order, also after a failure', async () => {
    const harness = new DeliveryHarness()
    harness.sender.hold()
    const first = sendEach(harness, 'g/s', 10, 'a')
    await vi.advanceTimersByTimeAsync(1_001)
    const second = sendEach(harness, 'g/s', 10, 'b')
    harness.sender.held.shift()?.answer(fault('stream'))
    harness.sender.resume()
    await settledPromises()
    const third = sendEach(harness, 'g/s', 10, 'c')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(harness.sender.sentTo('g/s').slice(10)).toEqual([...first, ...second, ...third])
    expect(harness.idle).toEqual(IDLE)
  })

  test('are rejected and isolated one by one', async () => {
    const harness = new DeliveryHarness()
    harness.sender.respond = ({ texts }) => (texts.includes('x7') ? refused() : taken)
    sendEach(harness, 'warm/s', 1)
    sendEach(harness, 'g/s', 20)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(harness.ledger).toMatchObject({ delivered: 20, rejected: { poison: 1 } })
    expect(harness.idle).toEqual(IDLE)
  })

  test('one whose sender waits for the result stays separate, and gets only its own result', async () => {
    const harness = new DeliveryHarness()
    sendEach(harness, 'g/s', 5, 'a')
    const awaited = harness.send({ 'g/s': namedItems('b', 2) })
    sendEach(harness, 'g/s', 5, 'c')
    await vi.advanceTimersByTimeAsync(1_001)
    expect(awaited.settlements).toEqual([['delivered', 2]])
    expect(harness.sender.sentTo('g/s').map((text) => text[0])).toEqual('aaaaabbccccc'.split(''))
  })

  test('are not part of a flush that began before they arrived', async () => {
    const harness = new DeliveryHarness({ flushIntervalMs: 60_000 })
    harness.sender.hold()
    sendEach(harness, 'g/s', 5, 'a')
    const flushed = harness.delivery.flush(new AbortController().signal)
    sendEach(harness, 'g/s', 5, 'b')
    harness.sender.held.shift()?.answer(taken)
    await flushed
    expect(harness.ledger).toMatchObject({ delivered: 5, queued: 5 })
    harness.sender.resume()
  })

  test('of different ages stay separate, so that each expires at its own time', async () => {
    const harness = new DeliveryHarness({ policy: { maxWaitMs: 20_000 } })
    await harness.delivery.start((key) => key)
    harness.sender.respond = () => fault('group', { lasting: true })
    sendEach(harness, 'g/s', 1, 'a')
    await vi.advanceTimersByTimeAsync(15_000)
    sendEach(harness, 'g/s', 1, 'b')
    await vi.advanceTimersByTimeAsync(8_000)
    expect(harness.ledger).toMatchObject({ lost: { expired: 1 }, queued: 1 })
    await harness.delivery.shutdown(AbortSignal.abort(), false)
  })

  test('stay separate where the queue is bounded in requests', async () => {
    const harness = new DeliveryHarness({
      makeQueue: (budget) => new MemoryQueue(budget, { unit: 'requests', most: 10 }),
    })
    sendEach(harness, 'g/s', 12)
    expect(harness.queue.size).toBe(10)
    await vi.advanceTimersByTimeAsync(1_001)
    expect([harness.ledger.delivered, harness.queue.size]).toEqual([10, 0])
  })
})

test('the buffers of joined requests are freed at once, when they are copied and when they are settled', () => {
  const queue = new MemoryQueue(new ByteBudget(1_000_000))
  const stored: QueuedBatch[] = []
  const add = (text: string) => {
    // A buffer of its own: short Buffers are part of one that others share.
    const items = { ...itemBatch([{ text }]), bytes: new TextEncoder().encode(text) }
    const reservation = queue.reserve([{ lane: 'g/s', items }])
    if (reservation.kind !== 'reserved') throw new Error(reservation.message)
    reservation.commit((batches) => 'kind' in batches || stored.push(...batches))
  }
  const buffers = ({ items }: QueuedBatch) => [items?.bytes.buffer, items?.index.buffer]
  const sizes = (of: readonly (ArrayBufferLike | undefined)[]) => of.map((buffer) => buffer?.byteLength)
  for (const text of ['one', 'two', 'three']) add(text)
  const [chunk, second, third] = stored as [QueuedBatch, QueuedBatch, QueuedBatch]

  const first = buffers(chunk)
  queue.join(chunk, second)
  expect(sizes(first)).toEqual([0, 0])
  queue.join(chunk, third)
  const joined = buffers(chunk)
  expect(sizes(joined)).not.toContain(0)
  queue.settle(chunk, 0, 3)
  expect(sizes(joined)).toEqual([0, 0])
})

test('a queue of many lanes is full by its bookkeeping, and names that reason', () => {
  const queue = new MemoryQueue(new ByteBudget(1_048_576, 24_000))
  const items = { kind: 1, count: 1, bytes: Buffer.from('x'), index: new Float64Array([1, 0, 27]) } as const
  const outcomes = Array.from({ length: 11 }, (_, i) => queue.reserve([{ lane: `l${i}`, items }]))
  expect(outcomes.filter(({ kind }) => kind === 'reserved')).toHaveLength(10)
  expect(outcomes.at(-1)).toMatchObject({
    kind: 'retry',
    cause: 'budget_full',
    message: 'the queue is full (24000 of 24000 bytes of heap for bookkeeping); the records were not accepted',
  })
  expect(queue.fullness).toBe(1)
})

test('a waiting request of one record costs at most 150 bytes of heap beside its event', () => {
  // In a process of its own, where nothing else allocates.
  const script = `
    import { DeliveryHarness } from ${JSON.stringify(new URL('../../../fakes/delivery.ts', import.meta.url).href)}
    const harness = new DeliveryHarness({ budgetBytes: 2 ** 30, flushIntervalMs: 3_600_000, policy: { maxItems: 1e9, maxCountedBytes: 1e12 } })
    const send = (n) => { for (let i = 0; i < n; i++) harness.send({ 'g/s': [{ text: 'x'.repeat(200) }] }, { queuedOnly: true }) }
    send(2_000)
    const held = () => { globalThis.gc(); const { heapUsed, arrayBuffers } = process.memoryUsage(); return heapUsed + arrayBuffers }
    const before = held()
    send(50_000)
    console.log((held() - before) / 50_000 - 200)
    process.exit(0)`
  const { stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', '--input-type=module', '-e', script], {
    encoding: 'utf8',
  })
  expect(stderr).toBe('')
  expect(Number(stdout)).toBeLessThan(150)
})

test.each([
  ['a', 'a', 'a'],
  ['a', 'b', undefined],
  ['a', undefined, undefined],
  [undefined, undefined, 'none'],
])('a batch with the tag %s is joined by one with the tag %s: %s', (first, second, joined) => {
  const queue = new MemoryQueue(new ByteBudget(1_048_576))
  const [into, batch] = [first, second].map((tag) => {
    const reserved = queue.reserve([{ lane: 'g:s', items: itemBatch([{ text: 'x' }], tag) }])
    let stored: readonly QueuedBatch[] = []
    if (reserved.kind === 'reserved')
      reserved.commit((batches) => {
        if (!('kind' in batches)) stored = batches
      })
    return stored[0]
  })
  if (into === undefined || batch === undefined) return expect.fail('not queued')
  expect(queue.join(into, batch)).toBe(joined === undefined ? undefined : 1)
  expect(into.items?.tag).toBe(first)
})
