import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { DeliveryHarness, IDLE } from '../../fakes/delivery.ts'
import { namedItems } from '../../fakes/items.ts'
import { denied, settledPromises, taken } from '../../fakes/sender.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const READY = { kind: 'ready' } as const
const MISSING = { kind: 'missing', message: 'there is no such stream' } as const

/** Streams of the group `new` are missing until they are created. */
function withMissing(setup: ConstructorParameters<typeof DeliveryHarness>[0] = {}) {
  const harness = new DeliveryHarness(setup)
  const existing = new Set<string>()
  harness.sender.respond = ({ destination, group }) => (group !== 'new' || existing.has(destination) ? taken : MISSING)
  return {
    harness,
    create: async (destination: string) => {
      existing.add(destination)
      harness.sender.creating.get(destination)?.(READY)
      await settledPromises()
    },
  }
}

describe('a destination that is missing', () => {
  test('is created once, and the waiting items are then sent without a retry', async () => {
    const { harness, create } = withMissing()
    const first = harness.send({ 'new/a': namedItems('a', 2) })
    await vi.advanceTimersByTimeAsync(1_001)
    const second = harness.send({ 'new/a': namedItems('b', 2) })
    await vi.advanceTimersByTimeAsync(60_000)
    expect(harness.sender.created).toEqual(['new/a'])
    expect(harness.sender.puts).toHaveLength(1)
    await create('new/a')
    await vi.advanceTimersByTimeAsync(1_001)
    expect([first.outcomes, second.outcomes]).toEqual([{ delivered: 2 }, { delivered: 2 }])
    expect(harness.ledger.retries).toBe(0)
    expect(harness.idle).toEqual(IDLE)
  })

  test('takes no put place: others are sent while hundreds are created', async () => {
    const { harness } = withMissing({ maxConcurrentPuts: 2 })
    for (let i = 0; i < 300; i++) harness.send({ [`new/${i}`]: namedItems('x', 1) })
    await vi.advanceTimersByTimeAsync(1_001)
    expect(harness.sender.created).toHaveLength(300)
    for (let round = 0; round < 5; round++) {
      const request = harness.send({ 'old/s': namedItems('y', 1) })
      await vi.advanceTimersByTimeAsync(1_001)
      expect(request.outcomes).toEqual({ delivered: 1 })
    }
  })

  test('opens no scope, and is no evidence against one', async () => {
    const { harness } = withMissing()
    for (let i = 0; i < 20; i++) harness.send({ [`new/${i}`]: namedItems('x', 1) })
    await vi.advanceTimersByTimeAsync(60_000)
    expect([...harness.delivery.scopes].filter(({ state, failures }) => state !== 'closed' || failures > 0)).toEqual([])
  })

  test('that may not be created is a fault of its group, and is tried again', async () => {
    const { harness, create } = withMissing()
    const request = harness.send({ 'new/a': namedItems('a', 1) })
    await vi.advanceTimersByTimeAsync(1_001)
    harness.sender.creating.get('new/a')?.(denied)
    await settledPromises()
    expect(harness.scope('group')).toMatchObject({ name: 'new', state: 'open', blamed: true })
    await vi.advanceTimersByTimeAsync(15_000)
    expect(harness.sender.created).toEqual(['new/a', 'new/a'])
    await create('new/a')
    await vi.advanceTimersByTimeAsync(15_000)
    expect(request.outcomes).toEqual({ delivered: 1 })
    expect(harness.idle).toEqual(IDLE)
  })

  test('that is not visible right after its creation is retried, and not created again', async () => {
    const { harness } = withMissing()
    const request = harness.send({ 'new/a': namedItems('a', 1) })
    await vi.advanceTimersByTimeAsync(1_001)
    harness.sender.creating.get('new/a')?.(READY)
    await vi.advanceTimersByTimeAsync(3_000)
    expect(harness.sender.puts.length).toBeGreaterThan(2)
    harness.sender.respond = () => taken
    await vi.advanceTimersByTimeAsync(10_000)
    expect(request.outcomes).toEqual({ delivered: 1 })
    expect(harness.sender.created).toEqual(['new/a'])
  })

  test('that cannot be created, without retries: its items are given up', async () => {
    const { harness } = withMissing({ retryFailed: false })
    const request = harness.send({ 'new/a': namedItems('a', 3) })
    await vi.advanceTimersByTimeAsync(1_001)
    harness.sender.creating.get('new/a')?.(denied)
    await settledPromises()
    expect(request.outcomes).toEqual({ 'lost: expired': 3 })
    expect(harness.idle).toEqual(IDLE)
  })

  test('is given up with the process', async () => {
    const { harness } = withMissing()
    const request = harness.send({ 'new/a': namedItems('a', 1) })
    await vi.advanceTimersByTimeAsync(1_001)
    const abort = new AbortController()
    const closed = harness.delivery.shutdown(abort.signal, false)
    abort.abort()
    await closed
    expect(request.outcomes).toEqual({ 'lost: shutdown': 1 })
    expect(vi.getTimerCount()).toBe(0)
  })

  test('whose items expire meanwhile is forgotten', async () => {
    const { harness, create } = withMissing({ policy: { maxWaitMs: 10_000 } })
    await harness.delivery.start((key) => key)
    const request = harness.send({ 'new/a': namedItems('a', 1) })
    await vi.advanceTimersByTimeAsync(12_000)
    expect(request.outcomes).toEqual({ 'lost: expired': 1 })
    await create('new/a')
    expect(harness.idle).toEqual(IDLE)
    await harness.delivery.shutdown(AbortSignal.abort(), false)
  })
})

test('lanes that wait for creations are not rejected while nothing else is written either', async () => {
  const { harness } = withMissing({ budgetBytes: 20_000 })
  Object.assign(harness.sender, {
    creation: { state: 'open', failingSinceMs: performance.now(), lastFault: 'no answer' },
  })
  const record = () => [{ text: 'x'.repeat(700) }]
  harness.send({ 'old/s': namedItems('a', 1) })
  for (let i = 0; i < 20; i++) {
    const request = harness.send({ 'new/a': record(), 'new/b': record() })
    expect(request.rejectedLanes).toEqual([])
    await vi.advanceTimersByTimeAsync(1_001)
  }
  expect(harness.send({ 'new/a': record() }).queued).toBe('budget_full')
})
