// Places in fault scopes: a lane that is woken and has nothing to send any more hands its place on, or all others would wait.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Retry } from '../../../src/accounting/outcome.ts'
import { MemoryQueue } from '../../../src/delivery/queue/memory-queue.ts'
import type { LaneItems } from '../../../src/delivery/contract/lane-items.ts'
import type { QueuedBatch, QueueReservation } from '../../../src/delivery/contract/queue.ts'
import { DeliveryHarness, IDLE } from '../../fakes/delivery.ts'
import { namedItems } from '../../fakes/items.ts'
import { fault, taken } from '../../fakes/sender.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** As a queue on disk whose bytes are out of memory; what becomes of them is for the test to say. */
class ForgetfulQueue extends MemoryQueue {
  readonly batches: QueuedBatch[] = []
  readonly loads: { readonly batch: QueuedBatch; readonly ready: () => void }[] = []

  override reserve(batches: readonly LaneItems[]): QueueReservation | Retry {
    const reserved = super.reserve(batches)
    if (reserved.kind === 'retry') return reserved
    return {
      ...reserved,
      commit: (stored) =>
        reserved.commit((result) => {
          if (!('kind' in result)) this.batches.push(...result)
          stored(result)
        }),
    }
  }

  override load(batch: QueuedBatch, ready: () => void): void {
    this.loads.push({ batch, ready })
  }

  forgetItems(): void {
    for (const batch of this.batches) batch.items = undefined
  }
}

function setup(policy = {}): { harness: DeliveryHarness; queue: ForgetfulQueue } {
  let queue: ForgetfulQueue | undefined
  const harness = new DeliveryHarness({ policy, makeQueue: (budget) => (queue = new ForgetfulQueue(budget)) })
  if (queue === undefined) throw new Error('no queue was made')
  harness.sender.respond = () => fault('account', { afterMs: 5_000 })
  return { harness, queue }
}

test('the probe of a lane whose records are gone from the disk goes to the next lane', async () => {
  const { harness, queue } = setup()
  for (let i = 0; i < 3; i++) harness.send({ [`g/gone${i}`]: namedItems('a', 1) })
  await vi.advanceTimersByTimeAsync(2_000)
  expect(harness.sender.puts.length).toBeGreaterThan(0)
  queue.forgetItems()
  const request = harness.send({ 'g/here': namedItems('b', 1) })
  await vi.advanceTimersByTimeAsync(1_000)
  harness.sender.respond = () => taken
  for (let second = 0; second < 120; second++) {
    await vi.advanceTimersByTimeAsync(1_000)
    for (const { ready } of queue.loads.splice(0)) ready()
  }
  expect(request.outcomes).toEqual({ delivered: 1 })
  expect(harness.ledger.lost.quarantined).toBe(3)
  expect(harness.idle).toEqual(IDLE)
})

test('the probe of a lane whose records cannot be read for now goes to the next lane', async () => {
  const { harness, queue } = setup()
  await harness.delivery.start((key) => key)
  for (let i = 0; i < 3; i++) harness.send({ [`g/away${i}`]: namedItems('a', 1) })
  await vi.advanceTimersByTimeAsync(2_000)
  queue.forgetItems()
  const request = harness.send({ 'g/here': namedItems('b', 1) })
  await vi.advanceTimersByTimeAsync(1_000)
  harness.sender.respond = () => taken
  await vi.advanceTimersByTimeAsync(120_000)
  expect(queue.loads.length).toBeGreaterThan(0)
  expect(request.outcomes).toEqual({ delivered: 1 })
  expect(harness.ledger.queued).toBe(3)
  await harness.delivery.shutdown(AbortSignal.abort(), false)
})

test('ten thousand lanes that have nothing ready to send are woken one after the other', async () => {
  const { harness, queue } = setup({ maxWaitMs: 20_000 })
  await harness.delivery.start((key) => key)
  for (let i = 0; i < 10_000; i++) harness.send({ [`g/s${i}`]: namedItems('a', 1) })
  await vi.advanceTimersByTimeAsync(10_000)
  harness.sender.respond = () => fault('account', { afterMs: 60_000 })
  queue.forgetItems()
  // All of them expire, and are being read for that, when the way is free again.
  await vi.advanceTimersByTimeAsync(80_000)
  expect(queue.loads.length).toBeGreaterThan(9_000)
  for (const { ready } of queue.loads.splice(0)) ready()
  await vi.advanceTimersByTimeAsync(10_000)
  expect(harness.ledger).toMatchObject({ queued: 0, delivered: 0 })
  await harness.delivery.shutdown(AbortSignal.abort(), false)
})

test('lanes that wait for the endpoint are not woken into an account that has just asked to wait', async () => {
  const { harness } = setup()
  for (let i = 0; i < 3; i++) harness.send({ [`g/s${i}`]: namedItems('a', 1) })
  await vi.advanceTimersByTimeAsync(2_000)
  expect(harness.sender.puts).toHaveLength(1)
})

test('a lane that reads takes a put place: no more lanes read than may be sent', async () => {
  const { harness, queue } = setup()
  for (let i = 0; i < 100; i++) harness.send({ [`g/s${i}`]: namedItems('a', 1) })
  queue.forgetItems()
  await vi.advanceTimersByTimeAsync(1_001)
  expect(queue.loads.length).toBeLessThanOrEqual(10)
})

test('a first put that hangs keeps no other lane waiting for its timeout', async () => {
  const harness = new DeliveryHarness()
  harness.sender.hold()
  for (const lane of ['hangs/s', 'a/s', 'b/s']) harness.send({ [lane]: namedItems('x', 1) })
  await vi.advanceTimersByTimeAsync(1_001)
  // An account begins with one put at a time.
  expect(harness.sender.held.map(({ group }) => group)).toEqual(['hangs'])
  await vi.advanceTimersByTimeAsync(5_000)
  expect(harness.sender.held.map(({ group }) => group)).toEqual(['hangs', 'a', 'b'])
  for (const put of harness.sender.held) put.answer(taken)
  await vi.advanceTimersByTimeAsync(1_001)
  expect(harness.idle).toEqual(IDLE)
})
