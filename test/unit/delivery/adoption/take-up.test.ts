import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ByteBudget } from '../../../../src/component/byte-budget.ts'
import { AdoptingQueue } from '../../../../src/delivery/adoption/adopting-queue.ts'
import { MemoryQueue } from '../../../../src/delivery/queue/memory-queue.ts'
import type { RecoveredBatch } from '../../../../src/delivery/contract/queue.ts'
import { steadyNowMs } from '../../../../src/delivery/contract/steady-clock.ts'
import { silentLogger } from '../../../../src/telemetry/logger.ts'
import { DeliveryHarness, IDLE } from '../../../fakes/delivery.ts'
import { itemBatch, namedItems } from '../../../fakes/items.ts'
import { fault, settledPromises, taken } from '../../../fakes/sender.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A queue of this process that can take over another, in memory both. */
async function setting() {
  let adopting: AdoptingQueue | undefined
  let touched = 0
  const harness = new DeliveryHarness({
    makeQueue: (budget) => {
      const own = Object.assign(new MemoryQueue(budget), { touch: () => void touched++ })
      adopting = new AdoptingQueue(own, silentLogger)
      return adopting
    },
  })
  if (adopting === undefined) throw new Error('no queue was made')
  await harness.delivery.start((key) => key)
  return { harness, adopting, touched: () => touched }
}

/** What a process left that queued these at these times; `released` when nothing of it waits any more. */
function left(adopting: AdoptingQueue, batches: readonly (readonly [lane: string, name: string, atMs: number])[]) {
  const queue = new MemoryQueue(new ByteBudget(1_000_000))
  const found: RecoveredBatch[] = []
  for (const [lane, name, atMs] of batches) {
    const clock = vi.spyOn(performance, 'now').mockReturnValue(atMs - performance.timeOrigin)
    const reserved = queue.reserve([{ lane, items: itemBatch(namedItems(name, 2)) }])
    if (reserved.kind === 'retry') throw new Error(reserved.message)
    reserved.commit((stored) => {
      if (!('kind' in stored)) for (const batch of stored) found.push({ lane, batch, settled: [] })
    })
    clock.mockRestore()
  }
  const state = { released: false }
  const release = async () => {
    state.released = true
  }
  adopting.adopt({ path: 'left', queue, release }, found)
  return { found, state }
}

test('records of another process are sorted by time among those that wait', async () => {
  const { harness, adopting } = await setting()
  harness.sender.respond = () => fault('group', { lasting: true })
  const start = steadyNowMs()
  harness.send({ 'g/s': namedItems('b', 2) })
  await vi.advanceTimersByTimeAsync(200_000)
  harness.send({ 'g/s': namedItems('d', 2) })
  const { found, state } = left(adopting, [
    ['g/s', 'a', start - 50_000],
    ['g/s', 'c', start + 100_000],
    ['g/t', 'x', start - 60_000],
  ])
  harness.delivery.addRecovered(found, new Map())
  expect(harness.delivery.oldestEnqueuedAtMs).toBe(start - 60_000)
  expect(harness.ledger).toMatchObject({ received: 10, queued: 10 })

  harness.sender.respond = () => taken
  const before = harness.sender.puts.length
  await vi.advanceTimersByTimeAsync(60_000)
  const sent = harness.sender.puts
    .slice(before)
    .flatMap(({ destination, texts }) => (destination === 'g/s' ? texts : []))
  expect(sent.toSorted()).toEqual(['a0', 'a1', 'b0', 'b1', 'c0', 'c1', 'd0', 'd1'])
  expect(sent.filter((text) => !text.startsWith('d'))).toEqual(['a0', 'a1', 'b0', 'b1', 'c0', 'c1'])
  expect(harness.idle).toEqual(IDLE)
  expect(state.released).toBe(true)
})

test('a put that was in flight meanwhile returns to its position', async () => {
  const { harness, adopting } = await setting()
  harness.sender.hold()
  const start = steadyNowMs()
  harness.send({ 'g/s': namedItems('b', 2) })
  await vi.advanceTimersByTimeAsync(1_001)
  const { found } = left(adopting, [
    ['g/s', 'a', start - 50_000],
    ['g/s', 'c', start + 500],
  ])
  harness.delivery.addRecovered(found, new Map())
  harness.sender.held[0]?.answer(fault('stream'))
  harness.sender.resume()
  await settledPromises()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(harness.sender.puts.slice(1).flatMap(({ texts }) => texts)).toEqual(['a0', 'a1', 'b0', 'b1', 'c0', 'c1'])
  expect(harness.idle).toEqual(IDLE)
})

test('an adopted queue is released when its last record is settled, and the adopting queue counts each settlement', async () => {
  const { harness, adopting, touched } = await setting()
  harness.sender.hold()
  const { found, state } = left(adopting, [['g/s', 'a', 0]])
  harness.delivery.addRecovered(found, new Map())
  await vi.advanceTimersByTimeAsync(1_001)
  expect([state.released, adopting.adopted, touched()]).toEqual([false, 1, 0])
  harness.sender.held[0]?.answer(taken)
  await settledPromises()
  expect([state.released, adopting.adopted, touched()]).toEqual([true, 0, 1])
})

test('an empty queue is released at once, and a non-empty one when the adopting queue is closed', async () => {
  const { adopting } = await setting()
  const empty = left(adopting, [])
  const full = left(adopting, [['g/s', 'a', 0]])
  await settledPromises()
  expect([empty.state.released, full.state.released]).toEqual([true, false])
  await adopting.close()
  expect([full.state.released, adopting.adopted]).toEqual([true, 0])
})

test('gap markers that wait on disk are not counted as records', async () => {
  const { harness } = await setting()
  harness.delivery.addRecovered([], new Map([['g/s', { bytes: 300, batches: 3, items: 3, ownItems: 1 }]]))
  expect(harness.ledger.queued).toBe(2)
})
