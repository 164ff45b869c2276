// Small requests of one lane share a batch.
import { spawnSync } from 'node:child_process'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { DeliveryUnderTest, IDLE } from '../../../fakes/delivery.ts'
import { itemBatch, namedItems } from '../../../fakes/items.ts'
import { fault, refused, settledPromises, taken } from '../../../fakes/sender.ts'
import { ByteBudget } from '../../../../src/component/byte-budget.ts'
import type { QueuedBatch } from '../../../../src/delivery/contract/queue.ts'
import { MemoryQueue } from '../../../../src/delivery/queue/memory-queue.ts'

describe('requests of one lane that wait', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  /** Requests of one item each, which nobody waits for. */
  function sendEach(under: DeliveryUnderTest, lane: string, count: number, prefix = 'x'): string[] {
    return Array.from({ length: count }, (_, i) => {
      under.send({ [lane]: [{ text: `${prefix}${i}` }] }, { queuedOnly: true })
      return `${prefix}${i}`
    })
  }

  test('are sent in their order, each once', async () => {
    const under = new DeliveryUnderTest()
    const texts = sendEach(under, 'g/s', 3_000)
    await vi.advanceTimersByTimeAsync(1_001)
    expect(under.sender.sentTo('g/s')).toEqual(texts)
    expect(under.ledger.delivered).toBe(3_000)
    expect(under.idle).toEqual(IDLE)
  })

  test('take a few objects together, and give everything back', async () => {
    const under = new DeliveryUnderTest({ flushIntervalMs: 60_000 })
    sendEach(under, 'g/s', 3_000)
    // 3,000 records of 5 bytes and 24 bytes of index, in chunks of at most 64 KiB: two objects, up to half of each free.
    expect(under.budget.heapUsed).toBeLessThan(10_000)
    expect(under.budget.used).toBeLessThan(3_000 * 80)
    await vi.advanceTimersByTimeAsync(60_001)
    expect([under.budget.used, under.budget.heapUsed]).toEqual([0, 0])
  })

  test('that are taken while others are in flight come in their order, also after a failure', async () => {
    const under = new DeliveryUnderTest()
    under.sender.hold()
    const first = sendEach(under, 'g/s', 10, 'a')
    await vi.advanceTimersByTimeAsync(1_001)
    const second = sendEach(under, 'g/s', 10, 'b')
    under.sender.held.shift()?.answer(fault('stream'))
    under.sender.resume()
    await settledPromises()
    const third = sendEach(under, 'g/s', 10, 'c')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(under.sender.sentTo('g/s').slice(10)).toEqual([...first, ...second, ...third])
    expect(under.idle).toEqual(IDLE)
  })

  test('are rejected and isolated one by one', async () => {
    const under = new DeliveryUnderTest()
    under.sender.respond = ({ texts }) => (texts.includes('x7') ? refused() : taken)
    sendEach(under, 'warm/s', 1)
    sendEach(under, 'g/s', 20)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(under.ledger).toMatchObject({ delivered: 20, rejected: { poison: 1 } })
    expect(under.idle).toEqual(IDLE)
  })

  test('one whose sender waits for the result stays apart, and hears only of its own', async () => {
    const under = new DeliveryUnderTest()
    sendEach(under, 'g/s', 5, 'a')
    const awaited = under.send({ 'g/s': namedItems('b', 2) })
    sendEach(under, 'g/s', 5, 'c')
    await vi.advanceTimersByTimeAsync(1_001)
    expect(awaited.settlements).toEqual([['delivered', 2]])
    expect(under.sender.sentTo('g/s').map((text) => text[0])).toEqual('aaaaabbccccc'.split(''))
  })

  test('are not waited for by a flush that began before they came', async () => {
    const under = new DeliveryUnderTest({ flushIntervalMs: 60_000 })
    under.sender.hold()
    sendEach(under, 'g/s', 5, 'a')
    const flushed = under.delivery.flush(new AbortController().signal)
    sendEach(under, 'g/s', 5, 'b')
    under.sender.held.shift()?.answer(taken)
    await flushed
    expect(under.ledger).toMatchObject({ delivered: 5, queued: 5 })
    under.sender.resume()
  })

  test('of different ages stay apart, so that each expires in its time', async () => {
    const under = new DeliveryUnderTest({ policy: { maxWaitMs: 20_000 } })
    await under.delivery.start((key) => key)
    under.sender.respond = () => fault('group', { lasting: true })
    sendEach(under, 'g/s', 1, 'a')
    await vi.advanceTimersByTimeAsync(15_000)
    sendEach(under, 'g/s', 1, 'b')
    await vi.advanceTimersByTimeAsync(8_000)
    expect(under.ledger).toMatchObject({ lost: { expired: 1 }, queued: 1 })
    await under.delivery.shutdown(AbortSignal.abort(), false)
  })

  test('are told apart where the queue is bounded in requests', async () => {
    const under = new DeliveryUnderTest({
      makeQueue: (budget) => new MemoryQueue(budget, { unit: 'requests', most: 10 }),
    })
    sendEach(under, 'g/s', 12)
    expect(under.queue.size).toBe(10)
    await vi.advanceTimersByTimeAsync(1_001)
    expect([under.ledger.delivered, under.queue.size]).toEqual([10, 0])
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

test('a queue of many lanes is full by its bookkeeping, and says so', () => {
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
    import { DeliveryUnderTest } from ${JSON.stringify(new URL('../../../fakes/delivery.ts', import.meta.url).href)}
    const under = new DeliveryUnderTest({ budgetBytes: 2 ** 30, flushIntervalMs: 3_600_000, policy: { maxItems: 1e9, maxCountedBytes: 1e12 } })
    const send = (n) => { for (let i = 0; i < n; i++) under.send({ 'g/s': [{ text: 'x'.repeat(200) }] }, { queuedOnly: true }) }
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
