import { describe, expect, test } from 'vitest'
import { ByteBudget } from '../../src/component/byte-budget.ts'
import { heldBytes } from '../../src/delivery/contract/items.ts'
import { MemoryQueue } from '../../src/delivery/queue/memory-queue.ts'
import type { QueueBound } from '../../src/delivery/queue/queue-bound.ts'
import type { QueuedBatch } from '../../src/delivery/contract/queue.ts'
import { itemBatch, namedItems } from '../fakes/items.ts'
import { queueConformance } from './queue.ts'

queueConformance('the memory queue', async (capacityBytes) => {
  const budget = new ByteBudget(capacityBytes)
  return { queue: new MemoryQueue(budget), budget }
})

describe('bounds of the memory queue beside the byte budget', () => {
  /** New each time: a queue frees the buffers of what is settled. */
  const items = () => itemBatch(namedItems('item', 4))
  const request = () => [
    { lane: 'a', items: items() },
    { lane: 'b', items: items() },
  ]

  function bounded(bound: QueueBound, budgetBytes = 1_048_576) {
    const budget = new ByteBudget(budgetBytes)
    return { queue: new MemoryQueue(budget, bound), budget }
  }

  /** Takes the request, or says why not. */
  function take(queue: MemoryQueue): readonly QueuedBatch[] | string {
    const outcome = queue.reserve(request())
    if (outcome.kind === 'retry') return outcome.message
    let stored: readonly QueuedBatch[] = []
    outcome.commit((batches) => {
      if (!('kind' in batches)) stored = batches
    })
    return stored
  }

  test('in requests: one is counted until the last of its batches is settled', () => {
    const { queue, budget } = bounded({ unit: 'requests', most: 2 })
    const first = take(queue)
    take(queue)
    expect([queue.size, queue.capacity]).toEqual([2, 2])
    expect(take(queue)).toBe('the queue is full (2 of 2 requests); the records were not accepted')
    if (typeof first === 'string') return expect.fail(first)

    const [a, b] = first
    if (a === undefined || b === undefined) return expect.fail('not two batches')
    queue.settle(a, 0, 4)
    expect(queue.size).toBe(2)
    queue.settle(b, 0, 4)
    expect(queue.size).toBe(1)
    expect(take(queue)).toHaveLength(2)
    expect(budget.used).toBe(4 * heldBytes(items()))
  })

  test('in items: more than the bound would never fit', () => {
    expect(bounded({ unit: 'items', most: 8 }).queue.couldHold(request())).toBe(true)
    expect(bounded({ unit: 'items', most: 7 }).queue.couldHold(request())).toBe(false)
  })

  test('in requests: an empty one is no longer counted once it is stored', () => {
    const { queue } = bounded({ unit: 'requests', most: 1 })
    const outcome = queue.reserve([])
    expect(queue.size).toBe(1)
    if (outcome.kind === 'reserved') outcome.commit(() => {})
    expect(queue.size).toBe(0)
  })

  test('in items: each is counted until it is settled', () => {
    const { queue } = bounded({ unit: 'items', most: 17 })
    const first = take(queue)
    take(queue)
    expect([queue.size, queue.capacity]).toEqual([16, 17])
    expect(take(queue)).toBe('the queue is full (16 of 17 items); the records were not accepted')
    if (typeof first === 'string' || first[0] === undefined) return expect.fail('nothing stored')
    queue.settle(first[0], 1, 4)
    expect(queue.size).toBe(13)
  })

  test('in bytes: it stays within its own bound and the budget, whichever is less', () => {
    const bytes = 2 * heldBytes(items())
    expect(bounded({ unit: 'bytes', most: 10_000 }, 5_000).queue.capacityBytes).toBe(5_000)
    const { queue, budget } = bounded({ unit: 'bytes', most: bytes })
    expect(queue.capacityBytes).toBe(bytes)
    take(queue)
    expect(take(queue)).toBe(`the queue is full (${bytes} of ${bytes} bytes); the records were not accepted`)
    expect(budget.used).toBe(bytes)
  })

  test.each(['requests', 'items', 'bytes'] as const)('in %s: a released reservation leaves nothing behind', (unit) => {
    const { queue, budget } = bounded({ unit, most: 10_000 })
    for (let i = 0; i < 100; i++) {
      const outcome = queue.reserve(request())
      if (outcome.kind === 'reserved') outcome.release()
    }
    expect([queue.size, budget.used]).toEqual([0, 0])
  })

  test('the budget is shared: bytes that another queue holds are not available', () => {
    const { queue, budget } = bounded({ unit: 'requests', most: 10 }, 4 * heldBytes(items()))
    budget.reserve(3 * heldBytes(items()))
    expect(take(queue)).toMatch(/^the queue is full/)
    expect([queue.size, queue.usedBytes]).toEqual([0, 0])
  })
})
