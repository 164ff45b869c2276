import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { DeadLetterSink } from '../../../../src/delivery/dead-letters/unwanted.ts'
import { MemoryQueue } from '../../../../src/delivery/queue/memory-queue.ts'
import type { OnLaneFull } from '../../../../src/delivery/lanes/parking.ts'
import type { PutOutcome } from '../../../../src/delivery/contract/sender.ts'
import { DeliveryUnderTest, IDLE } from '../../../fakes/delivery.ts'
import { namedItems, type TestItem } from '../../../fakes/items.ts'
import { denied, fault, settledPromises, taken } from '../../../fakes/sender.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const MINUTE_MS = 60_000

/** One item of so many bytes. */
function heavy(bytes: number): TestItem[] {
  return [{ text: 'x'.repeat(bytes) }]
}

describe('lanes', () => {
  test('are forgotten as soon as they have nothing to do: 10,000 of them', async () => {
    const under = new DeliveryUnderTest()
    for (let i = 0; i < 10_000; i++) under.send({ [`g${i % 100}/s${i}`]: namedItems('a', 1) })
    expect(under.delivery.laneCount).toBe(10_000)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(under.ledger.delivered).toBe(10_000)
    expect(under.idle).toEqual(IDLE)
    // The wide scopes keep what they learnt; those of the groups are gone, and so is every timer.
    expect([...under.delivery.scopes].map(({ kind }) => kind)).toEqual(['endpoint', 'credential', 'account'])
    expect(vi.getTimerCount()).toBe(0)
  })

  test('that come back begin anew', async () => {
    const under = new DeliveryUnderTest()
    for (let round = 0; round < 3; round++) {
      under.send({ 'g/s': namedItems(`${round}-`, 1) })
      await vi.advanceTimersByTimeAsync(1_001)
      expect(under.idle).toEqual(IDLE)
    }
    expect(under.sender.sentTo('g/s')).toEqual(['0-0', '1-0', '2-0'])
  })

  test('of one request are queued together, and each settles by itself', async () => {
    const under = new DeliveryUnderTest()
    under.sender.respond = ({ group }) => (group === 'bad' ? denied : taken)
    const request = under.send({ 'bad/s': namedItems('a', 3), 'good/s': namedItems('b', 2) })
    await vi.advanceTimersByTimeAsync(1_001)
    expect([request.queued, request.outcomes]).toEqual(['stored', { delivered: 2 }])
  })
})

describe('a full queue', () => {
  test('takes nothing of a request that does not fit, and says so', () => {
    const under = new DeliveryUnderTest({ budgetBytes: 10_000 })
    expect(under.send({ 'g/a': heavy(3_000) }).queued).toBe('stored')
    expect(under.send({ 'g/b': heavy(1_000), 'g/c': heavy(6_000) }).queued).toBe('budget_full')
    expect([under.delivery.laneCount, under.ledger.queued]).toEqual([1, 1])
  })

  test('has room again when the answers are there', async () => {
    const under = new DeliveryUnderTest({ budgetBytes: 10_000 })
    under.send({ 'g/a': heavy(8_000) })
    expect(under.send({ 'g/a': heavy(8_000) }).queued).toBe('budget_full')
    await vi.advanceTimersByTimeAsync(1_001)
    expect(under.send({ 'g/a': heavy(8_000) }).queued).toBe('stored')
  })
})

describe('a lane over its share of the queue', () => {
  /** One stuck lane that holds over half of the queue, and one that works. */
  async function stuck(outcome: PutOutcome = denied, onLaneFull: OnLaneFull = 'reject') {
    const under = new DeliveryUnderTest({ budgetBytes: 100_000, onLaneFull })
    under.sender.respond = ({ group }) => (group === 'bad' ? outcome : taken)
    for (let i = 0; i < 6; i++) {
      under.send({ 'bad/s': heavy(10_000) })
      await vi.advanceTimersByTimeAsync(1_001)
    }
    under.send({ 'good/s': namedItems('a', 1) })
    return under
  }

  test('has its new items left out while it is stuck alone; the others of the request are taken', async () => {
    const under = await stuck()
    const request = under.send({ 'good/s': namedItems('a', 1), 'bad/s': heavy(100), 'new/s': namedItems('c', 1) })
    expect([request.queued, request.rejectedLanes]).toEqual(['stored', [1]])
    await vi.advanceTimersByTimeAsync(1_001)
    expect(request.outcomes).toEqual({ delivered: 2 })
  })

  test('keeps what was acknowledged', async () => {
    const under = await stuck()
    under.send({ 'bad/s': heavy(100) })
    under.sender.respond = () => taken
    await vi.advanceTimersByTimeAsync(MINUTE_MS)
    expect(under.ledger.delivered).toBe(7)
    expect(under.idle).toEqual(IDLE)
  })

  test('makes the whole request wait with on_lane_full: refuse', async () => {
    const under = await stuck(denied, 'refuse')
    const used = under.budget.used
    expect(under.send({ 'good/s': namedItems('a', 1), 'bad/s': heavy(100) }).queued).toBe('lane_full')
    expect(under.budget.used).toBe(used)
    expect(under.send({ 'good/s': namedItems('a', 1) }).queued).toBe('stored')
  })

  test.each(['endpoint', 'credential', 'account'] as const)('is not to blame for a fault of the %s', async (scope) => {
    const under = await stuck(fault(scope, { afterMs: MINUTE_MS }))
    for (let i = 0; i < 3; i++) await vi.advanceTimersByTimeAsync(1_001)
    expect(under.send({ 'bad/s': heavy(100) }).rejectedLanes).toEqual([])
  })

  test('is not stuck while its puts are only slow', async () => {
    const under = await stuck(taken)
    under.sender.hold()
    for (let i = 0; i < 6; i++) under.send({ 'bad/s': heavy(10_000) })
    await vi.advanceTimersByTimeAsync(MINUTE_MS)
    expect(under.send({ 'bad/s': heavy(100), 'other/s': namedItems('a', 1) }).rejectedLanes).toEqual([])
  })

  test('that is alone makes senders wait when the queue is full, and rejects nothing', async () => {
    const under = new DeliveryUnderTest({ budgetBytes: 100_000 })
    under.sender.respond = () => denied
    const queued = Array.from({ length: 12 }, () => under.send({ 'bad/s': heavy(10_000) }))
    await vi.advanceTimersByTimeAsync(1_001)
    expect(queued.map((request) => request.queued)).toEqual([
      ...Array.from({ length: 9 }, () => 'stored'),
      ...Array.from({ length: 3 }, () => 'budget_full'),
    ])
  })
})

describe('a lane that is parked', () => {
  /** A lane that is stuck and holds almost a quarter of the queue; others hold as much, so that it is over half full. */
  async function parked() {
    const under = new DeliveryUnderTest({ budgetBytes: 100_000, onLaneFull: 'park' })
    under.sender.respond = ({ group }) => (group === 'bad' ? denied : taken)
    for (let i = 0; i < 4; i++) under.send({ 'bad/s': heavy(5_500) })
    await vi.advanceTimersByTimeAsync(1_001)
    under.sender.hold()
    for (let i = 0; i < 5; i++) under.send({ 'other/s': heavy(5_500) })
    return under
  }

  test('keeps taking records up to half of the queue; those beyond are left out, and no others', async () => {
    const under = await parked()
    const requests = Array.from({ length: 4 }, () =>
      under.send({ 'bad/s': heavy(7_500), 'good/s': namedItems('a', 1) }),
    )
    expect(requests.map(({ rejectedLanes }) => rejectedLanes)).toEqual([[], [], [], [0]])
    expect(under.delivery.parking.lanes).toBe(1)
    expect(under.logged.filter(({ message }) => message.includes('parked'))).toMatchObject([
      { level: 'warn', fields: { destinations: 1, first: 'bad/s', error: 'the group is at fault' } },
    ])
  })

  test('is sent as soon as it can be, and is an ordinary lane again', async () => {
    const under = await parked()
    await under.delivery.start((key) => key)
    under.send({ 'bad/s': heavy(7_500) })
    expect(under.delivery.parking.lanes).toBe(1)
    under.sender.respond = () => taken
    under.sender.resume()
    await vi.advanceTimersByTimeAsync(MINUTE_MS)
    expect([under.delivery.parking.lanes, under.ledger.delivered]).toEqual([0, 10])
    expect(under.idle).toEqual(IDLE)
  })

  test('is any that fails for five minutes, however little it holds: together they leave room for others', async () => {
    const under = new DeliveryUnderTest({ budgetBytes: 100_000 })
    await under.delivery.start((key) => key)
    under.sender.respond = ({ group }) => (group === 'good' ? taken : denied)
    const send = () => Array.from({ length: 10 }, (_, i) => under.send({ [`bad${i}/s`]: heavy(2_000) }))
    send()
    await vi.advanceTimersByTimeAsync(4 * MINUTE_MS)
    expect(under.delivery.parking.lanes).toBe(0)
    await vi.advanceTimersByTimeAsync(2 * MINUTE_MS)
    expect(under.delivery.parking.lanes).toBe(10)
    const rejected = [...send(), ...send()].filter(({ rejectedLanes }) => rejectedLanes.length > 0)
    expect(rejected).toHaveLength(11)
    expect(under.delivery.parking.held).toMatchObject({ items: 19, batches: 19 })
    expect(under.send({ 'good/s': heavy(40_000) }).queued).toBe('stored')
    await under.delivery.shutdown(AbortSignal.abort(), false)
  })

  test('is measured in the unit of the bound: requests', async () => {
    const bound = { unit: 'requests', most: 20 } as const
    const under = new DeliveryUnderTest({ makeQueue: (budget) => new MemoryQueue(budget, bound) })
    under.sender.respond = ({ group }) => (group === 'bad' ? denied : taken)
    for (let i = 0; i < 11; i++) under.send({ 'bad/s': namedItems('a', 1) })
    under.send({ 'good/s': namedItems('a', 1) })
    await vi.advanceTimersByTimeAsync(1_001)
    under.send({ 'good/s': namedItems('a', 1) })
    expect(under.send({ 'bad/s': namedItems('a', 1) }).rejectedLanes).toEqual([0])
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
    const under = new DeliveryUnderTest({ budgetBytes: 100_000, onLaneFull: 'dead_letter', deadLetters })
    under.sender.respond = ({ group }) => (group === 'bad' ? denied : taken)
    for (let i = 0; i < 6; i++) under.send({ 'bad/s': heavy(10_000) })
    under.send({ 'good/s': namedItems('a', 1) })
    await vi.advanceTimersByTimeAsync(1_001)
    under.sender.hold()
    under.send({ 'good/s': namedItems('a', 1) })
    return { under, letters }
  }

  test('the new records of a stuck lane become dead letters at once', async () => {
    const { under, letters } = await stuck(true)
    const request = under.send({ 'bad/s': namedItems('a', 3) })
    await settledPromises()
    expect([request.queued, request.rejectedLanes, request.outcomes]).toEqual(['stored', [], { dead_lettered: 3 }])
    expect(letters).toEqual(['bad/s: 3 lane_full: the group is at fault'])
    expect(under.ledger.difference()).toBe(0)
  })

  test('they wait in the lane if they cannot be kept: they were acknowledged', async () => {
    const { under } = await stuck(false)
    const request = under.send({ 'bad/s': namedItems('a', 3) })
    expect([request.queued, request.outcomes]).toEqual(['stored', {}])
    under.sender.respond = () => taken
    under.sender.resume()
    await vi.advanceTimersByTimeAsync(MINUTE_MS)
    expect(request.outcomes).toEqual({ delivered: 3 })
    expect(under.idle).toEqual(IDLE)
  })
})

describe('after an outage', () => {
  test('what happens now and what was missed share the puts, the oldest of the missed first', async () => {
    const under = new DeliveryUnderTest({ policy: { maxItems: 10 }, maxConcurrentPuts: 1 })
    under.sender.respond = () => fault('account', { afterMs: 1_000 })
    for (let minute = 0; minute < 10; minute++) {
      under.send({ 'g/s': namedItems(`old${minute}-`, 10) })
      await vi.advanceTimersByTimeAsync(MINUTE_MS)
    }
    under.sender.puts.length = 0
    // From now on there is always something new.
    under.sender.respond = () => {
      if (under.sender.puts.length < 20) under.send({ 'g/s': namedItems('now', 10) })
      return taken
    }
    under.send({ 'g/s': namedItems('now', 10) })
    await vi.advanceTimersByTimeAsync(MINUTE_MS)

    const carried = under.sender.puts.slice(0, 20).map(({ texts }) => texts[0])
    expect(carried.filter((text) => text === 'now0')).toHaveLength(10)
    expect(carried.filter((text) => text !== 'now0')).toEqual(Array.from({ length: 10 }, (_, at) => `old${at}-0`))
    expect(under.idle).toEqual(IDLE)
  })

  test('a lane that only has old items does not wait for fresh ones', async () => {
    const under = new DeliveryUnderTest()
    under.sender.respond = () => fault('endpoint')
    under.send({ 'g/s': namedItems('a', 3) })
    await vi.advanceTimersByTimeAsync(5 * MINUTE_MS)
    under.sender.respond = () => taken
    await vi.advanceTimersByTimeAsync(MINUTE_MS)
    expect(under.idle).toEqual(IDLE)
  })

  test('a lane whose items grow old while other lanes have the puts is not forgotten', async () => {
    const under = new DeliveryUnderTest({ maxConcurrentPuts: 1 })
    under.sender.hold()
    under.send({ 'g/slow': namedItems('a', 1) })
    await vi.advanceTimersByTimeAsync(1_001)
    const waiting = under.send({ 'g/waits': namedItems('b', 1) })
    await vi.advanceTimersByTimeAsync(2 * MINUTE_MS)
    under.sender.resume()
    await settledPromises()
    expect(waiting.outcomes).toEqual({ delivered: 1 })
    expect(under.idle).toEqual(IDLE)
  })

  test('fresh items that fail again do not keep the old ones from being sent', async () => {
    const under = new DeliveryUnderTest({ policy: { maxItems: 10 }, maxConcurrentPuts: 1 })
    under.sender.respond = () => fault('account', { afterMs: 1_000 })
    for (let minute = 0; minute < 5; minute++) {
      under.send({ 'g/s': namedItems(`old${minute}-`, 10) })
      await vi.advanceTimersByTimeAsync(MINUTE_MS)
    }
    for (let i = 0; i < 10; i++) {
      under.send({ 'g/s': namedItems(`new${i}-`, 10) })
      await vi.advanceTimersByTimeAsync(7_000)
    }
    under.sender.puts.length = 0
    under.sender.respond = () => taken
    await vi.advanceTimersByTimeAsync(2 * MINUTE_MS)
    expect(under.sender.sentTo('g/s')).toHaveLength(150)
    expect(new Set(under.sender.sentTo('g/s')).size).toBe(150)
    expect(under.idle).toEqual(IDLE)
  })
})
