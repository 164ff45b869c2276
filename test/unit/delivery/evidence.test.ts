// What a fault of one group says about the others.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { DeliveryHarness, IDLE } from '../../fakes/delivery.ts'
import { namedItems } from '../../fakes/items.ts'
import { fault, taken } from '../../fakes/sender.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const MINUTE_MS = 60_000
const broken = fault('endpoint', { reason: 'server_error' })

/** Groups `bad0` … answer 500. */
function withBad(count: number, setup: ConstructorParameters<typeof DeliveryHarness>[0] = {}) {
  const harness = new DeliveryHarness(setup)
  harness.sender.respond = ({ group }) => (group.startsWith('bad') ? broken : taken)
  for (let i = 0; i < count; i++) harness.send({ [`bad${i}/s`]: namedItems('x', 1) })
  return harness
}

describe('groups that answer 500', () => {
  test.each([20, 200])('%d of them hold up no working lane', async (count) => {
    const harness = withBad(count)
    for (let second = 0; second < 120; second++) {
      const request = harness.send({ 'good/s': namedItems('y', 1) })
      await vi.advanceTimersByTimeAsync(2_001)
      expect(request.outcomes).toEqual({ delivered: 1 })
    }
    harness.sender.respond = () => taken
    await vi.advanceTimersByTimeAsync(MINUTE_MS)
    expect(harness.idle).toEqual(IDLE)
  })

  test('hold up no lane that is written once a minute', async () => {
    const harness = withBad(20)
    for (let minute = 0; minute < 10; minute++) {
      await vi.advanceTimersByTimeAsync(MINUTE_MS)
      const request = harness.send({ 'good/s': namedItems('y', 1) })
      await vi.advanceTimersByTimeAsync(2_001)
      expect(request.outcomes).toEqual({ delivered: 1 })
    }
  })

  test('take at most half of the put places while they hang', async () => {
    const harness = withBad(50, { maxConcurrentPuts: 4 })
    for (let i = 0; i < 40; i++) {
      harness.send({ 'good/s': namedItems('y', 1) })
      await vi.advanceTimersByTimeAsync(1_001)
    }
    // From now on they do not answer at all.
    harness.sender.hold()
    await vi.advanceTimersByTimeAsync(MINUTE_MS)
    expect(harness.sender.held.length).toBeLessThanOrEqual(2)
    const good = harness.send({ 'good/s': namedItems('y', 1) })
    await vi.advanceTimersByTimeAsync(5_000)
    harness.sender.held.find(({ group }) => group === 'good')?.answer(taken)
    await vi.advanceTimersByTimeAsync(1)
    expect(good.outcomes).toEqual({ delivered: 1 })
  })
})

describe('blame', () => {
  test('one group alone proves nothing against the endpoint: only the group waits', async () => {
    const harness = withBad(1)
    await vi.advanceTimersByTimeAsync(MINUTE_MS)
    expect(harness.scope('endpoint')).toMatchObject({ state: 'closed' })
    expect(harness.scope('group')?.openings).toBeGreaterThan(1)
  })

  test('a group that fails while nothing else is written is not blamed, so its records are not rejected', async () => {
    const harness = new DeliveryHarness({ budgetBytes: 20_000 })
    harness.sender.respond = () => broken
    for (let i = 0; i < 10; i++) {
      harness.send({ 'g/a': [{ text: 'x'.repeat(700) }], 'g/b': [{ text: 'x'.repeat(700) }] })
      await vi.advanceTimersByTimeAsync(2_001)
    }
    const refused = harness.send({ 'g/a': [{ text: 'x'.repeat(700) }], 'g/b': [{ text: 'x'.repeat(700) }] })
    expect([refused.queued, refused.rejectedLanes]).toEqual(['budget_full', []])
    expect([...harness.delivery.scopes].some(({ blamed, kind }) => kind === 'group' && blamed)).toBe(false)
  })

  test('when all fail at once, a put in flight that succeeds blames no group', async () => {
    const harness = new DeliveryHarness({ budgetBytes: 20_000 })
    harness.sender.hold()
    const record = () => [{ text: 'x'.repeat(700) }]
    harness.send({ 'a/s': record(), 'b/s': record() })
    await vi.advanceTimersByTimeAsync(2_001)
    harness.sender.respond = () => broken
    const [first] = harness.sender.held.splice(0, 1)
    first?.answer(taken)
    harness.sender.resume()
    for (let i = 0; i < 30; i++) {
      const request = harness.send({ 'a/s': record(), 'b/s': record() })
      expect(request.rejectedLanes).toEqual([])
      await vi.advanceTimersByTimeAsync(1_001)
    }
  })

  // A full queue rejects the records of a blamed group.
  test.each([2, 3])('when an outage of %d groups ends, one that fails once more is not blamed', async (groups) => {
    const harness = new DeliveryHarness({
      budgetBytes: 20_000,
      backoff: { initialMs: 100, multiplier: 1.5, maxMs: 1_000 },
    })
    const names = Array.from({ length: groups }, (_, i) => `g${i}`)
    const sendToAll = () =>
      harness.send(Object.fromEntries(names.map((name) => [`${name}/s`, [{ text: 'x'.repeat(500) }]])))
    sendToAll()
    await vi.advanceTimersByTimeAsync(2_001)
    harness.sender.respond = () => broken
    for (let i = 0; i < 30; i++) {
      expect(sendToAll().rejectedLanes).toEqual([])
      await vi.advanceTimersByTimeAsync(1_001)
    }
    harness.sender.respond = ({ group }) => (group === 'g0' ? taken : broken)
    for (let i = 0; i < 70; i++) {
      expect(sendToAll().rejectedLanes).toEqual([])
      await vi.advanceTimersByTimeAsync(100)
    }
    expect(harness.sender.sentTo('g0/s').length).toBeGreaterThan(1)
  })

  test('a group that fails while another is written is blamed', async () => {
    const harness = withBad(1)
    for (let i = 0; i < 10; i++) {
      harness.send({ 'good/s': namedItems('y', 1) })
      await vi.advanceTimersByTimeAsync(2_001)
    }
    const group = [...harness.delivery.scopes].find(({ name }) => name === 'bad0')
    expect(group).toMatchObject({ blamed: true })
  })

  test('three groups that fail, and none that works: the endpoint is tried with one put at a time', async () => {
    const harness = withBad(30)
    await vi.advanceTimersByTimeAsync(MINUTE_MS)
    const before = harness.sender.puts.length
    await vi.advanceTimersByTimeAsync(MINUTE_MS)
    expect(harness.scope('endpoint')?.openings).toBeGreaterThan(3)
    expect(harness.sender.puts.length - before).toBeLessThan(20)
  })
})
