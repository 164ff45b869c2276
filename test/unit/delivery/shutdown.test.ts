import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { DeliveryUnderTest, IDLE } from '../../fakes/delivery.ts'
import { namedItems } from '../../fakes/items.ts'
import { fault, settledPromises, taken } from '../../fakes/sender.ts'

describe('shutdown', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  test('sends what waits, and leaves nothing behind', async () => {
    const under = new DeliveryUnderTest({ policy: { maxWaitMs: 60_000 } })
    await under.delivery.start((key) => key)
    const request = under.send({ 'a/s': namedItems('a', 3), 'b/s': namedItems('b', 2) })
    await under.delivery.shutdown(new AbortController().signal, false)
    expect(request.outcomes).toEqual({ delivered: 5 })
    expect(under.idle).toEqual(IDLE)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('counts what is left as lost when its time is over: waiting, parked, in flight', async () => {
    const under = new DeliveryUnderTest()
    under.sender.respond = ({ group }) => (group === 'bad' ? fault('group', { lasting: true }) : taken)
    const parked = under.send({ 'bad/s': namedItems('a', 2) })
    await vi.advanceTimersByTimeAsync(1_001)
    under.sender.hold()
    const inFlight = under.send({ 'slow/s': namedItems('b', 3) })
    await vi.advanceTimersByTimeAsync(1_001)
    const waiting = under.send({ 'slow/s': namedItems('c', 4) })
    expect(under.sender.held).toHaveLength(1)

    const abort = new AbortController()
    const closed = under.delivery.shutdown(abort.signal, false)
    await vi.advanceTimersByTimeAsync(1_000)
    abort.abort()
    await closed
    expect([parked, inFlight, waiting].map(({ outcomes }) => outcomes)).toEqual([
      { 'lost: shutdown': 2 },
      { 'lost: shutdown': 3 },
      { 'lost: shutdown': 4 },
    ])
    expect(under.idle).toEqual(IDLE)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('probes what is broken at once, and does not wait out its backoff', async () => {
    const under = new DeliveryUnderTest()
    under.sender.respond = () => fault('endpoint')
    const request = under.send({ 'a/s': namedItems('a', 1), 'b/s': namedItems('b', 1), 'c/s': namedItems('c', 1) })
    await vi.advanceTimersByTimeAsync(10 * 60_000)
    under.sender.respond = () => taken
    const closed = under.delivery.shutdown(new AbortController().signal, false)
    // Each lane has a backoff of its own, which is cut short too.
    await vi.advanceTimersByTimeAsync(0)
    await closed
    expect(request.outcomes).toEqual({ delivered: 3 })
    expect(vi.getTimerCount()).toBe(0)
  })

  test('counts a put that is answered at the last moment as delivered', async () => {
    const under = new DeliveryUnderTest()
    under.sender.hold()
    const request = under.send({ 'g/s': namedItems('a', 2) })
    const abort = new AbortController()
    const closed = under.delivery.shutdown(abort.signal, false)
    await settledPromises()
    under.sender.held[0]?.answer(taken)
    abort.abort()
    await closed
    expect(request.outcomes).toEqual({ delivered: 2 })
    expect(under.idle).toEqual(IDLE)
  })

  test('with the time already over sends nothing more', async () => {
    const under = new DeliveryUnderTest()
    const request = under.send({ 'g/s': namedItems('a', 2) })
    await under.delivery.shutdown(AbortSignal.abort(), false)
    expect([under.sender.puts.length, request.outcomes]).toEqual([0, { 'lost: shutdown': 2 }])
    expect(vi.getTimerCount()).toBe(0)
  })

  test('does not wait for the pace of puts', async () => {
    const under = new DeliveryUnderTest({ maxPutsPerSecond: 1 })
    const requests = Array.from({ length: 5 }, (_, i) => under.send({ [`g${i}/s`]: namedItems('a', 1) }))
    await vi.advanceTimersByTimeAsync(1_001)
    expect(under.sender.puts).toHaveLength(1)
    await under.delivery.shutdown(AbortSignal.abort(), false)
    expect(requests.filter(({ outcomes }) => outcomes['lost: shutdown'] === 1)).toHaveLength(4)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('a second time, or before anything was sent, does nothing', async () => {
    const under = new DeliveryUnderTest()
    await under.delivery.shutdown(new AbortController().signal, false)
    await under.delivery.shutdown(new AbortController().signal, false)
    expect(under.idle).toEqual(IDLE)
  })

  test('leaves what is queued to a queue that outlives it', async () => {
    const under = new DeliveryUnderTest()
    const request = under.send({ 'g/s': namedItems('a', 2) })
    await under.delivery.shutdown(AbortSignal.abort(), true)
    expect([request.outcomes, under.ledger.queued, under.ledger.difference()]).toEqual([{}, 2, 0])
  })
})

test('the process ends by itself after faults, parked lanes and a shutdown', async () => {
  const script = `
    import { DeliveryUnderTest } from ${JSON.stringify(new URL('../../fakes/delivery.ts', import.meta.url).href)}
    import { fault } from ${JSON.stringify(new URL('../../fakes/sender.ts', import.meta.url).href)}
    const under = new DeliveryUnderTest({ flushIntervalMs: 5, maxPutsPerSecond: 50, policy: { maxWaitMs: 600_000 } })
    await under.delivery.start((key) => key)
    under.sender.respond = ({ group }) => fault(group)
    for (const scope of ['endpoint', 'account', 'group', 'stream'])
      for (let i = 0; i < 20; i++) under.send({ [scope + '/s' + i]: [{ text: 'x' }] })
    await new Promise((resolve) => setTimeout(resolve, 100))
    under.send({ 'late/s': [{ text: 'x' }] })
    await under.delivery.shutdown(AbortSignal.timeout(20), false)
    console.log(JSON.stringify([under.ledger.lost.shutdown, under.ledger.difference(), under.budget.used]))
  `
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  child.stdout.on('data', (bytes: Buffer) => (said += bytes.toString()))
  const [code] = (await once(child, 'exit')) as [number]
  expect([code, said.trim()]).toEqual([0, '[81,0,0]'])
})
