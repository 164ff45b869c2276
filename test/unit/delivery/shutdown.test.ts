import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { DeliveryHarness, IDLE } from '../../fakes/delivery.ts'
import { namedItems } from '../../fakes/items.ts'
import { fault, settledPromises, taken } from '../../fakes/sender.ts'

describe('shutdown', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  test('sends all waiting records, and leaves nothing behind', async () => {
    const harness = new DeliveryHarness({ policy: { maxWaitMs: 60_000 } })
    await harness.delivery.start((key) => key)
    const request = harness.send({ 'a/s': namedItems('a', 3), 'b/s': namedItems('b', 2) })
    await harness.delivery.shutdown(new AbortController().signal, false)
    expect(request.outcomes).toEqual({ delivered: 5 })
    expect(harness.idle).toEqual(IDLE)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('counts the remaining records as lost at its deadline: waiting, parked, in flight', async () => {
    const harness = new DeliveryHarness()
    harness.sender.respond = ({ group }) => (group === 'bad' ? fault('group', { lasting: true }) : taken)
    const parked = harness.send({ 'bad/s': namedItems('a', 2) })
    await vi.advanceTimersByTimeAsync(1_001)
    harness.sender.hold()
    const inFlight = harness.send({ 'slow/s': namedItems('b', 3) })
    await vi.advanceTimersByTimeAsync(1_001)
    const waiting = harness.send({ 'slow/s': namedItems('c', 4) })
    expect(harness.sender.held).toHaveLength(1)

    const abort = new AbortController()
    const closed = harness.delivery.shutdown(abort.signal, false)
    await vi.advanceTimersByTimeAsync(1_000)
    abort.abort()
    await closed
    expect([parked, inFlight, waiting].map(({ outcomes }) => outcomes)).toEqual([
      { 'lost: shutdown': 2 },
      { 'lost: shutdown': 3 },
      { 'lost: shutdown': 4 },
    ])
    expect(harness.idle).toEqual(IDLE)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('probes open scopes at once, and does not wait out their backoff', async () => {
    const harness = new DeliveryHarness()
    harness.sender.respond = () => fault('endpoint')
    const request = harness.send({ 'a/s': namedItems('a', 1), 'b/s': namedItems('b', 1), 'c/s': namedItems('c', 1) })
    await vi.advanceTimersByTimeAsync(10 * 60_000)
    harness.sender.respond = () => taken
    const closed = harness.delivery.shutdown(new AbortController().signal, false)
    // Each lane has a backoff of its own, which is cut short too.
    await vi.advanceTimersByTimeAsync(0)
    await closed
    expect(request.outcomes).toEqual({ delivered: 3 })
    expect(vi.getTimerCount()).toBe(0)
  })

  test('counts a put that is answered at the last moment as delivered', async () => {
    const harness = new DeliveryHarness()
    harness.sender.hold()
    const request = harness.send({ 'g/s': namedItems('a', 2) })
    const abort = new AbortController()
    const closed = harness.delivery.shutdown(abort.signal, false)
    await settledPromises()
    harness.sender.held[0]?.answer(taken)
    abort.abort()
    await closed
    expect(request.outcomes).toEqual({ delivered: 2 })
    expect(harness.idle).toEqual(IDLE)
  })

  test('with its deadline already past sends nothing more', async () => {
    const harness = new DeliveryHarness()
    const request = harness.send({ 'g/s': namedItems('a', 2) })
    await harness.delivery.shutdown(AbortSignal.abort(), false)
    expect([harness.sender.puts.length, request.outcomes]).toEqual([0, { 'lost: shutdown': 2 }])
    expect(vi.getTimerCount()).toBe(0)
  })

  test('does not wait for the pace of puts', async () => {
    const harness = new DeliveryHarness({ maxPutsPerSecond: 1 })
    const requests = Array.from({ length: 5 }, (_, i) => harness.send({ [`g${i}/s`]: namedItems('a', 1) }))
    await vi.advanceTimersByTimeAsync(1_001)
    expect(harness.sender.puts).toHaveLength(1)
    await harness.delivery.shutdown(AbortSignal.abort(), false)
    expect(requests.filter(({ outcomes }) => outcomes['lost: shutdown'] === 1)).toHaveLength(4)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('does nothing the second time, or before anything was sent', async () => {
    const harness = new DeliveryHarness()
    await harness.delivery.shutdown(new AbortController().signal, false)
    await harness.delivery.shutdown(new AbortController().signal, false)
    expect(harness.idle).toEqual(IDLE)
  })

  test('leaves queued records to a queue that outlives it', async () => {
    const harness = new DeliveryHarness()
    const request = harness.send({ 'g/s': namedItems('a', 2) })
    await harness.delivery.shutdown(AbortSignal.abort(), true)
    expect([request.outcomes, harness.ledger.queued, harness.ledger.difference()]).toEqual([{}, 2, 0])
  })
})

test('the process ends by itself after faults, parked lanes and a shutdown', async () => {
  const script = `
    import { DeliveryHarness } from ${JSON.stringify(new URL('../../fakes/delivery.ts', import.meta.url).href)}
    import { fault } from ${JSON.stringify(new URL('../../fakes/sender.ts', import.meta.url).href)}
    const harness = new DeliveryHarness({ flushIntervalMs: 5, maxPutsPerSecond: 50, policy: { maxWaitMs: 600_000 } })
    await harness.delivery.start((key) => key)
    harness.sender.respond = ({ group }) => fault(group)
    for (const scope of ['endpoint', 'account', 'group', 'stream'])
      for (let i = 0; i < 20; i++) harness.send({ [scope + '/s' + i]: [{ text: 'x' }] })
    await new Promise((resolve) => setTimeout(resolve, 100))
    harness.send({ 'late/s': [{ text: 'x' }] })
    await harness.delivery.shutdown(AbortSignal.timeout(20), false)
    console.log(JSON.stringify([harness.ledger.lost.shutdown, harness.ledger.difference(), harness.budget.used]))
  `
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()))
  const [code] = (await once(child, 'exit')) as [number]
  expect([code, output.trim()]).toEqual([0, '[81,0,0]'])
})
