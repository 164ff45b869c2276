import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type DeliverySetup, DeliveryHarness, IDLE } from '../../fakes/delivery.ts'
import { namedItems } from '../../fakes/items.ts'
import { denied, fault, settledPromises, taken } from '../../fakes/sender.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS

describe('a fault of one group', () => {
  test('never holds up another group, and sends nothing of it again', async () => {
    const harness = new DeliveryHarness()
    harness.sender.respond = ({ group }) => (group === 'bad' ? denied : taken)
    for (let round = 0; round < 20; round++) {
      harness.send({
        'bad/s': namedItems(`${round}-`, 1),
        'good/s': namedItems(`${round}-`, 1),
        [`new${round}/s`]: [{ text: 'x' }],
      })
      await vi.advanceTimersByTimeAsync(1_001)
    }
    expect(harness.sender.sentTo('good/s')).toEqual(Array.from({ length: 20 }, (_, round) => `${round}-0`))
    expect(harness.ledger).toMatchObject({ delivered: 40, queued: 20 })
    // It will not pass by itself, so it is asked about every 7.5 to 15 seconds.
    expect(harness.sender.puts.filter(({ group }) => group === 'bad').length).toBeLessThanOrEqual(3)

    harness.sender.respond = () => taken
    await vi.advanceTimersByTimeAsync(20_000)
    expect(harness.sender.sentTo('bad/s').slice(-20)).toEqual(Array.from({ length: 20 }, (_, round) => `${round}-0`))
    expect(harness.idle).toEqual(IDLE)
  })

  test('holds all of its streams, and one put probes for all of them', async () => {
    const harness = new DeliveryHarness()
    harness.sender.respond = () => denied
    for (let i = 0; i < 30; i++) harness.send({ [`bad/s${i}`]: namedItems('a', 1) })
    await vi.advanceTimersByTimeAsync(1_001)
    expect(harness.sender.puts.length).toBeLessThanOrEqual(10)
    const before = harness.sender.puts.length
    await vi.advanceTimersByTimeAsync(15_000)
    expect(harness.sender.puts.length - before).toBeLessThanOrEqual(2)
    harness.sender.respond = () => taken
    await vi.advanceTimersByTimeAsync(MINUTE_MS)
    expect(harness.idle).toEqual(IDLE)
  })

  test('is logged once, with the scope and the destination’s message, and so is its end', async () => {
    const harness = new DeliveryHarness()
    harness.sender.respond = () => denied
    harness.send({ 'bad/s': namedItems('a', 1) })
    await vi.advanceTimersByTimeAsync(1_001)
    harness.sender.respond = () => taken
    await vi.advanceTimersByTimeAsync(MINUTE_MS)
    expect(harness.logged).toEqual([
      {
        level: 'warn',
        message: 'delivery failed: records wait for a retry',
        fields: expect.objectContaining({ scope: 'group', name: 'bad', reason: 'access_denied' }) as object,
      },
      { level: 'info', message: 'delivery recovered', fields: { scope: 'group', name: 'bad' } },
    ])
  })

  test('that is part of normal work is not logged, nor is its end', async () => {
    const harness = new DeliveryHarness()
    const answers = [fault('stream', { reason: 'not_visible_yet', expected: true })]
    harness.sender.respond = () => answers.pop() ?? taken
    harness.send({ 'g/s': namedItems('a', 1) })
    await vi.advanceTimersByTimeAsync(MINUTE_MS)
    expect([harness.ledger.delivered, harness.logged]).toEqual([1, []])
  })
})

describe('a fault of the endpoint', () => {
  const down = fault('endpoint', { reason: 'network' })

  /** Sent before, so that the endpoint has not succeeded for five seconds when it fails. */
  async function quiet(setup: DeliverySetup = {}) {
    const harness = new DeliveryHarness(setup)
    harness.send({ 'before/s': namedItems('a', 1) })
    await vi.advanceTimersByTimeAsync(6_001)
    harness.sender.puts.length = 0
    return harness
  }

  test('opens after three groups failed; then one put probes, and slow start follows', async () => {
    const harness = await quiet({ backoff: { initialMs: 4_000, multiplier: 1, maxMs: 30_000 } })
    vi.spyOn(Math, 'random').mockReturnValue(0.9)
    harness.sender.respond = () => down
    for (let i = 0; i < 40; i++) harness.send({ [`g${i}/s`]: namedItems('a', 1) })
    await vi.advanceTimersByTimeAsync(1_001)
    // One more may have been under way with the third.
    const opened = harness.sender.puts.length
    expect(opened).toBeLessThanOrEqual(4)
    expect(harness.scope('endpoint')?.state).toBe('open')
    await vi.advanceTimersByTimeAsync(3_600)
    expect(harness.sender.puts).toHaveLength(opened + 1)

    harness.sender.hold()
    await vi.advanceTimersByTimeAsync(3_601)
    expect(harness.sender.held).toHaveLength(1)
    const rounds: number[] = []
    while (harness.sender.held.length > 0) {
      rounds.push(harness.sender.held.length)
      for (const put of harness.sender.held.splice(0)) put.answer(taken)
      await settledPromises()
    }
    expect(rounds.slice(0, 3)).toEqual([1, 1, 2]) // the probe, and then one more for each whole round
    expect(rounds.slice(0, -1)).toEqual(rounds.slice(0, -1).toSorted((a, b) => a - b))
    await vi.advanceTimersByTimeAsync(MINUTE_MS)
    expect(harness.idle).toEqual(IDLE)
    vi.restoreAllMocks()
  })

  test('is logged when it opens, and when any answer shows that it is over', async () => {
    const harness = await quiet()
    const answers = [down, down, down, fault('stream')]
    harness.sender.respond = () => answers.shift() ?? taken
    for (let i = 0; i < 5; i++) harness.send({ [`g${i}/s`]: namedItems('a', 1) })
    await vi.advanceTimersByTimeAsync(MINUTE_MS)
    const logged = harness.logged.filter(({ fields }) => fields['scope'] === 'endpoint')
    expect(logged.map(({ message, fields }) => [message, fields['reason']])).toEqual([
      ['delivery failed: records wait for a retry', 'network'],
      ['delivery recovered', undefined],
    ])
  })

  test('once does not hold lanes that did not fail', async () => {
    const harness = new DeliveryHarness({ backoff: { initialMs: 30_000, multiplier: 1, maxMs: 30_000 } })
    vi.spyOn(Math, 'random').mockReturnValue(0.9)
    let puts = 0
    harness.sender.respond = () => (++puts === 1 ? down : taken)
    for (let i = 0; i < 5; i++) harness.send({ [`g${i}/s`]: namedItems('a', 1) })
    await vi.advanceTimersByTimeAsync(1_001)
    expect(harness.ledger.delivered).toBe(4)
    await vi.advanceTimersByTimeAsync(30_000)
    expect(harness.idle).toEqual(IDLE)
    vi.restoreAllMocks()
  })

  test('once with retry_on_failure off gives up its own items, and the others are sent', async () => {
    const harness = new DeliveryHarness({ retryFailed: false })
    let puts = 0
    harness.sender.respond = () => (++puts === 1 ? down : taken)
    for (let i = 0; i < 5; i++) harness.send({ [`g${i}/s`]: namedItems('a', 1) })
    await vi.advanceTimersByTimeAsync(5_000)
    expect(harness.ledger).toMatchObject({ delivered: 4, lost: { expired: 1 } })
    expect(harness.idle).toEqual(IDLE)
  })
})

describe('throttling', () => {
  test('holds the account, and comes back slower than before', async () => {
    const harness = new DeliveryHarness({ maxConcurrentPuts: 16 })
    const atOnce = async () => {
      harness.sender.mostAtOnce = 0
      harness.sender.hold()
      for (let i = 0; i < 64; i++) harness.send({ [`g${i}/s`]: namedItems('x', 1) })
      await vi.advanceTimersByTimeAsync(1_001)
      const waiting = harness.sender.held.length
      harness.sender.resume()
      await vi.advanceTimersByTimeAsync(1_001)
      return waiting
    }
    await atOnce()
    expect(await atOnce()).toBe(16)
    harness.sender.respond = () => fault('account', { reason: 'throttled', afterMs: 5_000 })
    harness.send({ 'g/s': namedItems('a', 1) })
    await vi.advanceTimersByTimeAsync(1_001)
    expect(harness.scope('account')?.state).toBe('open')
    const before = harness.sender.puts.length
    await vi.advanceTimersByTimeAsync(3_900)
    expect(harness.sender.puts.length).toBe(before) // it asked for 5 seconds
    harness.sender.respond = () => taken
    await vi.advanceTimersByTimeAsync(2_000)
    expect(await atOnce()).toBeLessThanOrEqual(2)
  })

  test('shows that the endpoint and the credentials work', async () => {
    const harness = new DeliveryHarness()
    harness.sender.respond = () => fault('account')
    harness.send({ 'g/s': namedItems('a', 1) })
    await vi.advanceTimersByTimeAsync(1_001)
    expect([...harness.delivery.scopes].map(({ kind, everSucceeded }) => [kind, everSucceeded])).toEqual([
      ['endpoint', true],
      ['credential', true],
      ['account', false],
      ['group', false],
    ])
  })
})

describe('the probe of a scope', () => {
  test('goes to a lane that can send: past one of a denied group, and one whose items have expired', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.9)
    const start = Date.now()
    const harness = new DeliveryHarness({
      flushIntervalMs: 100,
      policy: { oldestTimeMs: (nowMs) => nowMs - 14 * DAY_MS },
    })
    const fresh = (name: string) => [{ text: name, time: start }]
    for (let i = 0; i < 8; i++) {
      harness.send({ [`warm${i}/s`]: fresh('warm') })
      await vi.advanceTimersByTimeAsync(101)
    }
    // One group is denied for 14 seconds; meanwhile the endpoint goes away for 5, as three groups see.
    harness.sender.respond = () => denied
    harness.send({ 'bad/0': fresh('x') })
    await vi.advanceTimersByTimeAsync(5_101)
    harness.sender.hold()
    harness.send({ 'a/s': fresh('x'), 'b/s': fresh('x'), 'c/s': fresh('x') })
    await vi.advanceTimersByTimeAsync(101)
    const answers = Array.from({ length: 3 }, () => fault('endpoint', { afterMs: 5_000 }))
    harness.sender.respond = () => answers.shift() ?? taken
    harness.sender.resume()
    await settledPromises()
    expect([harness.scope('endpoint')?.state, harness.scope('group')?.state]).toEqual(['open', 'open'])

    // In the order in which they will be asked.
    harness.send({ 'bad/4': fresh('x') })
    await vi.advanceTimersByTimeAsync(200)
    harness.send({ 'old/s': [{ text: 'old', time: start - 14 * DAY_MS + 3_000 }] })
    await vi.advanceTimersByTimeAsync(200)
    const good = harness.send({ 'good/s': fresh('good') })
    await vi.advanceTimersByTimeAsync(4_700)
    expect(good.outcomes).toEqual({ delivered: 1 })
    vi.restoreAllMocks()
  })
})

describe('an account that is throttled', () => {
  test('is reported once, with the time to wait', async () => {
    const harness = new DeliveryHarness()
    harness.sender.respond = () => fault('account', { afterMs: 5_000, message: 'Rate exceeded' })
    for (const lane of ['g/a', 'g/b', 'g/c']) harness.send({ [lane]: namedItems('a', 1) })
    await vi.advanceTimersByTimeAsync(1_001)
    expect(harness.throttles).toEqual([{ account: 'account', afterMs: expect.any(Number), message: 'Rate exceeded' }])
    expect(harness.throttles[0]?.afterMs).toBeGreaterThan(4_000)
  })

  test('in another process is respected here too', async () => {
    const harness = new DeliveryHarness()
    harness.send({ 'g/a': namedItems('a', 1) })
    await vi.advanceTimersByTimeAsync(1_001)
    harness.delivery.throttledElsewhere('account', 20_000, 'Rate exceeded')
    harness.send({ 'g/a': namedItems('b', 1) })
    await vi.advanceTimersByTimeAsync(15_000)
    expect(harness.sender.sentTo('g/a')).toEqual(['a0'])
    await vi.advanceTimersByTimeAsync(30_000)
    expect(harness.sender.sentTo('g/a')).toEqual(['a0', 'b0'])
    expect(harness.throttles).toEqual([])
  })

  test('in another process is respected by lanes that come later', async () => {
    const harness = new DeliveryHarness()
    harness.delivery.throttledElsewhere('account', 20_000, 'Rate exceeded')
    harness.send({ 'g/a': namedItems('a', 1) })
    await vi.advanceTimersByTimeAsync(15_000)
    expect(harness.sender.sentTo('g/a')).toEqual([])
    await vi.advanceTimersByTimeAsync(30_000)
    expect(harness.sender.sentTo('g/a')).toEqual(['a0'])
  })
})
