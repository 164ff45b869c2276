import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { MemoryQueue } from '../../../../src/delivery/queue/memory-queue.ts'
import { DeliveryHarness, IDLE } from '../../../fakes/delivery.ts'
import { namedItems } from '../../../fakes/items.ts'
import { fault, settledPromises, taken } from '../../../fakes/sender.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('when a batch goes out', () => {
  test('after the flush interval, if it is not full', async () => {
    const harness = new DeliveryHarness({ flushIntervalMs: 1_000 })
    const request = harness.send({ 'g/s': namedItems('a', 3) })
    expect(request.queued).toBe('stored')
    await vi.advanceTimersByTimeAsync(999)
    expect(harness.sender.puts).toHaveLength(0)
    await vi.advanceTimersByTimeAsync(2)
    expect(harness.sender.puts.map(({ texts }) => texts)).toEqual([['a0', 'a1', 'a2']])
    expect(request.outcomes).toEqual({ delivered: 3 })
    expect(harness.idle).toEqual(IDLE)
  })

  test('the interval runs from the first item, and is not extended by later ones', async () => {
    const harness = new DeliveryHarness({ flushIntervalMs: 1_000 })
    for (let i = 0; i < 10; i++) {
      harness.send({ 'g/s': namedItems(`${i}-`, 1) })
      await vi.advanceTimersByTimeAsync(150)
    }
    expect(harness.sender.puts.map(({ texts }) => texts.length)).toEqual([7])
  })

  test.each([
    ['items', { maxItems: 5 }],
    ['bytes', { maxCountedBytes: 10 }],
  ])('at once when it is full in %s, and the rest by the interval', async (_, policy) => {
    const harness = new DeliveryHarness({ policy })
    harness.send({ 'g/s': namedItems('a', 4) })
    await settledPromises()
    expect(harness.sender.puts).toHaveLength(0)
    harness.send({ 'g/s': namedItems('b', 3) })
    await settledPromises()
    expect(harness.sender.puts.map(({ texts }) => texts)).toEqual([['a0', 'a1', 'a2', 'a3', 'b0']])
    await vi.advanceTimersByTimeAsync(1_001)
    expect(harness.sender.puts.map(({ texts }) => texts.length)).toEqual([5, 2])
  })

  test.each([
    ['items', { fullItems: 3 }],
    ['bytes', { fullCountedBytes: 6 }],
  ])('at once when it has enough in %s, with all records up to a whole pack', async (_, policy) => {
    const harness = new DeliveryHarness({ policy })
    harness.send({ 'g/s': namedItems('a', 2) })
    await settledPromises()
    expect(harness.sender.puts).toHaveLength(0)
    harness.send({ 'g/s': namedItems('b', 3) })
    await settledPromises()
    expect(harness.sender.puts.map(({ texts }) => texts)).toEqual([['a0', 'a1', 'b0', 'b1', 'b2']])
  })

  test('at once when the queue is half full: senders are about to wait', async () => {
    const harness = new DeliveryHarness({
      makeQueue: (budget) => new MemoryQueue(budget, { unit: 'requests', most: 10 }),
    })
    // A healthy destination takes a hundred requests in no time, where the interval would let ten through a second.
    for (let i = 0; i < 100; i++) {
      expect(harness.send({ 'g/s': namedItems(`${i}-`, 1) }).queued).toBe('stored')
      await settledPromises()
    }
    await vi.advanceTimersByTimeAsync(1_001)
    expect(harness.ledger.delivered).toBe(100)
  })

  test('each lane comes due at its own time', async () => {
    const harness = new DeliveryHarness()
    harness.send({ 'g/early': namedItems('a', 1) })
    await vi.advanceTimersByTimeAsync(400)
    harness.send({ 'g/late': namedItems('b', 1) })
    await vi.advanceTimersByTimeAsync(601)
    expect(harness.sender.puts.map(({ destination }) => destination)).toEqual(['g/early'])
    await vi.advanceTimersByTimeAsync(400)
    expect(harness.sender.puts.map(({ destination }) => destination)).toEqual(['g/early', 'g/late'])
  })
})

describe('concurrent puts', () => {
  test('a lane has one in flight, which keeps its order', async () => {
    const harness = new DeliveryHarness()
    await warmUp(harness)
    harness.sender.hold()
    for (let i = 0; i < 5; i++) {
      harness.send({ 'g/s': namedItems(`${i}-`, 2) })
      await vi.advanceTimersByTimeAsync(1_001)
    }
    expect(harness.sender.held).toHaveLength(1)
    harness.sender.resume()
    await vi.advanceTimersByTimeAsync(1_001)
    expect(harness.sender.sentTo('g/s')).toEqual(Array.from({ length: 10 }, (_, i) => `${i >> 1}-${i % 2}`))
  })

  test('a lane has more while full batches wait, up to eight', async () => {
    const harness = new DeliveryHarness({ policy: { maxItems: 10 }, maxConcurrentPuts: 20 })
    await warmUp(harness)
    harness.sender.hold()
    harness.send({ 'g/s': namedItems('many', 95) })
    await settledPromises()
    expect(harness.sender.held.map(({ texts }) => texts.length)).toEqual([10, 10, 10, 10, 10, 10, 10, 10])
  })

  test('all lanes together have no more than num_consumers', async () => {
    const harness = new DeliveryHarness({ maxConcurrentPuts: 3 })
    for (let i = 0; i < 50; i++) harness.send({ [`g${i}/s`]: namedItems('a', 1) })
    await vi.advanceTimersByTimeAsync(1_001)
    expect(harness.sender.puts).toHaveLength(50)
    harness.sender.hold()
    for (let i = 0; i < 50; i++) harness.send({ [`g${i}/s`]: namedItems('b', 1) })
    await vi.advanceTimersByTimeAsync(1_001)
    expect(harness.sender.held).toHaveLength(3)
    harness.sender.resume()
    await vi.advanceTimersByTimeAsync(1_001)
    expect(harness.sender.puts).toHaveLength(100)
    expect(harness.idle).toEqual(IDLE)
  })

  test('no more go out a second than max_puts_per_second, and none is forgotten', async () => {
    const harness = new DeliveryHarness({ maxPutsPerSecond: 20, flushIntervalMs: 10 })
    for (let i = 0; i < 100; i++) harness.send({ [`g${i}/s`]: namedItems('a', 1) })
    await vi.advanceTimersByTimeAsync(1_010)
    expect(harness.sender.puts.length).toBeGreaterThan(15)
    expect(harness.sender.puts.length).toBeLessThan(25)
    await vi.advanceTimersByTimeAsync(4_000)
    expect(harness.sender.puts).toHaveLength(100)
    expect(harness.idle).toEqual(IDLE)
  })

  test('lanes go out in the order in which they came due, however many wait for max_puts_per_second', async () => {
    const harness = new DeliveryHarness({ maxPutsPerSecond: 20, flushIntervalMs: 10 })
    const lanes = Array.from({ length: 100 }, (_, i) => `g${i}/s`)
    for (const lane of lanes) harness.send({ [lane]: namedItems('a', 1) })
    // All of them have more to send before their turn comes.
    await vi.advanceTimersByTimeAsync(20)
    for (const lane of lanes) harness.send({ [lane]: namedItems('b', 1) })
    await vi.advanceTimersByTimeAsync(12_000)
    expect([...new Set(harness.sender.puts.map(({ destination }) => destination))]).toEqual(lanes)
    expect(harness.idle).toEqual(IDLE)
  })
})

describe('flush', () => {
  test('sends what is not full at once, and waits for the answers', async () => {
    const harness = new DeliveryHarness()
    harness.sender.hold()
    harness.send({ 'g/a': namedItems('a', 1), 'g/b': namedItems('b', 1) })
    let done = false
    const flushed = harness.delivery.flush(never()).then(() => (done = true))
    await settledPromises()
    expect([harness.sender.held.length, done]).toEqual([1, false]) // slow start: one first
    harness.sender.resume()
    await flushed
    expect(harness.idle).toEqual(IDLE)
  })

  test('with nothing to send is done', async () => {
    await new DeliveryHarness().delivery.flush(never())
  })

  test('ends under constant load: it waits only for records from before its start', async () => {
    const harness = new DeliveryHarness({ flushIntervalMs: 60_000 })
    const first = harness.send({ 'g/s': namedItems('first', 1) })
    harness.sender.respond = () => {
      harness.send({ 'g/s': namedItems('more', 1) })
      return taken
    }
    await harness.delivery.flush(never())
    expect(first.outcomes).toEqual({ delivered: 1 })
    expect(harness.ledger.queued).toBeGreaterThan(0)
  })

  test('ends when it is aborted, and waiting records keep waiting', async () => {
    const harness = new DeliveryHarness()
    harness.sender.respond = () => fault('endpoint')
    harness.send({ 'g/s': namedItems('a', 1) })
    const abort = new AbortController()
    const flushed = harness.delivery.flush(abort.signal)
    await vi.advanceTimersByTimeAsync(5_000)
    abort.abort()
    await flushed
    expect(harness.ledger.queued).toBe(1)
    harness.sender.respond = () => taken
    await vi.advanceTimersByTimeAsync(60_000)
    expect(harness.idle).toEqual(IDLE)
  })

  test('that ended early leaves later records to the interval', async () => {
    const harness = new DeliveryHarness()
    harness.sender.hold()
    harness.send({ 'g/s': namedItems('a', 1) })
    const abort = new AbortController()
    const flushed = harness.delivery.flush(abort.signal)
    await vi.advanceTimersByTimeAsync(300)
    harness.send({ 'g/s': namedItems('b', 1) })
    abort.abort()
    await flushed
    harness.sender.resume()
    await vi.advanceTimersByTimeAsync(1_001)
    expect(harness.sender.sentTo('g/s')).toEqual(['a0', 'b0'])
    expect(harness.idle).toEqual(IDLE)
  })

  test('two at once both end', async () => {
    const harness = new DeliveryHarness()
    harness.sender.hold()
    harness.send({ 'g/s': namedItems('a', 1) })
    const first = harness.delivery.flush(never())
    harness.send({ 'g/s': namedItems('b', 1) })
    const second = harness.delivery.flush(never())
    await settledPromises()
    harness.sender.resume()
    await Promise.all([first, second])
    expect(harness.idle).toEqual(IDLE)
  })
})

/** Puts until slow start is over. */
async function warmUp(harness: DeliveryHarness): Promise<void> {
  for (let i = 0; i < 8; i++) {
    harness.send({ [`warm${i}/s`]: namedItems('warm', 1) })
    await vi.advanceTimersByTimeAsync(1_001)
  }
}

function never(): AbortSignal {
  return new AbortController().signal
}
