// The contract of `Queue` (src/delivery/contract/queue.ts), for each kind of queue to keep.
import { randomBytes } from 'node:crypto'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { ByteBudget } from '../../src/component/byte-budget.ts'
import type { Retry } from '../../src/accounting/outcome.ts'
import { INDEX_FIELDS, type ItemBatch } from '../../src/delivery/contract/items.ts'
import type { LaneItems } from '../../src/delivery/contract/lane-items.ts'
import type { Queue, QueuedBatch, QueueReservation } from '../../src/delivery/contract/queue.ts'
import { itemBatch, namedItems } from '../fakes/items.ts'

export interface QueueUnderTest {
  readonly queue: Queue
  /** The byte budget of the process, which the queue takes its memory from. */
  readonly budget: ByteBudget
}

/**
 * @param makeQueue a new and empty queue that holds `capacityBytes`, its budget at least as large. A queue that frees its
 * room in pieces has pieces of at most a sixteenth of it.
 */
export function queueConformance(name: string, makeQueue: (capacityBytes: number) => Promise<QueueUnderTest>): void {
  const CAPACITY = 1_048_576
  const made: Queue[] = []
  afterEach(async () => {
    await Promise.all(made.splice(0).map((queue) => queue.close()))
  })

  /** One that was asked for what an earlier process left, as its user does first. */
  async function ready(): Promise<QueueUnderTest> {
    const harness = await makeQueue(CAPACITY)
    made.push(harness.queue)
    expect(await harness.queue.recover()).toEqual([])
    return harness
  }

  describe(name, () => {
    test('is empty when it is new', async () => {
      const { queue, budget } = await ready()
      expect(queue.capacityBytes).toBeGreaterThan(0)
      expect(budget.used).toBe(0)
    })

    test('stores which batches are the daemon’s own', async () => {
      const { queue } = await ready()
      const items = itemBatch(namedItems('a', 1))
      const reserved = queue.reserve([
        { lane: 'group:stream', items },
        { lane: 'group:stream', own: true, items },
      ])
      if (reserved.kind === 'retry') throw new Error(reserved.message)
      const stored = vi.fn()
      reserved.commit(stored)
      await vi.waitFor(() => expect(stored).toHaveBeenCalled(), { timeout: 20_000 })
      const batches = stored.mock.calls[0]?.[0] as readonly QueuedBatch[]
      expect(batches.map(({ own }) => own)).toEqual([false, true])
    })

    test('reports each commit as stored once, in order', async () => {
      const { queue } = await ready()
      const before = Date.now()
      const stored = vi.fn()
      const items = [itemBatch(namedItems('a', 3)), itemBatch(namedItems('b', 1))]
      reserve(queue, items).commit(stored)
      await vi.waitFor(() => expect(stored).toHaveBeenCalled(), { timeout: 20_000 })
      await nextTurns()

      expect(stored).toHaveBeenCalledTimes(1)
      const batches = stored.mock.calls[0]?.[0] as readonly QueuedBatch[]
      expect(batches.map(({ count, unsettled }) => [count, unsettled])).toEqual([
        [3, 3],
        [1, 1],
      ])
      for (const batch of batches) {
        expect(batch.enqueuedAtMs).toBeGreaterThanOrEqual(before)
        expect(batch.enqueuedAtMs).toBeLessThanOrEqual(Date.now())
        expect(batch.listener).toBeUndefined()
      }
    })

    test('stores commits in the order they were made, also many at once', async () => {
      const { queue } = await ready()
      const order: number[] = []
      for (let i = 0; i < 100; i++)
        reserve(queue, [itemBatch(namedItems(`${i}-`, 1))]).commit((outcome) => {
          expect(outcome).toHaveLength(1)
          order.push(i)
        })
      await vi.waitFor(() => expect(order).toHaveLength(100), { timeout: 20_000 })
      expect(order).toEqual(Array.from({ length: 100 }, (_, i) => i))
    })

    test('gives back the bytes as they went in', async () => {
      const { queue } = await ready()
      const index = new Float64Array([1, 5, 27, 70_000, 5, 70_025, 70_000, Number.MAX_SAFE_INTEGER, 26])
      const items: ItemBatch = { kind: 1, count: 3, bytes: randomBytes(70_000), index }
      const [batch] = await store(queue, [items])
      const back = await load(queue, batch as QueuedBatch)
      expect([back.kind, back.count]).toEqual([1, 3])
      expect(Buffer.compare(back.bytes, items.bytes)).toBe(0)
      expect([...back.index]).toEqual([...index])
      expect(batch?.countedBytes).toBe(27 + 70_025 + 26)
    })

    test('keeps the kind of the items', async () => {
      const { queue } = await ready()
      const [batch] = await store(queue, [{ ...itemBatch(namedItems('a', 1)), kind: 2 }])
      expect((await load(queue, batch as QueuedBatch)).kind).toBe(2)
    })

    test('takes an empty request', async () => {
      const { queue, budget } = await ready()
      expect(await store(queue, [])).toEqual([])
      expect(budget.used).toBe(0)
    })

    test('takes all batches of a request or none', async () => {
      const { queue, budget } = await ready()
      const used = queue.usedBytes
      const outcome = queue.reserve([
        { lane: 'small', items: itemBatch(namedItems('a', 1)) },
        { lane: 'huge', items: ofBytes(CAPACITY * 2) },
      ])
      expectFull(outcome)
      expect([queue.usedBytes, budget.used]).toEqual([used, 0])
    })

    test('keeps nothing of a released reservation', async () => {
      const { queue, budget } = await ready()
      const used = queue.usedBytes
      for (let i = 0; i < 200; i++) reserve(queue, [ofBytes(CAPACITY / 2), ofBytes(1_000)]).release()
      expect([queue.usedBytes, budget.used]).toEqual([used, 0])
    })

    test('counts what is reserved before it is committed', async () => {
      const { queue } = await ready()
      const held = reserve(queue, [ofBytes(CAPACITY * 0.6)])
      expectFull(queue.reserve(laneItemsOf([ofBytes(CAPACITY * 0.6)])))
      held.release()
      reserve(queue, [ofBytes(CAPACITY * 0.6)]).release()
    })

    test('refuses for good a request that it could never hold', async () => {
      const { queue } = await ready()
      expect(queue.couldHold(laneItemsOf([ofBytes(1_000)]))).toBe(true)
      expect(queue.couldHold(laneItemsOf([ofBytes(queue.capacityBytes + 1)]))).toBe(false)
    })

    test('makes senders wait when it is full, and takes more once it is not', async () => {
      const { queue, budget } = await ready()
      const batches: QueuedBatch[] = []
      let outcome = queue.reserve(laneItemsOf([ofBytes(CAPACITY / 16)]))
      while (outcome.kind === 'reserved') {
        batches.push(...(await committed(outcome)))
        expect(batches.length).toBeLessThanOrEqual(16)
        outcome = queue.reserve(laneItemsOf([ofBytes(CAPACITY / 16)]))
      }
      expectFull(outcome)
      expect(batches.length).toBeGreaterThan(8)
      expect(queue.usedBytes).toBeLessThanOrEqual(queue.capacityBytes)

      for (const batch of batches) queue.settle(batch, 0, batch.count)
      await vi.waitFor(() => reserve(queue, [ofBytes(CAPACITY / 2)]).release(), 10_000)
      expect(budget.used).toBe(0)
    })

    test('holds a batch until the last of its items is settled, in whatever order', async () => {
      const { queue, budget } = await ready()
      const [batch] = await store(queue, [itemBatch(namedItems('item', 10))])
      if (batch === undefined) return expect.fail('nothing stored')
      const held = budget.used
      const order: [number, number][] = [
        [7, 10],
        [0, 2],
        [4, 5],
        [5, 7],
        [2, 3],
      ]
      let left = 10
      for (const [from, to] of order) {
        queue.settle(batch, from, to)
        expect(batch.unsettled).toBe((left -= to - from))
        expect(budget.used).toBe(held)
      }
      expect((await load(queue, batch)).count).toBe(10)
      queue.settle(batch, 3, 4)
      expect([batch.unsettled, budget.used]).toEqual([0, 0])
    })

    test('throws when more is settled than there is, and keeps its count', async () => {
      const { queue, budget } = await ready()
      const [batch] = await store(queue, [itemBatch(namedItems('item', 3))])
      if (batch === undefined) return expect.fail('nothing stored')
      expect(() => queue.settle(batch, 0, 4)).toThrow(RangeError)
      queue.settle(batch, 0, 2)
      expect(() => queue.settle(batch, 0, 2)).toThrow(RangeError)
      expect(batch.unsettled).toBe(1)
      queue.settle(batch, 2, 3)
      expect(() => queue.settle(batch, 2, 3)).toThrow(RangeError)
      expect([batch.unsettled, budget.used]).toEqual([0, 0])
    })

    test('frees the bytes with the last item of a batch, and not before', async () => {
      const { queue } = await ready()
      const items = ofBytes(100_000, 2)
      const [batch] = await committed(reserve(queue, [items]))
      if (batch === undefined) throw new Error('nothing was stored')
      queue.settle(batch, 0, 1)
      expect((await load(queue, batch)).bytes).toHaveLength(100_000)
      const { bytes } = await load(queue, batch)
      queue.settle(batch, 1, 2)
      expect(bytes).toHaveLength(0)
    })

    test('is empty again after many batches have come and gone', async () => {
      const { queue, budget } = await ready()
      // The queue owns what it is given, and may free it: what comes back is compared with another of the same.
      const waiting: { readonly batch: QueuedBatch; readonly size: number }[] = []
      for (let round = 0; round < 400; round++) {
        const size = ((round * 7_919) % 40_000) + 1
        const items = ofBytes(size)
        const outcome = queue.reserve(laneItemsOf([items]))
        if (outcome.kind === 'reserved' && round % 7 === 0) outcome.release()
        else if (outcome.kind === 'reserved')
          for (const batch of await committed(outcome)) waiting.push({ batch, size })
        if (outcome.kind === 'retry' || round % 3 === 0) {
          const [oldest] = waiting.splice((round * 31) % waiting.length, 1)
          if (oldest === undefined) continue
          expect(Buffer.compare((await load(queue, oldest.batch)).bytes, ofBytes(oldest.size).bytes)).toBe(0)
          queue.settle(oldest.batch, 0, oldest.batch.count)
        }
      }
      expect(waiting.length).toBeGreaterThan(5)
      for (const { batch } of waiting) queue.settle(batch, 0, batch.count)
      expect(budget.used).toBe(0)
    })

    test('closes with unsettled batches, and can be closed twice', async () => {
      const { queue } = await ready()
      await store(queue, [itemBatch(namedItems('a', 3)), itemBatch(namedItems('b', 3))])
      await queue.close()
      await queue.close()
    })
  })
}

/** Items with that number of bytes in all. */
function ofBytes(bytes: number, count = 1): ItemBatch {
  const index = new Float64Array(count * INDEX_FIELDS)
  const size = Math.floor(bytes)
  for (let item = 0; item < count; item++) {
    index.set([Math.floor((size * (item + 1)) / count), 0, size / count], item * INDEX_FIELDS)
  }
  return { kind: 1, count, bytes: Buffer.alloc(size, 'x'), index }
}

function laneItemsOf(items: readonly ItemBatch[]): LaneItems[] {
  return items.map((each, place) => ({ lane: `group:stream-${place}`, items: each }))
}

function reserve(queue: Queue, items: readonly ItemBatch[]): QueueReservation {
  const outcome = queue.reserve(laneItemsOf(items))
  if (outcome.kind === 'retry') throw new Error(outcome.message)
  return outcome
}

function committed(reservation: QueueReservation): Promise<readonly QueuedBatch[]> {
  return new Promise((resolve, reject) => {
    reservation.commit((outcome) => ('kind' in outcome ? reject(new Error(outcome.message)) : resolve(outcome)))
  })
}

function store(queue: Queue, items: readonly ItemBatch[]): Promise<readonly QueuedBatch[]> {
  return committed(reserve(queue, items))
}

function load(queue: Queue, batch: QueuedBatch): Promise<ItemBatch> {
  return new Promise((resolve, reject) => {
    queue.load(batch, () =>
      batch.items === undefined ? reject(new Error('the items are not there')) : resolve(batch.items),
    )
  })
}

/** A queue refuses with the time to wait and a sentence, whatever it is made of. */
function expectFull(outcome: QueueReservation | Retry): void {
  expect(outcome).toMatchObject({ kind: 'retry', cause: expect.stringMatching(/^(budget|storage)_full$/) as string })
  if (outcome.kind !== 'retry') return
  expect(outcome.afterMs).toBeGreaterThan(0)
  expect(outcome.message).toMatch(/full/)
}

/** Time for a second call that should not come. */
function nextTurns(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20))
}
