import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { MemoryQueue } from '../../../../src/delivery/queue/memory-queue.ts'
import { DeliveryUnderTest, IDLE } from '../../../fakes/delivery.ts'
import { namedItems } from '../../../fakes/items.ts'
import { fault, settledPromises, taken } from '../../../fakes/sender.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('when a batch goes out', () => {
  test('after the flush interval, if it is not full', async () => {
    const under = new DeliveryUnderTest({ flushIntervalMs: 1_000 })
    const request = under.send({ 'g/s': namedItems('a', 3) })
    expect(request.queued).toBe('stored')
    await vi.advanceTimersByTimeAsync(999)
    expect(under.sender.puts).toHaveLength(0)
    await vi.advanceTimersByTimeAsync(2)
    expect(under.sender.puts.map(({ texts }) => texts)).toEqual([['a0', 'a1', 'a2']])
    expect(request.outcomes).toEqual({ delivered: 3 })
    expect(under.idle).toEqual(IDLE)
  })

  test('the interval runs from the first item, and is not put off by more', async () => {
    const under = new DeliveryUnderTest({ flushIntervalMs: 1_000 })
    for (let i = 0; i < 10; i++) {
      under.send({ 'g/s': namedItems(`${i}-`, 1) })
      await vi.advanceTimersByTimeAsync(150)
    }
    expect(under.sender.puts.map(({ texts }) => texts.length)).toEqual([7])
  })

  test.each([
    ['items', { maxItems: 5 }],
    ['bytes', { maxCountedBytes: 10 }],
  ])('at once when it is full in %s, and the rest by the interval', async (_, policy) => {
    const under = new DeliveryUnderTest({ policy })
    under.send({ 'g/s': namedItems('a', 4) })
    await settledPromises()
    expect(under.sender.puts).toHaveLength(0)
    under.send({ 'g/s': namedItems('b', 3) })
    await settledPromises()
    expect(under.sender.puts.map(({ texts }) => texts)).toEqual([['a0', 'a1', 'a2', 'a3', 'b0']])
    await vi.advanceTimersByTimeAsync(1_001)
    expect(under.sender.puts.map(({ texts }) => texts.length)).toEqual([5, 2])
  })

  test.each([
    ['items', { fullItems: 3 }],
    ['bytes', { fullCountedBytes: 6 }],
  ])('at once when it has enough in %s, with what there is up to a whole pack', async (_, policy) => {
    const under = new DeliveryUnderTest({ policy })
    under.send({ 'g/s': namedItems('a', 2) })
    await settledPromises()
    expect(under.sender.puts).toHaveLength(0)
    under.send({ 'g/s': namedItems('b', 3) })
    await settledPromises()
    expect(under.sender.puts.map(({ texts }) => texts)).toEqual([['a0', 'a1', 'b0', 'b1', 'b2']])
  })

  test('at once when the queue is half full: its senders are about to wait', async () => {
    const under = new DeliveryUnderTest({
      makeQueue: (budget) => new MemoryQueue(budget, { unit: 'requests', most: 10 }),
    })
    // A healthy destination takes a hundred requests in no time, where the interval would let ten through a second.
    for (let i = 0; i < 100; i++) {
      expect(under.send({ 'g/s': namedItems(`${i}-`, 1) }).queued).toBe('stored')
      await settledPromises()
    }
    await vi.advanceTimersByTimeAsync(1_001)
    expect(under.ledger.delivered).toBe(100)
  })

  test('lanes come due each at its own time', async () => {
    const under = new DeliveryUnderTest()
    under.send({ 'g/early': namedItems('a', 1) })
    await vi.advanceTimersByTimeAsync(400)
    under.send({ 'g/late': namedItems('b', 1) })
    await vi.advanceTimersByTimeAsync(601)
    expect(under.sender.puts.map(({ destination }) => destination)).toEqual(['g/early'])
    await vi.advanceTimersByTimeAsync(400)
    expect(under.sender.puts.map(({ destination }) => destination)).toEqual(['g/early', 'g/late'])
  })
})

describe('puts at once', () => {
  test('a lane has one under way, which keeps its order', async () => {
    const under = new DeliveryUnderTest()
    await warmUp(under)
    under.sender.hold()
    for (let i = 0; i < 5; i++) {
      under.send({ 'g/s': namedItems(`${i}-`, 2) })
      await vi.advanceTimersByTimeAsync(1_001)
    }
    expect(under.sender.held).toHaveLength(1)
    under.sender.resume()
    await vi.advanceTimersByTimeAsync(1_001)
    expect(under.sender.sentTo('g/s')).toEqual(Array.from({ length: 10 }, (_, i) => `${i >> 1}-${i % 2}`))
  })

  test('a lane has more while full batches wait, up to eight', async () => {
    const under = new DeliveryUnderTest({ policy: { maxItems: 10 }, maxConcurrentPuts: 20 })
    await warmUp(under)
    under.sender.hold()
    under.send({ 'g/s': namedItems('many', 95) })
    await settledPromises()
    expect(under.sender.held.map(({ texts }) => texts.length)).toEqual([10, 10, 10, 10, 10, 10, 10, 10])
  })

  test('all lanes together have no more than num_consumers', async () => {
    const under = new DeliveryUnderTest({ maxConcurrentPuts: 3 })
    for (let i = 0; i < 50; i++) under.send({ [`g${i}/s`]: namedItems('a', 1) })
    await vi.advanceTimersByTimeAsync(1_001)
    expect(under.sender.puts).toHaveLength(50)
    under.sender.hold()
    for (let i = 0; i < 50; i++) under.send({ [`g${i}/s`]: namedItems('b', 1) })
    await vi.advanceTimersByTimeAsync(1_001)
    expect(under.sender.held).toHaveLength(3)
    under.sender.resume()
    await vi.advanceTimersByTimeAsync(1_001)
    expect(under.sender.puts).toHaveLength(100)
    expect(under.idle).toEqual(IDLE)
  })

  test('no more go out a second than max_puts_per_second, and none is forgotten', async () => {
    const under = new DeliveryUnderTest({ maxPutsPerSecond: 20, flushIntervalMs: 10 })
    for (let i = 0; i < 100; i++) under.send({ [`g${i}/s`]: namedItems('a', 1) })
    await vi.advanceTimersByTimeAsync(1_010)
    expect(under.sender.puts.length).toBeGreaterThan(15)
    expect(under.sender.puts.length).toBeLessThan(25)
    await vi.advanceTimersByTimeAsync(4_000)
    expect(under.sender.puts).toHaveLength(100)
    expect(under.idle).toEqual(IDLE)
  })

  test('lanes go out in the order in which they came due, however many wait for max_puts_per_second', async () => {
    const under = new DeliveryUnderTest({ maxPutsPerSecond: 20, flushIntervalMs: 10 })
    const lanes = Array.from({ length: 100 }, (_, i) => `g${i}/s`)
    for (const lane of lanes) under.send({ [lane]: namedItems('a', 1) })
    // All of them have more to send before their turn comes.
    await vi.advanceTimersByTimeAsync(20)
    for (const lane of lanes) under.send({ [lane]: namedItems('b', 1) })
    await vi.advanceTimersByTimeAsync(12_000)
    expect([...new Set(under.sender.puts.map(({ destination }) => destination))]).toEqual(lanes)
    expect(under.idle).toEqual(IDLE)
  })
})

describe('flush', () => {
  test('sends what is not full at once, and waits for the answers', async () => {
    const under = new DeliveryUnderTest()
    under.sender.hold()
    under.send({ 'g/a': namedItems('a', 1), 'g/b': namedItems('b', 1) })
    let done = false
    const flushed = under.delivery.flush(never()).then(() => (done = true))
    await settledPromises()
    expect([under.sender.held.length, done]).toEqual([1, false]) // slow start: one first
    under.sender.resume()
    await flushed
    expect(under.idle).toEqual(IDLE)
  })

  test('with nothing to send is done', async () => {
    await new DeliveryUnderTest().delivery.flush(never())
  })

  test('ends under constant load: it waits for what was there when it began', async () => {
    const under = new DeliveryUnderTest({ flushIntervalMs: 60_000 })
    const first = under.send({ 'g/s': namedItems('first', 1) })
    under.sender.respond = () => {
      under.send({ 'g/s': namedItems('more', 1) })
      return taken
    }
    await under.delivery.flush(never())
    expect(first.outcomes).toEqual({ delivered: 1 })
    expect(under.ledger.queued).toBeGreaterThan(0)
  })

  test('ends when it is told to, and what waits goes on waiting', async () => {
    const under = new DeliveryUnderTest()
    under.sender.respond = () => fault('endpoint')
    under.send({ 'g/s': namedItems('a', 1) })
    const abort = new AbortController()
    const flushed = under.delivery.flush(abort.signal)
    await vi.advanceTimersByTimeAsync(5_000)
    abort.abort()
    await flushed
    expect(under.ledger.queued).toBe(1)
    under.sender.respond = () => taken
    await vi.advanceTimersByTimeAsync(60_000)
    expect(under.idle).toEqual(IDLE)
  })

  test('that ended early leaves what came during it to the interval', async () => {
    const under = new DeliveryUnderTest()
    under.sender.hold()
    under.send({ 'g/s': namedItems('a', 1) })
    const abort = new AbortController()
    const flushed = under.delivery.flush(abort.signal)
    await vi.advanceTimersByTimeAsync(300)
    under.send({ 'g/s': namedItems('b', 1) })
    abort.abort()
    await flushed
    under.sender.resume()
    await vi.advanceTimersByTimeAsync(1_001)
    expect(under.sender.sentTo('g/s')).toEqual(['a0', 'b0'])
    expect(under.idle).toEqual(IDLE)
  })

  test('two at once both end', async () => {
    const under = new DeliveryUnderTest()
    under.sender.hold()
    under.send({ 'g/s': namedItems('a', 1) })
    const first = under.delivery.flush(never())
    under.send({ 'g/s': namedItems('b', 1) })
    const second = under.delivery.flush(never())
    await settledPromises()
    under.sender.resume()
    await Promise.all([first, second])
    expect(under.idle).toEqual(IDLE)
  })
})

/** Puts until slow start is over. */
async function warmUp(under: DeliveryUnderTest): Promise<void> {
  for (let i = 0; i < 8; i++) {
    under.send({ [`warm${i}/s`]: namedItems('warm', 1) })
    await vi.advanceTimersByTimeAsync(1_001)
  }
}

function never(): AbortSignal {
  return new AbortController().signal
}
