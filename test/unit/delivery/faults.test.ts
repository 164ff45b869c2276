import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type DeliverySetup, DeliveryUnderTest, IDLE } from '../../fakes/delivery.ts'
import { namedItems } from '../../fakes/items.ts'
import { denied, fault, settledPromises, taken } from '../../fakes/sender.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS

describe('a fault of one group', () => {
  test('never holds another group, nor has it sent again', async () => {
    const under = new DeliveryUnderTest()
    under.sender.respond = ({ group }) => (group === 'bad' ? denied : taken)
    for (let round = 0; round < 20; round++) {
      under.send({
        'bad/s': namedItems(`${round}-`, 1),
        'good/s': namedItems(`${round}-`, 1),
        [`new${round}/s`]: [{ text: 'x' }],
      })
      await vi.advanceTimersByTimeAsync(1_001)
    }
    expect(under.sender.sentTo('good/s')).toEqual(Array.from({ length: 20 }, (_, round) => `${round}-0`))
    expect(under.ledger).toMatchObject({ delivered: 40, queued: 20 })
    // It will not pass by itself, so it is asked about every 7.5 to 15 seconds.
    expect(under.sender.puts.filter(({ group }) => group === 'bad').length).toBeLessThanOrEqual(3)

    under.sender.respond = () => taken
    await vi.advanceTimersByTimeAsync(20_000)
    expect(under.sender.sentTo('bad/s').slice(-20)).toEqual(Array.from({ length: 20 }, (_, round) => `${round}-0`))
    expect(under.idle).toEqual(IDLE)
  })

  test('holds all of its streams, and one put asks for all of them', async () => {
    const under = new DeliveryUnderTest()
    under.sender.respond = () => denied
    for (let i = 0; i < 30; i++) under.send({ [`bad/s${i}`]: namedItems('a', 1) })
    await vi.advanceTimersByTimeAsync(1_001)
    expect(under.sender.puts.length).toBeLessThanOrEqual(10)
    const before = under.sender.puts.length
    await vi.advanceTimersByTimeAsync(15_000)
    expect(under.sender.puts.length - before).toBeLessThanOrEqual(2)
    under.sender.respond = () => taken
    await vi.advanceTimersByTimeAsync(MINUTE_MS)
    expect(under.idle).toEqual(IDLE)
  })

  test('is said once, with the scope and the words of the destination, and so is its end', async () => {
    const under = new DeliveryUnderTest()
    under.sender.respond = () => denied
    under.send({ 'bad/s': namedItems('a', 1) })
    await vi.advanceTimersByTimeAsync(1_001)
    under.sender.respond = () => taken
    await vi.advanceTimersByTimeAsync(MINUTE_MS)
    expect(under.logged).toEqual([
      {
        level: 'warn',
        message: 'delivery failed: records wait for a retry',
        fields: expect.objectContaining({ scope: 'group', name: 'bad', reason: 'access_denied' }) as object,
      },
      { level: 'info', message: 'delivery recovered', fields: { scope: 'group', name: 'bad' } },
    ])
  })

  test('that is part of normal work is not said at all, nor is its end', async () => {
    const under = new DeliveryUnderTest()
    const answers = [fault('stream', { reason: 'not_visible_yet', expected: true })]
    under.sender.respond = () => answers.pop() ?? taken
    under.send({ 'g/s': namedItems('a', 1) })
    await vi.advanceTimersByTimeAsync(MINUTE_MS)
    expect([under.ledger.delivered, under.logged]).toEqual([1, []])
  })
})

describe('a fault of the endpoint', () => {
  const down = fault('endpoint', { reason: 'network' })

  /** Sent before, so that the endpoint has not succeeded for five seconds when it fails. */
  async function quiet(setup: DeliverySetup = {}) {
    const under = new DeliveryUnderTest(setup)
    under.send({ 'before/s': namedItems('a', 1) })
    await vi.advanceTimersByTimeAsync(6_001)
    under.sender.puts.length = 0
    return under
  }

  test('opens after three groups met it; then one put asks, and slow start follows', async () => {
    const under = await quiet({ backoff: { initialMs: 4_000, multiplier: 1, maxMs: 30_000 } })
    vi.spyOn(Math, 'random').mockReturnValue(0.9)
    under.sender.respond = () => down
    for (let i = 0; i < 40; i++) under.send({ [`g${i}/s`]: namedItems('a', 1) })
    await vi.advanceTimersByTimeAsync(1_001)
    // One more may have been under way with the third.
    const opened = under.sender.puts.length
    expect(opened).toBeLessThanOrEqual(4)
    expect(under.scope('endpoint')?.state).toBe('open')
    await vi.advanceTimersByTimeAsync(3_600)
    expect(under.sender.puts).toHaveLength(opened + 1)

    under.sender.hold()
    await vi.advanceTimersByTimeAsync(3_601)
    expect(under.sender.held).toHaveLength(1)
    const rounds: number[] = []
    while (under.sender.held.length > 0) {
      rounds.push(under.sender.held.length)
      for (const put of under.sender.held.splice(0)) put.answer(taken)
      await settledPromises()
    }
    expect(rounds.slice(0, 3)).toEqual([1, 1, 2]) // the probe, and then one more for each whole round
    expect(rounds.slice(0, -1)).toEqual(rounds.slice(0, -1).toSorted((a, b) => a - b))
    await vi.advanceTimersByTimeAsync(MINUTE_MS)
    expect(under.idle).toEqual(IDLE)
    vi.restoreAllMocks()
  })

  test('is said when it opens, and when it is over, whatever the answer that shows it', async () => {
    const under = await quiet()
    const answers = [down, down, down, fault('stream')]
    under.sender.respond = () => answers.shift() ?? taken
    for (let i = 0; i < 5; i++) under.send({ [`g${i}/s`]: namedItems('a', 1) })
    await vi.advanceTimersByTimeAsync(MINUTE_MS)
    const said = under.logged.filter(({ fields }) => fields['scope'] === 'endpoint')
    expect(said.map(({ message, fields }) => [message, fields['reason']])).toEqual([
      ['delivery failed: records wait for a retry', 'network'],
      ['delivery recovered', undefined],
    ])
  })

  test('once does not hold the lanes that did not meet it', async () => {
    const under = new DeliveryUnderTest({ backoff: { initialMs: 30_000, multiplier: 1, maxMs: 30_000 } })
    vi.spyOn(Math, 'random').mockReturnValue(0.9)
    let puts = 0
    under.sender.respond = () => (++puts === 1 ? down : taken)
    for (let i = 0; i < 5; i++) under.send({ [`g${i}/s`]: namedItems('a', 1) })
    await vi.advanceTimersByTimeAsync(1_001)
    expect(under.ledger.delivered).toBe(4)
    await vi.advanceTimersByTimeAsync(30_000)
    expect(under.idle).toEqual(IDLE)
    vi.restoreAllMocks()
  })

  test('once with retry_on_failure off gives up its own items, and the others go out', async () => {
    const under = new DeliveryUnderTest({ retryFailed: false })
    let puts = 0
    under.sender.respond = () => (++puts === 1 ? down : taken)
    for (let i = 0; i < 5; i++) under.send({ [`g${i}/s`]: namedItems('a', 1) })
    await vi.advanceTimersByTimeAsync(5_000)
    expect(under.ledger).toMatchObject({ delivered: 4, lost: { expired: 1 } })
    expect(under.idle).toEqual(IDLE)
  })
})

describe('throttling', () => {
  test('holds the account, and comes back slower than before', async () => {
    const under = new DeliveryUnderTest({ maxConcurrentPuts: 16 })
    const atOnce = async () => {
      under.sender.mostAtOnce = 0
      under.sender.hold()
      for (let i = 0; i < 64; i++) under.send({ [`g${i}/s`]: namedItems('x', 1) })
      await vi.advanceTimersByTimeAsync(1_001)
      const waiting = under.sender.held.length
      under.sender.resume()
      await vi.advanceTimersByTimeAsync(1_001)
      return waiting
    }
    await atOnce()
    expect(await atOnce()).toBe(16)
    under.sender.respond = () => fault('account', { reason: 'throttled', afterMs: 5_000 })
    under.send({ 'g/s': namedItems('a', 1) })
    await vi.advanceTimersByTimeAsync(1_001)
    expect(under.scope('account')?.state).toBe('open')
    const before = under.sender.puts.length
    await vi.advanceTimersByTimeAsync(3_900)
    expect(under.sender.puts.length).toBe(before) // it asked for 5 seconds
    under.sender.respond = () => taken
    await vi.advanceTimersByTimeAsync(2_000)
    expect(await atOnce()).toBeLessThanOrEqual(2)
  })

  test('says of the endpoint and the credentials that they work', async () => {
    const under = new DeliveryUnderTest()
    under.sender.respond = () => fault('account')
    under.send({ 'g/s': namedItems('a', 1) })
    await vi.advanceTimersByTimeAsync(1_001)
    expect([...under.delivery.scopes].map(({ kind, everSucceeded }) => [kind, everSucceeded])).toEqual([
      ['endpoint', true],
      ['credential', true],
      ['account', false],
      ['group', false],
    ])
  })
})

describe('the one put that asks a scope', () => {
  test('goes to a lane that can make it: past one of a denied group, and one whose items have expired', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.9)
    const start = Date.now()
    const under = new DeliveryUnderTest({
      flushIntervalMs: 100,
      policy: { oldestTimeMs: (nowMs) => nowMs - 14 * DAY_MS },
    })
    const fresh = (name: string) => [{ text: name, time: start }]
    for (let i = 0; i < 8; i++) {
      under.send({ [`warm${i}/s`]: fresh('warm') })
      await vi.advanceTimersByTimeAsync(101)
    }
    // One group is denied for 14 seconds; meanwhile the endpoint goes away for 5, as three groups see.
    under.sender.respond = () => denied
    under.send({ 'bad/0': fresh('x') })
    await vi.advanceTimersByTimeAsync(5_101)
    under.sender.hold()
    under.send({ 'a/s': fresh('x'), 'b/s': fresh('x'), 'c/s': fresh('x') })
    await vi.advanceTimersByTimeAsync(101)
    const answers = Array.from({ length: 3 }, () => fault('endpoint', { afterMs: 5_000 }))
    under.sender.respond = () => answers.shift() ?? taken
    under.sender.resume()
    await settledPromises()
    expect([under.scope('endpoint')?.state, under.scope('group')?.state]).toEqual(['open', 'open'])

    // In the order in which they will be asked.
    under.send({ 'bad/4': fresh('x') })
    await vi.advanceTimersByTimeAsync(200)
    under.send({ 'old/s': [{ text: 'old', time: start - 14 * DAY_MS + 3_000 }] })
    await vi.advanceTimersByTimeAsync(200)
    const good = under.send({ 'good/s': fresh('good') })
    await vi.advanceTimersByTimeAsync(4_700)
    expect(good.outcomes).toEqual({ delivered: 1 })
    vi.restoreAllMocks()
  })
})

describe('an account that is throttled', () => {
  test('is told of once, with how long to wait', async () => {
    const under = new DeliveryUnderTest()
    under.sender.respond = () => fault('account', { afterMs: 5_000, message: 'Rate exceeded' })
    for (const lane of ['g/a', 'g/b', 'g/c']) under.send({ [lane]: namedItems('a', 1) })
    await vi.advanceTimersByTimeAsync(1_001)
    expect(under.throttles).toEqual([{ account: 'account', afterMs: expect.any(Number), message: 'Rate exceeded' }])
    expect(under.throttles[0]?.afterMs).toBeGreaterThan(4_000)
  })

  test('in another process is left in peace here too', async () => {
    const under = new DeliveryUnderTest()
    under.send({ 'g/a': namedItems('a', 1) })
    await vi.advanceTimersByTimeAsync(1_001)
    under.delivery.throttledElsewhere('account', 20_000, 'Rate exceeded')
    under.send({ 'g/a': namedItems('b', 1) })
    await vi.advanceTimersByTimeAsync(15_000)
    expect(under.sender.sentTo('g/a')).toEqual(['a0'])
    await vi.advanceTimersByTimeAsync(30_000)
    expect(under.sender.sentTo('g/a')).toEqual(['a0', 'b0'])
    expect(under.throttles).toEqual([])
  })

  test('in another process is left in peace by lanes that come later', async () => {
    const under = new DeliveryUnderTest()
    under.delivery.throttledElsewhere('account', 20_000, 'Rate exceeded')
    under.send({ 'g/a': namedItems('a', 1) })
    await vi.advanceTimersByTimeAsync(15_000)
    expect(under.sender.sentTo('g/a')).toEqual([])
    await vi.advanceTimersByTimeAsync(30_000)
    expect(under.sender.sentTo('g/a')).toEqual(['a0'])
  })
})
