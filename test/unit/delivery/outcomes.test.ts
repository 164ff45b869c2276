import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { cutOut } from '../../../src/delivery/contract/items.ts'
import { MemoryQueue } from '../../../src/delivery/queue/memory-queue.ts'
import { type DeliverySetup, DeliveryUnderTest, IDLE } from '../../fakes/delivery.ts'
import { namedItems } from '../../fakes/items.ts'
import type { DeadLetterSink, Kept } from '../../../src/delivery/dead-letters/unwanted.ts'
import { denied, fault, refused, settledPromises, taken } from '../../fakes/sender.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const NOW_MS = Date.UTC(2026, 0, 1)
const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS

describe('items that are sent again', () => {
  test('go as soon as what held them lets them, and do not wait for the flush interval again', async () => {
    const under = new DeliveryUnderTest({ flushIntervalMs: 30_000 })
    const answers = [fault('stream')]
    under.sender.respond = () => answers.pop() ?? taken
    under.send({ 'g/s': namedItems('a', 1) })
    await vi.advanceTimersByTimeAsync(30_001)
    expect(under.ledger.retries).toBe(1)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(under.idle).toEqual(IDLE)
  })

  test('keep their order, before what came meanwhile', async () => {
    const under = new DeliveryUnderTest()
    let failures = 3
    under.sender.respond = () => (failures-- > 0 ? fault('stream') : taken)
    for (let i = 0; i < 10; i++) {
      under.send({ 'g/s': namedItems(`${i}-`, 2) })
      await vi.advanceTimersByTimeAsync(500)
    }
    await vi.advanceTimersByTimeAsync(MINUTE_MS)
    const sent = under.sender.puts.slice(3).flatMap(({ texts }) => texts)
    expect(sent).toEqual(Array.from({ length: 20 }, (_, i) => `${i >> 1}-${i % 2}`))
  })

  test('are counted as possible doubles only where the answer was lost', async () => {
    const under = new DeliveryUnderTest()
    const answers = [fault('endpoint', { maybeTaken: true }), fault('stream'), taken]
    under.sender.respond = () => answers.shift() ?? taken
    under.send({ 'g/s': namedItems('a', 5) })
    await vi.advanceTimersByTimeAsync(MINUTE_MS)
    expect(under.ledger).toMatchObject({ delivered: 5, retries: 2, possibleDuplicates: 5 })
  })
})

describe('rejected ranges of an accepted put', () => {
  test('are rejected, the rest delivered, and nothing is sent again', async () => {
    const under = new DeliveryUnderTest()
    under.sender.respond = () => ({
      kind: 'accepted',
      rejected: [
        { from: 0, to: 2, reason: 'too_old' },
        { from: 5, to: 6, reason: 'too_new' },
      ],
    })
    const request = under.send({ 'g/s': namedItems('a', 6) })
    await vi.advanceTimersByTimeAsync(1_001)
    expect(request.outcomes).toEqual({ delivered: 3, 'rejected: too_old': 2, 'rejected: too_new': 1 })
    expect(under.sender.puts).toHaveLength(1)
    expect(under.idle).toEqual(IDLE)
  })
})

describe('a refused put', () => {
  const poisonedBy = (name: string) => (put: { texts: readonly string[] }) =>
    put.texts.includes(name) ? refused() : taken

  test('is isolated: one item is poison, the others are delivered once', async () => {
    const under = new DeliveryUnderTest()
    under.sender.respond = poisonedBy('a700')
    const request = under.send({ 'g/s': namedItems('a', 1_000) })
    await vi.advanceTimersByTimeAsync(1_001)
    expect(request.outcomes).toEqual({ delivered: 999, 'rejected: poison': 1 })
    expect(under.sender.puts.length).toBeLessThanOrEqual(1 + 2 * Math.ceil(Math.log2(1_000)))
    expect(under.logged.filter(({ level }) => level === 'error')).toHaveLength(1)
    expect(under.idle).toEqual(IDLE)
  })

  test('of which both halves are refused parks the group, which is asked about seldom', async () => {
    const under = new DeliveryUnderTest()
    under.sender.respond = ({ group }) => (group === 'bad' ? refused() : taken)
    under.send({ 'bad/s': namedItems('a', 8), 'good/s': namedItems('a', 8) })
    await vi.advanceTimersByTimeAsync(MINUTE_MS)
    expect(under.ledger).toMatchObject({ delivered: 8, queued: 8 })
    expect(under.scope('group')?.lastFault).toBe('every part of the request is refused: not like this')
    expect(under.sender.puts.length).toBeLessThan(1 + 3 * 10)
  })

  test('of one item is not thrown away before the group has taken anything', async () => {
    const under = new DeliveryUnderTest()
    under.sender.respond = poisonedBy('bad0')
    const lone = under.send({ 'g/s': namedItems('bad', 1) })
    await vi.advanceTimersByTimeAsync(1_001)
    expect(lone.outcomes).toEqual({})
    under.send({ 'g/s': namedItems('good', 1) })
    await vi.advanceTimersByTimeAsync(MINUTE_MS)
    expect(lone.outcomes).toEqual({ 'rejected: poison': 1 })
    expect(under.idle).toEqual(IDLE)
  })
})

describe('what is given up', () => {
  test('items whose time CloudWatch would refuse by now', async () => {
    const under = new DeliveryUnderTest({ policy: { oldestTimeMs: (nowMs) => nowMs - 14 * DAY_MS } })
    under.sender.respond = () => denied
    const time = Date.now()
    const request = under.send({
      'g/s': [
        { text: 'old', time: time - 14 * DAY_MS + MINUTE_MS },
        { text: 'new', time },
      ],
    })
    await vi.advanceTimersByTimeAsync(2 * MINUTE_MS)
    expect(request.outcomes).toEqual({ 'lost: expired': 1 })
    under.sender.respond = () => taken
    await vi.advanceTimersByTimeAsync(MINUTE_MS)
    expect(request.outcomes).toEqual({ 'lost: expired': 1, delivered: 1 })
    expect(under.idle).toEqual(IDLE)
  })

  test('items over max_elapsed_time, also in lanes that no put looks at', async () => {
    const under = new DeliveryUnderTest({ policy: { maxWaitMs: 10_000 } })
    await under.delivery.start((key) => key)
    under.sender.respond = () => denied
    const requests = Array.from({ length: 20 }, (_, i) => under.send({ [`g/s${i}`]: namedItems('a', 2) }))
    await vi.advanceTimersByTimeAsync(12_000)
    expect(requests.map(({ outcomes }) => outcomes)).toEqual(requests.map(() => ({ 'lost: expired': 2 })))
    expect(under.idle).toEqual(IDLE)
    await under.delivery.shutdown(AbortSignal.abort(), false)
  })

  test('not by a wall clock that is set forward', async () => {
    const under = new DeliveryUnderTest({ policy: { maxWaitMs: 10_000 } })
    await under.delivery.start((key) => key)
    under.sender.respond = () => denied
    const request = under.send({ 'g/s': namedItems('a', 2) })
    vi.setSystemTime(Date.now() + 24 * 3_600_000)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(request.outcomes).toEqual({})
    await vi.advanceTimersByTimeAsync(7_000)
    expect(request.outcomes).toEqual({ 'lost: expired': 2 })
    await under.delivery.shutdown(AbortSignal.abort(), false)
  })

  test('items given up do not keep others from being sent', async () => {
    const under = new DeliveryUnderTest({ policy: { maxWaitMs: 10_000 }, maxConcurrentPuts: 1 })
    await under.delivery.start((key) => key)
    under.sender.respond = () => fault('account', { afterMs: 20_000 })
    for (let i = 0; i < 5; i++) under.send({ [`g/old${i}`]: namedItems('a', 1) })
    await vi.advanceTimersByTimeAsync(9_500)
    const request = under.send({ 'g/new': namedItems('b', 1) })
    under.sender.respond = () => taken
    await vi.advanceTimersByTimeAsync(5_000)
    expect([...under.delivery.scopes].map(({ waiting }) => waiting)).toEqual([0, 0, 1, 0])
    await vi.advanceTimersByTimeAsync(10_000)
    expect(request.outcomes).toEqual({ 'lost: expired': 1 })

    const later = under.send({ 'g/new': namedItems('c', 1) })
    await vi.advanceTimersByTimeAsync(20_000)
    expect(later.outcomes).toEqual({ delivered: 1 })
    await under.delivery.shutdown(AbortSignal.abort(), false)
  })
})

describe('items that their destination rejects, and another one takes', () => {
  /** Rejects items 1 and 2 of what goes to `g/s`; `rescue` knows `late/s` for them. */
  function rejecting(setup: DeliverySetup = {}) {
    const under = new DeliveryUnderTest({
      rescue: (_, { batch, from, to }) =>
        batch.items && { lane: 'late/s', destination: 'late/s', items: cutOut(batch.items, from, to) },
      ...setup,
    })
    under.sender.respond = ({ group }) =>
      group === 'late' ? taken : { kind: 'accepted', rejected: [{ from: 1, to: 3, reason: 'expired_retention' }] }
    return under
  }

  test('are sent there, once, and count as delivered', async () => {
    const under = rejecting()
    const request = under.send({ 'g/s': namedItems('a', 4) })
    await vi.advanceTimersByTimeAsync(10_000)
    expect(under.sender.sentTo('late/s')).toEqual(['a1', 'a2'])
    expect(request.outcomes).toEqual({ delivered: 4 })
    expect(under.idle).toEqual(IDLE)
  })

  test('are waited for there by a flush that waited for them here', async () => {
    const under = rejecting({ flushIntervalMs: 60_000 })
    const request = under.send({ 'g/s': namedItems('a', 4) })
    under.sender.hold()
    let done = false
    const flushed = under.delivery.flush(new AbortController().signal).then(() => (done = true))
    under.sender.held.shift()?.answer({ kind: 'accepted', rejected: [{ from: 1, to: 3, reason: 'expired_retention' }] })
    await settledPromises()
    expect([under.sender.held.length, done]).toEqual([1, false])
    under.sender.resume()
    await flushed
    expect(request.outcomes).toEqual({ delivered: 4 })
    expect(under.idle).toEqual(IDLE)
  })

  test('are rejected if there is no room for them', async () => {
    const under = rejecting({ budgetBytes: 3_000 })
    under.sender.hold()
    const request = under.send({ 'g/s': [{ text: 'x'.repeat(600) }, ...namedItems('a', 3)] })
    await vi.advanceTimersByTimeAsync(1_001)
    // While another one waits for its turn, and holds its room.
    under.send({ 'other/s': [{ text: 'x'.repeat(1_000) }] })
    const first = under.sender.held.shift()
    first?.answer({ kind: 'accepted', rejected: [{ from: 1, to: 3, reason: 'expired_retention' }] })
    await settledPromises()
    under.sender.resume()
    await vi.advanceTimersByTimeAsync(10_000)
    expect(request.outcomes).toEqual({ delivered: 2, 'rejected: expired_retention': 2 })
    expect(under.idle).toEqual(IDLE)
  })
})

describe('dead letters for which there is no room', () => {
  function rejecting(answers: readonly Kept[]) {
    const asked: string[] = []
    const deadLetters: DeadLetterSink = {
      async put({ lane, run: { from, to }, reason }) {
        asked.push(`${lane} ${from}-${to} ${reason}`)
        return answers[asked.length - 1] ?? 'kept'
      },
      async close() {},
    }
    const under = new DeliveryUnderTest({ deadLetters })
    under.sender.respond = () => ({ kind: 'accepted', rejected: [{ from: 1, to: 3, reason: 'too_old' }] })
    return { under, asked }
  }

  test('wait where they are, and hold nothing up', async () => {
    const { under, asked } = rejecting(['later', 'later'])
    const request = under.send({ 'g/s': namedItems('a', 4) })
    await vi.advanceTimersByTimeAsync(1_001)
    expect([request.outcomes, under.ledger.queued]).toEqual([{ delivered: 2 }, 2])
    under.sender.respond = () => taken
    const next = under.send({ 'g/s': namedItems('b', 1) })
    await vi.advanceTimersByTimeAsync(5_000)
    expect(next.outcomes).toEqual({ delivered: 1 })
    expect(request.outcomes).toEqual({ delivered: 2, dead_lettered: 2 })
    expect(asked).toEqual(['g/s 1-3 too_old', 'g/s 1-3 too_old', 'g/s 1-3 too_old'])
    expect(under.idle).toEqual(IDLE)
  })

  test('are rejected if there never will be', async () => {
    const { under } = rejecting(['never'])
    const request = under.send({ 'g/s': namedItems('a', 4) })
    await vi.advanceTimersByTimeAsync(1_001)
    expect(request.outcomes).toEqual({ delivered: 2, 'rejected: too_old': 2 })
    expect(under.idle).toEqual(IDLE)
  })

  test('stay in the queue when the process ends', async () => {
    const { under } = rejecting(Array.from({ length: 100 }, () => 'later'))
    const request = under.send({ 'g/s': namedItems('a', 4) })
    await vi.advanceTimersByTimeAsync(1_001)
    await under.delivery.shutdown(AbortSignal.abort(), true)
    expect([request.outcomes, under.ledger.queued, vi.getTimerCount()]).toEqual([{ delivered: 2 }, 2, 0])
  })
})

test('a dead letter that is stored while the process stops is settled before the queue closes', async () => {
  const stored = Promise.withResolvers<Kept>()
  const deadLetters: DeadLetterSink = {
    put: () => stored.promise,
    close: async () => stored.resolve('kept'),
  }
  class Closing extends MemoryQueue {
    unsettledAtClose = Number.NaN
    override async close(): Promise<void> {
      this.unsettledAtClose = this.usedBytes
    }
  }
  let queue: Closing | undefined
  const under = new DeliveryUnderTest({ deadLetters, makeQueue: (budget) => (queue = new Closing(budget)) })
  under.sender.respond = () => ({ kind: 'accepted', rejected: [{ from: 0, to: 2, reason: 'too_old' }] })
  under.send({ 'g/s': namedItems('a', 2) })
  await vi.advanceTimersByTimeAsync(1_001)
  await under.delivery.shutdown(AbortSignal.abort(), true)
  expect([queue?.unsettledAtClose, under.ledger.deadLettered, under.ledger.difference()]).toEqual([0, 2, 0])
})

test('what many senders mixed becomes one dead letter for each batch, and not one for each event', async () => {
  const letters: string[] = []
  const deadLetters: DeadLetterSink = {
    async put({ run: { batch, from, to }, reason }) {
      letters.push(`${from}-${to} of ${batch.count} ${reason}`)
      return 'kept'
    },
    async close() {},
  }
  const under = new DeliveryUnderTest({ deadLetters })
  under.sender.respond = () => ({ kind: 'accepted', rejected: [{ from: 0, to: 6, reason: 'expired_retention' }] })
  const times = (first: number) => [0, 2, 4].map((step) => ({ text: 'x', time: NOW_MS + first + step }))
  under.send({ 'g/s': times(0) })
  under.send({ 'g/s': times(1) })
  await vi.advanceTimersByTimeAsync(1_001)
  expect(letters).toEqual(['0-3 of 3 expired_retention', '0-3 of 3 expired_retention'])
})
