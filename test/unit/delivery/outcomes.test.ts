import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { cutOut } from '../../../src/delivery/contract/items.ts'
import { MemoryQueue } from '../../../src/delivery/queue/memory-queue.ts'
import { type DeliverySetup, DeliveryHarness, IDLE } from '../../fakes/delivery.ts'
import { namedItems } from '../../fakes/items.ts'
import type { DeadLetterSink, Kept } from '../../../src/delivery/dead-letters/unwanted.ts'
import { denied, fault, refused, settledPromises, taken } from '../../fakes/sender.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const NOW_MS = Date.UTC(2026, 0, 1)
const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS

describe('items that are sent again', () => {
  test('go out as soon as their scope allows, without another flush interval', async () => {
    const harness = new DeliveryHarness({ flushIntervalMs: 30_000 })
    const answers = [fault('stream')]
    harness.sender.respond = () => answers.pop() ?? taken
    harness.send({ 'g/s': namedItems('a', 1) })
    await vi.advanceTimersByTimeAsync(30_001)
    expect(harness.ledger.retries).toBe(1)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(harness.idle).toEqual(IDLE)
  })

  test('keep their order, ahead of later items', async () => {
    const harness = new DeliveryHarness()
    let failures = 3
    harness.sender.respond = () => (failures-- > 0 ? fault('stream') : taken)
    for (let i = 0; i < 10; i++) {
      harness.send({ 'g/s': namedItems(`${i}-`, 2) })
      await vi.advanceTimersByTimeAsync(500)
    }
    await vi.advanceTimersByTimeAsync(MINUTE_MS)
    const sent = harness.sender.puts.slice(3).flatMap(({ texts }) => texts)
    expect(sent).toEqual(Array.from({ length: 20 }, (_, i) => `${i >> 1}-${i % 2}`))
  })

  test('are counted as possible duplicates only where the answer was lost', async () => {
    const harness = new DeliveryHarness()
    const answers = [fault('endpoint', { maybeTaken: true }), fault('stream'), taken]
    harness.sender.respond = () => answers.shift() ?? taken
    harness.send({ 'g/s': namedItems('a', 5) })
    await vi.advanceTimersByTimeAsync(MINUTE_MS)
    expect(harness.ledger).toMatchObject({ delivered: 5, retries: 2, possibleDuplicates: 5 })
  })
})

describe('rejected ranges of an accepted put', () => {
  test('are rejected, the rest delivered, and nothing is sent again', async () => {
    const harness = new DeliveryHarness()
    harness.sender.respond = () => ({
      kind: 'accepted',
      rejected: [
        { from: 0, to: 2, reason: 'too_old' },
        { from: 5, to: 6, reason: 'too_new' },
      ],
    })
    const request = harness.send({ 'g/s': namedItems('a', 6) })
    await vi.advanceTimersByTimeAsync(1_001)
    expect(request.outcomes).toEqual({ delivered: 3, 'rejected: too_old': 2, 'rejected: too_new': 1 })
    expect(harness.sender.puts).toHaveLength(1)
    expect(harness.idle).toEqual(IDLE)
  })
})

describe('a refused put', () => {
  const poisonedBy = (name: string) => (put: { texts: readonly string[] }) =>
    put.texts.includes(name) ? refused() : taken

  test('is isolated: one item is poison, the others are delivered once', async () => {
    const harness = new DeliveryHarness()
    harness.sender.respond = poisonedBy('a700')
    const request = harness.send({ 'g/s': namedItems('a', 1_000) })
    await vi.advanceTimersByTimeAsync(1_001)
    expect(request.outcomes).toEqual({ delivered: 999, 'rejected: poison': 1 })
    expect(harness.sender.puts.length).toBeLessThanOrEqual(1 + 2 * Math.ceil(Math.log2(1_000)))
    expect(harness.logged.filter(({ level }) => level === 'error')).toHaveLength(1)
    expect(harness.idle).toEqual(IDLE)
  })

  test('of which both halves are refused parks the group, which is probed rarely', async () => {
    const harness = new DeliveryHarness()
    harness.sender.respond = ({ group }) => (group === 'bad' ? refused() : taken)
    harness.send({ 'bad/s': namedItems('a', 8), 'good/s': namedItems('a', 8) })
    await vi.advanceTimersByTimeAsync(MINUTE_MS)
    expect(harness.ledger).toMatchObject({ delivered: 8, queued: 8 })
    expect(harness.scope('group')?.lastFault).toBe('every part of the request is refused: not like this')
    expect(harness.sender.puts.length).toBeLessThan(1 + 3 * 10)
  })

  test('of one item is not discarded before the group has accepted anything', async () => {
    const harness = new DeliveryHarness()
    harness.sender.respond = poisonedBy('bad0')
    const lone = harness.send({ 'g/s': namedItems('bad', 1) })
    await vi.advanceTimersByTimeAsync(1_001)
    expect(lone.outcomes).toEqual({})
    harness.send({ 'g/s': namedItems('good', 1) })
    await vi.advanceTimersByTimeAsync(MINUTE_MS)
    expect(lone.outcomes).toEqual({ 'rejected: poison': 1 })
    expect(harness.idle).toEqual(IDLE)
  })
})

describe('items that are given up', () => {
  test('items whose time CloudWatch would refuse by now', async () => {
    const harness = new DeliveryHarness({ policy: { oldestTimeMs: (nowMs) => nowMs - 14 * DAY_MS } })
    harness.sender.respond = () => denied
    const time = Date.now()
    const request = harness.send({
      'g/s': [
        { text: 'old', time: time - 14 * DAY_MS + MINUTE_MS },
        { text: 'new', time },
      ],
    })
    await vi.advanceTimersByTimeAsync(2 * MINUTE_MS)
    expect(request.outcomes).toEqual({ 'lost: expired': 1 })
    harness.sender.respond = () => taken
    await vi.advanceTimersByTimeAsync(MINUTE_MS)
    expect(request.outcomes).toEqual({ 'lost: expired': 1, delivered: 1 })
    expect(harness.idle).toEqual(IDLE)
  })

  test('items over max_elapsed_time, also in lanes that no put looks at', async () => {
    const harness = new DeliveryHarness({ policy: { maxWaitMs: 10_000 } })
    await harness.delivery.start((key) => key)
    harness.sender.respond = () => denied
    const requests = Array.from({ length: 20 }, (_, i) => harness.send({ [`g/s${i}`]: namedItems('a', 2) }))
    await vi.advanceTimersByTimeAsync(12_000)
    expect(requests.map(({ outcomes }) => outcomes)).toEqual(requests.map(() => ({ 'lost: expired': 2 })))
    expect(harness.idle).toEqual(IDLE)
    await harness.delivery.shutdown(AbortSignal.abort(), false)
  })

  test('not by a wall clock that is set forward', async () => {
    const harness = new DeliveryHarness({ policy: { maxWaitMs: 10_000 } })
    await harness.delivery.start((key) => key)
    harness.sender.respond = () => denied
    const request = harness.send({ 'g/s': namedItems('a', 2) })
    vi.setSystemTime(Date.now() + 24 * 3_600_000)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(request.outcomes).toEqual({})
    await vi.advanceTimersByTimeAsync(7_000)
    expect(request.outcomes).toEqual({ 'lost: expired': 2 })
    await harness.delivery.shutdown(AbortSignal.abort(), false)
  })

  test('items given up do not keep others from being sent', async () => {
    const harness = new DeliveryHarness({ policy: { maxWaitMs: 10_000 }, maxConcurrentPuts: 1 })
    await harness.delivery.start((key) => key)
    harness.sender.respond = () => fault('account', { afterMs: 20_000 })
    for (let i = 0; i < 5; i++) harness.send({ [`g/old${i}`]: namedItems('a', 1) })
    await vi.advanceTimersByTimeAsync(9_500)
    const request = harness.send({ 'g/new': namedItems('b', 1) })
    harness.sender.respond = () => taken
    await vi.advanceTimersByTimeAsync(5_000)
    expect([...harness.delivery.scopes].map(({ waiting }) => waiting)).toEqual([0, 0, 1, 0])
    await vi.advanceTimersByTimeAsync(10_000)
    expect(request.outcomes).toEqual({ 'lost: expired': 1 })

    const later = harness.send({ 'g/new': namedItems('c', 1) })
    await vi.advanceTimersByTimeAsync(20_000)
    expect(later.outcomes).toEqual({ delivered: 1 })
    await harness.delivery.shutdown(AbortSignal.abort(), false)
  })
})

describe('items that their destination rejects, and another one takes', () => {
  /** Rejects items 1 and 2 of what goes to `g/s`; `rescue` knows `late/s` for them. */
  function rejecting(setup: DeliverySetup = {}) {
    const harness = new DeliveryHarness({
      rescue: (_, { batch, from, to }) =>
        batch.items && { lane: 'late/s', destination: 'late/s', items: cutOut(batch.items, from, to) },
      ...setup,
    })
    harness.sender.respond = ({ group }) =>
      group === 'late' ? taken : { kind: 'accepted', rejected: [{ from: 1, to: 3, reason: 'expired_retention' }] }
    return harness
  }

  test('are sent there, once, and count as delivered', async () => {
    const harness = rejecting()
    const request = harness.send({ 'g/s': namedItems('a', 4) })
    await vi.advanceTimersByTimeAsync(10_000)
    expect(harness.sender.sentTo('late/s')).toEqual(['a1', 'a2'])
    expect(request.outcomes).toEqual({ delivered: 4 })
    expect(harness.idle).toEqual(IDLE)
  })

  test('are waited for there by a flush that waited for them here', async () => {
    const harness = rejecting({ flushIntervalMs: 60_000 })
    const request = harness.send({ 'g/s': namedItems('a', 4) })
    harness.sender.hold()
    let done = false
    const flushed = harness.delivery.flush(new AbortController().signal).then(() => (done = true))
    harness.sender.held
      .shift()
      ?.answer({ kind: 'accepted', rejected: [{ from: 1, to: 3, reason: 'expired_retention' }] })
    await settledPromises()
    expect([harness.sender.held.length, done]).toEqual([1, false])
    harness.sender.resume()
    await flushed
    expect(request.outcomes).toEqual({ delivered: 4 })
    expect(harness.idle).toEqual(IDLE)
  })

  test('are rejected if there is no room for them', async () => {
    const harness = rejecting({ budgetBytes: 3_000 })
    harness.sender.hold()
    const request = harness.send({ 'g/s': [{ text: 'x'.repeat(600) }, ...namedItems('a', 3)] })
    await vi.advanceTimersByTimeAsync(1_001)
    // While another one waits for its turn, and holds its room.
    harness.send({ 'other/s': [{ text: 'x'.repeat(1_000) }] })
    const first = harness.sender.held.shift()
    first?.answer({ kind: 'accepted', rejected: [{ from: 1, to: 3, reason: 'expired_retention' }] })
    await settledPromises()
    harness.sender.resume()
    await vi.advanceTimersByTimeAsync(10_000)
    expect(request.outcomes).toEqual({ delivered: 2, 'rejected: expired_retention': 2 })
    expect(harness.idle).toEqual(IDLE)
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
    const harness = new DeliveryHarness({ deadLetters })
    harness.sender.respond = () => ({ kind: 'accepted', rejected: [{ from: 1, to: 3, reason: 'too_old' }] })
    return { harness, asked }
  }

  test('wait where they are, and hold nothing up', async () => {
    const { harness, asked } = rejecting(['later', 'later'])
    const request = harness.send({ 'g/s': namedItems('a', 4) })
    await vi.advanceTimersByTimeAsync(1_001)
    expect([request.outcomes, harness.ledger.queued]).toEqual([{ delivered: 2 }, 2])
    harness.sender.respond = () => taken
    const next = harness.send({ 'g/s': namedItems('b', 1) })
    await vi.advanceTimersByTimeAsync(5_000)
    expect(next.outcomes).toEqual({ delivered: 1 })
    expect(request.outcomes).toEqual({ delivered: 2, dead_lettered: 2 })
    expect(asked).toEqual(['g/s 1-3 too_old', 'g/s 1-3 too_old', 'g/s 1-3 too_old'])
    expect(harness.idle).toEqual(IDLE)
  })

  test('are rejected if there never will be room', async () => {
    const { harness } = rejecting(['never'])
    const request = harness.send({ 'g/s': namedItems('a', 4) })
    await vi.advanceTimersByTimeAsync(1_001)
    expect(request.outcomes).toEqual({ delivered: 2, 'rejected: too_old': 2 })
    expect(harness.idle).toEqual(IDLE)
  })

  test('stay in the queue when the process ends', async () => {
    const { harness } = rejecting(Array.from({ length: 100 }, () => 'later'))
    const request = harness.send({ 'g/s': namedItems('a', 4) })
    await vi.advanceTimersByTimeAsync(1_001)
    await harness.delivery.shutdown(AbortSignal.abort(), true)
    expect([request.outcomes, harness.ledger.queued, vi.getTimerCount()]).toEqual([{ delivered: 2 }, 2, 0])
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
  const harness = new DeliveryHarness({ deadLetters, makeQueue: (budget) => (queue = new Closing(budget)) })
  harness.sender.respond = () => ({ kind: 'accepted', rejected: [{ from: 0, to: 2, reason: 'too_old' }] })
  harness.send({ 'g/s': namedItems('a', 2) })
  await vi.advanceTimersByTimeAsync(1_001)
  await harness.delivery.shutdown(AbortSignal.abort(), true)
  expect([queue?.unsettledAtClose, harness.ledger.deadLettered, harness.ledger.difference()]).toEqual([0, 2, 0])
})

test('items of many senders become one dead letter for each batch, not one for each event', async () => {
  const letters: string[] = []
  const deadLetters: DeadLetterSink = {
    async put({ run: { batch, from, to }, reason }) {
      letters.push(`${from}-${to} of ${batch.count} ${reason}`)
      return 'kept'
    },
    async close() {},
  }
  const harness = new DeliveryHarness({ deadLetters })
  harness.sender.respond = () => ({ kind: 'accepted', rejected: [{ from: 0, to: 6, reason: 'expired_retention' }] })
  const times = (first: number) => [0, 2, 4].map((step) => ({ text: 'x', time: NOW_MS + first + step }))
  harness.send({ 'g/s': times(0) })
  harness.send({ 'g/s': times(1) })
  await vi.advanceTimersByTimeAsync(1_001)
  expect(letters).toEqual(['0-3 of 3 expired_retention', '0-3 of 3 expired_retention'])
})
