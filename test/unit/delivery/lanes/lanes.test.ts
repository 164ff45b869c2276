import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { DeadLetterSink } from '../../../../src/delivery/dead-letters/unwanted.ts'
import { MemoryQueue } from '../../../../src/delivery/queue/memory-queue.ts'
import type { OnLaneFull } from '../../../../src/delivery/lanes/parking.ts'
import type { PutOutcome } from '../../../../src/delivery/contract/sender.ts'
import { DeliveryHarness, IDLE } from '../../../fakes/delivery.ts'
import { namedItems, type TestItem } from '../../../fakes/items.ts'
import { denied, fault, settledPromises, taken } from '../../../fakes/sender.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const MINUTE_MS = 60_000

/** Bound of the queue. */
const QUEUE_BYTES = 100_000

/** One item of that part of the queue. Its bookkeeping, a few hundred bytes, is charged besides. */
function percentOfQueue(percent: number): TestItem[] {
  return [{ text: 'x'.repeat((percent / 100) * QUEUE_BYTES) }]
}

const TINY = percentOfQueue(0.1)

describe('lanes', () => {
  test('are forgotten as soon as they are empty: 10,000 of them', async () => {
    const harness = new DeliveryHarness()
    for (let i = 0; i < 10_000; i++) harness.send({ [`g${i % 100}/s${i}`]: namedItems('a', 1) })
    expect(harness.delivery.laneCount).toBe(10_000)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(harness.ledger.delivered).toBe(10_000)
    expect(harness.idle).toEqual(IDLE)
    // The wide scopes keep what they learnt; those of the groups are gone, and so is every timer.
    expect([...harness.delivery.scopes].map(({ kind }) => kind)).toEqual(['endpoint', 'credential', 'account'])
    expect(vi.getTimerCount()).toBe(0)
  })

  test('that come back start afresh', async () => {
    const harness = new DeliveryHarness()
    for (let round = 0; round < 3; round++) {
      harness.send({ 'g/s': namedItems(`${round}-`, 1) })
      await vi.advanceTimersByTimeAsync(1_001)
      expect(harness.idle).toEqual(IDLE)
    }
    expect(harness.sender.sentTo('g/s')).toEqual(['0-0', '1-0', '2-0'])
  })

  test('of one request are queued together, and each settles on its own', async () => {
    const harness = new DeliveryHarness()
    harness.sender.respond = ({ group }) => (group === 'bad' ? denied : taken)
    const request = harness.send({ 'bad/s': namedItems('a', 3), 'good/s': namedItems('b', 2) })
    await vi.advanceTimersByTimeAsync(1_001)
    expect([request.queued, request.outcomes]).toEqual(['stored', { delivered: 2 }])
  })
})

describe('a full queue', () => {
  test('takes nothing of a request that does not fit, and says so', () => {
    const harness = new DeliveryHarness({ budgetBytes: QUEUE_BYTES })
    expect(harness.send({ 'g/a': percentOfQueue(30) }).queued).toBe('stored')
    expect(harness.send({ 'g/b': percentOfQueue(10), 'g/c': percentOfQueue(60) }).queued).toBe('budget_full')
    expect([harness.delivery.laneCount, harness.ledger.queued]).toEqual([1, 1])
  })

  test('has room again when the answers are there', async () => {
    const harness = new DeliveryHarness({ budgetBytes: QUEUE_BYTES })
    harness.send({ 'g/a': percentOfQueue(80) })
    expect(harness.send({ 'g/a': percentOfQueue(80) }).queued).toBe('budget_full')
    await vi.advanceTimersByTimeAsync(1_001)
    expect(harness.send({ 'g/a': percentOfQueue(80) }).queued).toBe('stored')
  })
})

describe('a lane over its share of the queue', () => {
  /** One stuck lane that holds 60 % of the queue, and one that works. */
  async function stuck(outcome: PutOutcome = denied, onLaneFull: OnLaneFull = 'reject') {
    const harness = new DeliveryHarness({ budgetBytes: QUEUE_BYTES, onLaneFull })
    harness.sender.respond = ({ group }) => (group === 'bad' ? outcome : taken)
    for (let i = 0; i < 6; i++) {
      harness.send({ 'bad/s': percentOfQueue(10) })
      await vi.advanceTimersByTimeAsync(1_001)
    }
    harness.send({ 'good/s': namedItems('a', 1) })
    return harness
  }

  test('has its new items left out while it is stuck alone; the others of the request are taken', async () => {
    const harness = await stuck()
    const request = harness.send({ 'good/s': namedItems('a', 1), 'bad/s': TINY, 'new/s': namedItems('c', 1) })
    expect([request.queued, request.rejectedLanes]).toEqual(['stored', [1]])
    await vi.advanceTimersByTimeAsync(1_001)
    expect(request.outcomes).toEqual({ delivered: 2 })
  })

  test('keeps what was acknowledged', async () => {
    const harness = await stuck()
    harness.send({ 'bad/s': TINY })
    harness.sender.respond = () => taken
    await vi.advanceTimersByTimeAsync(MINUTE_MS)
    expect(harness.ledger.delivered).toBe(7)
    expect(harness.idle).toEqual(IDLE)
  })

  test('makes the whole request wait with on_lane_full: refuse', async () => {
    const harness = await stuck(denied, 'refuse')
    const used = harness.budget.used
    expect(harness.send({ 'good/s': namedItems('a', 1), 'bad/s': TINY }).queued).toBe('lane_full')
    expect(harness.budget.used).toBe(used)
    expect(harness.send({ 'good/s': namedItems('a', 1) }).queued).toBe('stored')
  })

  test.each(['endpoint', 'credential', 'account'] as const)('is not blamed for a fault of the %s', async (scope) => {
    const harness = await stuck(fault(scope, { afterMs: MINUTE_MS }))
    for (let i = 0; i < 3; i++) await vi.advanceTimersByTimeAsync(1_001)
    expect(harness.send({ 'bad/s': TINY }).rejectedLanes).toEqual([])
  })

  test('is not stuck while its puts are only slow', async () => {
    const harness = await stuck(taken)
    harness.sender.hold()
    for (let i = 0; i < 6; i++) harness.send({ 'bad/s': percentOfQueue(10) })
    await vi.advanceTimersByTimeAsync(MINUTE_MS)
    expect(harness.send({ 'bad/s': TINY, 'other/s': namedItems('a', 1) }).rejectedLanes).toEqual([])
  })

  test('that is alone makes senders wait when the queue is full, and rejects nothing', async () => {
    const harness = new DeliveryHarness({ budgetBytes: QUEUE_BYTES })
    harness.sender.respond = () => denied
    const queued = Array.from({ length: 12 }, () => harness.send({ 'bad/s': percentOfQueue(10) }))
    await vi.advanceTimersByTimeAsync(1_001)
    expect(queued.map((request) => request.queued)).toEqual([
      // With their bookkeeping nine of 10 % fit.
      ...Array.from({ length: 9 }, () => 'stored'),
      ...Array.from({ length: 3 }, () => 'budget_full'),
    ])
  })
})

describe('a lane that is parked', () => {
  /** A stuck lane that holds 22 % of the queue, and another lane with 27.5 %: with bookkeeping it is over half full. */
  async function parked() {
    const harness = new DeliveryHarness({ budgetBytes: QUEUE_BYTES, onLaneFull: 'park' })
    harness.sender.respond = ({ group }) => (group === 'bad' ? denied : taken)
    for (let i = 0; i < 4; i++) harness.send({ 'bad/s': percentOfQueue(5.5) })
    await vi.advanceTimersByTimeAsync(1_001)
    harness.sender.hold()
    for (let i = 0; i < 5; i++) harness.send({ 'other/s': percentOfQueue(5.5) })
    return harness
  }

  test('keeps taking records up to half of the queue; those beyond are left out, and no others', async () => {
    const harness = await parked()
    const requests = Array.from({ length: 4 }, () =>
      harness.send({ 'bad/s': percentOfQueue(7.5), 'good/s': namedItems('a', 1) }),
    )
    // 22 + 3 * 7.5 is under 50 %, 22 + 4 * 7.5 is not.
    expect(requests.map(({ rejectedLanes }) => rejectedLanes)).toEqual([[], [], [], [0]])
    expect(harness.delivery.parking.lanes).toBe(1)
    expect(harness.logged.filter(({ message }) => message.includes('parked'))).toMatchObject([
      { level: 'warn', fields: { destinations: 1, first: 'bad/s', error: 'the group is at fault' } },
    ])
  })

  test('is sent as soon as it can be, and is an ordinary lane again', async () => {
    const harness = await parked()
    await harness.delivery.start((key) => key)
    harness.send({ 'bad/s': percentOfQueue(7.5) })
    expect(harness.delivery.parking.lanes).toBe(1)
    harness.sender.respond = () => taken
    harness.sender.resume()
    await vi.advanceTimersByTimeAsync(MINUTE_MS)
    expect([harness.delivery.parking.lanes, harness.ledger.delivered]).toEqual([0, 10])
    expect(harness.idle).toEqual(IDLE)
  })

  test('is any that fails for five minutes, however little it holds: together they leave room for others', async () => {
    const harness = new DeliveryHarness({ budgetBytes: QUEUE_BYTES })
    await harness.delivery.start((key) => key)
    harness.sender.respond = ({ group }) => (group === 'good' ? taken : denied)
    const send = () => Array.from({ length: 10 }, (_, i) => harness.send({ [`bad${i}/s`]: percentOfQueue(2) }))
    send()
    await vi.advanceTimersByTimeAsync(4 * MINUTE_MS)
    expect(harness.delivery.parking.lanes).toBe(0)
    await vi.advanceTimersByTimeAsync(2 * MINUTE_MS)
    expect(harness.delivery.parking.lanes).toBe(10)
    const rejected = [...send(), ...send()].filter(({ rejectedLanes }) => rejectedLanes.length > 0)
    // 30 items of 2 % were sent. 19 of them, with their bookkeeping, are half of the queue.
    expect(rejected).toHaveLength(11)
    expect(harness.delivery.parking.held).toMatchObject({ items: 19, batches: 19 })
    expect(harness.send({ 'good/s': percentOfQueue(40) }).queued).toBe('stored')
    await harness.delivery.shutdown(AbortSignal.abort(), false)
  })

  test('is measured in the unit of the bound: requests', async () => {
    const bound = { unit: 'requests', most: 20 } as const
    const harness = new DeliveryHarness({ makeQueue: (budget) => new MemoryQueue(budget, bound) })
    harness.sender.respond = ({ group }) => (group === 'bad' ? denied : taken)
    for (let i = 0; i < 11; i++) harness.send({ 'bad/s': namedItems('a', 1) })
    harness.send({ 'good/s': namedItems('a', 1) })
    await vi.advanceTimersByTimeAsync(1_001)
    harness.send({ 'good/s': namedItems('a', 1) })
    expect(harness.send({ 'bad/s': namedItems('a', 1) }).rejectedLanes).toEqual([0])
  })
})

describe('with on_lane_full: dead_letter', () => {
  async function stuck(kept: boolean) {
    const letters: string[] = []
    const deadLetters: DeadLetterSink = {
      async put({ lane, run: { from, to }, reason, error }) {
        letters.push(`${lane}: ${to - from} ${reason}: ${error}`)
        return kept ? 'kept' : 'never'
      },
      async close() {},
    }
    const harness = new DeliveryHarness({ budgetBytes: QUEUE_BYTES, onLaneFull: 'dead_letter', deadLetters })
    harness.sender.respond = ({ group }) => (group === 'bad' ? denied : taken)
    for (let i = 0; i < 6; i++) harness.send({ 'bad/s': percentOfQueue(10) })
    harness.send({ 'good/s': namedItems('a', 1) })
    await vi.advanceTimersByTimeAsync(1_001)
    harness.sender.hold()
    harness.send({ 'good/s': namedItems('a', 1) })
    return { harness, letters }
  }

  test('the new records of a stuck lane become dead letters at once', async () => {
    const { harness, letters } = await stuck(true)
    const request = harness.send({ 'bad/s': namedItems('a', 3) })
    await settledPromises()
    expect([request.queued, request.rejectedLanes, request.outcomes]).toEqual(['stored', [], { dead_lettered: 3 }])
    expect(letters).toEqual(['bad/s: 3 lane_full: the group is at fault'])
    expect(harness.ledger.difference()).toBe(0)
  })

  test('they wait in the lane if they cannot be kept: they were acknowledged', async () => {
    const { harness } = await stuck(false)
    const request = harness.send({ 'bad/s': namedItems('a', 3) })
    expect([request.queued, request.outcomes]).toEqual(['stored', {}])
    harness.sender.respond = () => taken
    harness.sender.resume()
    await vi.advanceTimersByTimeAsync(MINUTE_MS)
    expect(request.outcomes).toEqual({ delivered: 3 })
    expect(harness.idle).toEqual(IDLE)
  })
})

describe('after an outage', () => {
  test('fresh records and the backlog share the puts, the oldest of the backlog first', async () => {
    const harness = new DeliveryHarness({ policy: { maxItems: 10 }, maxConcurrentPuts: 1 })
    harness.sender.respond = () => fault('account', { afterMs: 1_000 })
    for (let minute = 0; minute < 10; minute++) {
      harness.send({ 'g/s': namedItems(`old${minute}-`, 10) })
      await vi.advanceTimersByTimeAsync(MINUTE_MS)
    }
    harness.sender.puts.length = 0
    // From now on there is always something new.
    harness.sender.respond = () => {
      if (harness.sender.puts.length < 20) harness.send({ 'g/s': namedItems('now', 10) })
      return taken
    }
    harness.send({ 'g/s': namedItems('now', 10) })
    await vi.advanceTimersByTimeAsync(MINUTE_MS)

    const carried = harness.sender.puts.slice(0, 20).map(({ texts }) => texts[0])
    expect(carried.filter((text) => text === 'now0')).toHaveLength(10)
    expect(carried.filter((text) => text !== 'now0')).toEqual(Array.from({ length: 10 }, (_, at) => `old${at}-0`))
    expect(harness.idle).toEqual(IDLE)
  })

  test('a lane that only has old items does not wait for fresh ones', async () => {
    const harness = new DeliveryHarness()
    harness.sender.respond = () => fault('endpoint')
    harness.send({ 'g/s': namedItems('a', 3) })
    await vi.advanceTimersByTimeAsync(5 * MINUTE_MS)
    harness.sender.respond = () => taken
    await vi.advanceTimersByTimeAsync(MINUTE_MS)
    expect(harness.idle).toEqual(IDLE)
  })

  test('a lane whose items grow old while other lanes have the puts is not forgotten', async () => {
    const harness = new DeliveryHarness({ maxConcurrentPuts: 1 })
    harness.sender.hold()
    harness.send({ 'g/slow': namedItems('a', 1) })
    await vi.advanceTimersByTimeAsync(1_001)
    const waiting = harness.send({ 'g/waits': namedItems('b', 1) })
    await vi.advanceTimersByTimeAsync(2 * MINUTE_MS)
    harness.sender.resume()
    await settledPromises()
    expect(waiting.outcomes).toEqual({ delivered: 1 })
    expect(harness.idle).toEqual(IDLE)
  })

  test('fresh items that fail again do not keep the old ones from being sent', async () => {
    const harness = new DeliveryHarness({ policy: { maxItems: 10 }, maxConcurrentPuts: 1 })
    harness.sender.respond = () => fault('account', { afterMs: 1_000 })
    for (let minute = 0; minute < 5; minute++) {
      harness.send({ 'g/s': namedItems(`old${minute}-`, 10) })
      await vi.advanceTimersByTimeAsync(MINUTE_MS)
    }
    for (let i = 0; i < 10; i++) {
      harness.send({ 'g/s': namedItems(`new${i}-`, 10) })
      await vi.advanceTimersByTimeAsync(7_000)
    }
    harness.sender.puts.length = 0
    harness.sender.respond = () => taken
    await vi.advanceTimersByTimeAsync(2 * MINUTE_MS)
    expect(harness.sender.sentTo('g/s')).toHaveLength(150)
    expect(new Set(harness.sender.sentTo('g/s')).size).toBe(150)
    expect(harness.idle).toEqual(IDLE)
  })
})
