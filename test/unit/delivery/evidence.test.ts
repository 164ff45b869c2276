// What a fault of one group says about the others.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { DeliveryUnderTest, IDLE } from '../../fakes/delivery.ts'
import { namedItems } from '../../fakes/items.ts'
import { fault, taken } from '../../fakes/sender.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const MINUTE_MS = 60_000
const broken = fault('endpoint', { reason: 'server_error' })

/** Groups `bad0` … answer 500. */
function withBad(count: number, setup: ConstructorParameters<typeof DeliveryUnderTest>[0] = {}) {
  const under = new DeliveryUnderTest(setup)
  under.sender.respond = ({ group }) => (group.startsWith('bad') ? broken : taken)
  for (let i = 0; i < count; i++) under.send({ [`bad${i}/s`]: namedItems('x', 1) })
  return under
}

describe('groups that answer 500', () => {
  test.each([20, 200])('%d of them hold nothing that works', async (count) => {
    const under = withBad(count)
    for (let second = 0; second < 120; second++) {
      const request = under.send({ 'good/s': namedItems('y', 1) })
      await vi.advanceTimersByTimeAsync(2_001)
      expect(request.outcomes).toEqual({ delivered: 1 })
    }
    under.sender.respond = () => taken
    await vi.advanceTimersByTimeAsync(MINUTE_MS)
    expect(under.idle).toEqual(IDLE)
  })

  test('hold nothing that is written once a minute', async () => {
    const under = withBad(20)
    for (let minute = 0; minute < 10; minute++) {
      await vi.advanceTimersByTimeAsync(MINUTE_MS)
      const request = under.send({ 'good/s': namedItems('y', 1) })
      await vi.advanceTimersByTimeAsync(2_001)
      expect(request.outcomes).toEqual({ delivered: 1 })
    }
  })

  test('take at most half of the put places while they hang', async () => {
    const under = withBad(50, { maxConcurrentPuts: 4 })
    for (let i = 0; i < 40; i++) {
      under.send({ 'good/s': namedItems('y', 1) })
      await vi.advanceTimersByTimeAsync(1_001)
    }
    // From now on they do not answer at all.
    under.sender.hold()
    await vi.advanceTimersByTimeAsync(MINUTE_MS)
    expect(under.sender.held.length).toBeLessThanOrEqual(2)
    const good = under.send({ 'good/s': namedItems('y', 1) })
    await vi.advanceTimersByTimeAsync(5_000)
    under.sender.held.find(({ group }) => group === 'good')?.answer(taken)
    await vi.advanceTimersByTimeAsync(1)
    expect(good.outcomes).toEqual({ delivered: 1 })
  })
})

describe('whose fault it is', () => {
  test('one group alone proves nothing against the endpoint: it is the group that waits', async () => {
    const under = withBad(1)
    await vi.advanceTimersByTimeAsync(MINUTE_MS)
    expect(under.scope('endpoint')).toMatchObject({ state: 'closed' })
    expect(under.scope('group')?.openings).toBeGreaterThan(1)
  })

  test('a group that fails while nothing else is written is not to blame, so its records are not turned away', async () => {
    const under = new DeliveryUnderTest({ budgetBytes: 20_000 })
    under.sender.respond = () => broken
    for (let i = 0; i < 10; i++) {
      under.send({ 'g/a': [{ text: 'x'.repeat(700) }], 'g/b': [{ text: 'x'.repeat(700) }] })
      await vi.advanceTimersByTimeAsync(2_001)
    }
    const refused = under.send({ 'g/a': [{ text: 'x'.repeat(700) }], 'g/b': [{ text: 'x'.repeat(700) }] })
    expect([refused.queued, refused.rejectedLanes]).toEqual(['budget_full', []])
    expect([...under.delivery.scopes].some(({ blamed, kind }) => kind === 'group' && blamed)).toBe(false)
  })

  test('when all fail at once, what was under way and succeeds makes no group to blame', async () => {
    const under = new DeliveryUnderTest({ budgetBytes: 20_000 })
    under.sender.hold()
    const record = () => [{ text: 'x'.repeat(700) }]
    under.send({ 'a/s': record(), 'b/s': record() })
    await vi.advanceTimersByTimeAsync(2_001)
    under.sender.respond = () => broken
    const [first] = under.sender.held.splice(0, 1)
    first?.answer(taken)
    under.sender.resume()
    for (let i = 0; i < 30; i++) {
      const request = under.send({ 'a/s': record(), 'b/s': record() })
      expect(request.rejectedLanes).toEqual([])
      await vi.advanceTimersByTimeAsync(1_001)
    }
  })

  // A full queue turns away the records of a group that is to blame.
  test.each([2, 3])('when an outage of %d groups ends, one that fails once more is not to blame', async (groups) => {
    const under = new DeliveryUnderTest({
      budgetBytes: 20_000,
      backoff: { initialMs: 100, multiplier: 1.5, maxMs: 1_000 },
    })
    const names = Array.from({ length: groups }, (_, i) => `g${i}`)
    const sendToAll = () =>
      under.send(Object.fromEntries(names.map((name) => [`${name}/s`, [{ text: 'x'.repeat(500) }]])))
    sendToAll()
    await vi.advanceTimersByTimeAsync(2_001)
    under.sender.respond = () => broken
    for (let i = 0; i < 30; i++) {
      expect(sendToAll().rejectedLanes).toEqual([])
      await vi.advanceTimersByTimeAsync(1_001)
    }
    under.sender.respond = ({ group }) => (group === 'g0' ? taken : broken)
    for (let i = 0; i < 70; i++) {
      expect(sendToAll().rejectedLanes).toEqual([])
      await vi.advanceTimersByTimeAsync(100)
    }
    expect(under.sender.sentTo('g0/s').length).toBeGreaterThan(1)
  })

  test('a group that fails while another is written is to blame', async () => {
    const under = withBad(1)
    for (let i = 0; i < 10; i++) {
      under.send({ 'good/s': namedItems('y', 1) })
      await vi.advanceTimersByTimeAsync(2_001)
    }
    const group = [...under.delivery.scopes].find(({ name }) => name === 'bad0')
    expect(group).toMatchObject({ blamed: true })
  })

  test('three groups that fail, and none that works: the endpoint is tried with one put at a time', async () => {
    const under = withBad(30)
    await vi.advanceTimersByTimeAsync(MINUTE_MS)
    const before = under.sender.puts.length
    await vi.advanceTimersByTimeAsync(MINUTE_MS)
    expect(under.scope('endpoint')?.openings).toBeGreaterThan(3)
    expect(under.sender.puts.length - before).toBeLessThan(20)
  })
})
