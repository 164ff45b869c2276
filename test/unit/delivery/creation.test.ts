import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { DeliveryUnderTest, IDLE } from '../../fakes/delivery.ts'
import { namedItems } from '../../fakes/items.ts'
import { denied, settledPromises, taken } from '../../fakes/sender.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const READY = { kind: 'ready' } as const
const MISSING = { kind: 'missing', message: 'there is no such stream' } as const

/** Streams of the group `new` are missing until they are created. */
function withMissing(setup: ConstructorParameters<typeof DeliveryUnderTest>[0] = {}) {
  const under = new DeliveryUnderTest(setup)
  const existing = new Set<string>()
  under.sender.respond = ({ destination, group }) => (group !== 'new' || existing.has(destination) ? taken : MISSING)
  return {
    under,
    create: async (destination: string) => {
      existing.add(destination)
      under.sender.creating.get(destination)?.(READY)
      await settledPromises()
    },
  }
}

describe('a destination that is missing', () => {
  test('is created once, and what waits for it is sent then, without a retry', async () => {
    const { under, create } = withMissing()
    const first = under.send({ 'new/a': namedItems('a', 2) })
    await vi.advanceTimersByTimeAsync(1_001)
    const second = under.send({ 'new/a': namedItems('b', 2) })
    await vi.advanceTimersByTimeAsync(60_000)
    expect(under.sender.created).toEqual(['new/a'])
    expect(under.sender.puts).toHaveLength(1)
    await create('new/a')
    await vi.advanceTimersByTimeAsync(1_001)
    expect([first.outcomes, second.outcomes]).toEqual([{ delivered: 2 }, { delivered: 2 }])
    expect(under.ledger.retries).toBe(0)
    expect(under.idle).toEqual(IDLE)
  })

  test('takes no put place: others are sent while hundreds are created', async () => {
    const { under } = withMissing({ maxConcurrentPuts: 2 })
    for (let i = 0; i < 300; i++) under.send({ [`new/${i}`]: namedItems('x', 1) })
    await vi.advanceTimersByTimeAsync(1_001)
    expect(under.sender.created).toHaveLength(300)
    for (let round = 0; round < 5; round++) {
      const request = under.send({ 'old/s': namedItems('y', 1) })
      await vi.advanceTimersByTimeAsync(1_001)
      expect(request.outcomes).toEqual({ delivered: 1 })
    }
  })

  test('opens no scope, and is no evidence against any', async () => {
    const { under } = withMissing()
    for (let i = 0; i < 20; i++) under.send({ [`new/${i}`]: namedItems('x', 1) })
    await vi.advanceTimersByTimeAsync(60_000)
    expect([...under.delivery.scopes].filter(({ state, failures }) => state !== 'closed' || failures > 0)).toEqual([])
  })

  test('that may not be created is a fault of its group, and is asked for again', async () => {
    const { under, create } = withMissing()
    const request = under.send({ 'new/a': namedItems('a', 1) })
    await vi.advanceTimersByTimeAsync(1_001)
    under.sender.creating.get('new/a')?.(denied)
    await settledPromises()
    expect(under.scope('group')).toMatchObject({ name: 'new', state: 'open', blamed: true })
    await vi.advanceTimersByTimeAsync(15_000)
    expect(under.sender.created).toEqual(['new/a', 'new/a'])
    await create('new/a')
    await vi.advanceTimersByTimeAsync(15_000)
    expect(request.outcomes).toEqual({ delivered: 1 })
    expect(under.idle).toEqual(IDLE)
  })

  test('that is not seen right after its creation is waited for, and not created again', async () => {
    const { under } = withMissing()
    const request = under.send({ 'new/a': namedItems('a', 1) })
    await vi.advanceTimersByTimeAsync(1_001)
    under.sender.creating.get('new/a')?.(READY)
    await vi.advanceTimersByTimeAsync(3_000)
    expect(under.sender.puts.length).toBeGreaterThan(2)
    under.sender.respond = () => taken
    await vi.advanceTimersByTimeAsync(10_000)
    expect(request.outcomes).toEqual({ delivered: 1 })
    expect(under.sender.created).toEqual(['new/a'])
  })

  test('that cannot be created, without retries: its items are given up', async () => {
    const { under } = withMissing({ retryFailed: false })
    const request = under.send({ 'new/a': namedItems('a', 3) })
    await vi.advanceTimersByTimeAsync(1_001)
    under.sender.creating.get('new/a')?.(denied)
    await settledPromises()
    expect(request.outcomes).toEqual({ 'lost: expired': 3 })
    expect(under.idle).toEqual(IDLE)
  })

  test('is given up with the process', async () => {
    const { under } = withMissing()
    const request = under.send({ 'new/a': namedItems('a', 1) })
    await vi.advanceTimersByTimeAsync(1_001)
    const abort = new AbortController()
    const closed = under.delivery.shutdown(abort.signal, false)
    abort.abort()
    await closed
    expect(request.outcomes).toEqual({ 'lost: shutdown': 1 })
    expect(vi.getTimerCount()).toBe(0)
  })

  test('whose items expire meanwhile is forgotten', async () => {
    const { under, create } = withMissing({ policy: { maxWaitMs: 10_000 } })
    await under.delivery.start((key) => key)
    const request = under.send({ 'new/a': namedItems('a', 1) })
    await vi.advanceTimersByTimeAsync(12_000)
    expect(request.outcomes).toEqual({ 'lost: expired': 1 })
    await create('new/a')
    expect(under.idle).toEqual(IDLE)
    await under.delivery.shutdown(AbortSignal.abort(), false)
  })
})

test('lanes that wait for creations are not turned away when nothing else is written either', async () => {
  const { under } = withMissing({ budgetBytes: 20_000 })
  Object.assign(under.sender, {
    creation: { state: 'open', failingSinceMs: performance.now(), lastFault: 'no answer' },
  })
  const record = () => [{ text: 'x'.repeat(700) }]
  under.send({ 'old/s': namedItems('a', 1) })
  for (let i = 0; i < 20; i++) {
    const request = under.send({ 'new/a': record(), 'new/b': record() })
    expect(request.rejectedLanes).toEqual([])
    await vi.advanceTimersByTimeAsync(1_001)
  }
  expect(under.send({ 'new/a': record() }).queued).toBe('budget_full')
})
