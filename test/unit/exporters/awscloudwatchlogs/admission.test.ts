import { describe, expect, test } from 'vitest'
import { ByteBudget } from '../../../../src/component/byte-budget.ts'
import { MemoryQueue } from '../../../../src/delivery/queue/memory-queue.ts'
import { Admission } from '../../../../src/exporters/awscloudwatchlogs/admission.ts'
import { itemBatch } from '../../../fakes/items.ts'

const CAPACITY = 1_048_576

/** A queue that is filled to a share of its capacity, and what admits requests to it. */
function filled(share: number) {
  const budget = new ByteBudget(CAPACITY)
  const queue = new MemoryQueue(budget)
  const reserved = queue.reserve([{ lane: 'a', items: itemBatch([{ text: 'x'.repeat(CAPACITY * share - 600) }]) }])
  if (reserved.kind === 'retry') throw new Error(reserved.message)
  return { queue, admission: new Admission(budget) }
}

describe('a request, before it is read', () => {
  test('is refused where there is no room for its average size in the queue', () => {
    const { queue, admission } = filled(0.9)
    expect(admission.refusal(queue, 50_000, 0)).toBeUndefined()
    expect(admission.refusal(queue, 200_000, 0)).toMatchObject({
      kind: 'retry',
      cause: 'budget_full',
      message: expect.stringMatching(/^the queue is full \(\d+ of 1048576\); the records were not accepted$/),
    })
    for (let i = 0; i < 100; i++) admission.learn(1_000, 3_000)
    expect(admission.refusal(queue, 50_000, 0)).toMatchObject({ kind: 'retry' })
  })

  test('is refused where there is no room to receive it either', () => {
    const { queue, admission } = filled(0.9)
    expect(admission.refusal(queue, 50_000, 30_000)).toBeUndefined()
    expect(admission.refusal(queue, 50_000, 100_000)).toMatchObject({ kind: 'retry' })
  })

  test('is refused where a similar one was read in vain, until requests are accepted again', () => {
    const { queue, admission } = filled(0.9)
    // 104,000 bytes are free: a little less than it takes.
    expect(admission.refusal(queue, 110_000, 0)).toBeUndefined()
    for (let i = 0; i < 3; i++) admission.learnRefusal()
    expect(admission.refusal(queue, 110_000, 0)).toMatchObject({ kind: 'retry' })
    for (let i = 0; i < 1_000; i++) admission.learnRefusal()
    expect(admission.refusal(queue, 80_000, 0)).toBeUndefined()
    for (let i = 0; i < 100; i++) admission.learn(1_000, 1_000)
    expect(admission.refusal(queue, 110_000, 0)).toBeUndefined()
  })

  test('is read where it might fit an empty queue: the average must not refuse it for good', () => {
    const { queue, admission } = filled(0.9)
    expect(admission.refusal(queue, 700_000, 0)).toBeUndefined()
  })

  test('is refused where bookkeeping is full', () => {
    const budget = new ByteBudget(CAPACITY, 2_400)
    const queue = new MemoryQueue(budget)
    const admission = new Admission(budget)
    expect(admission.refusal(queue, 10, 0)).toBeUndefined()
    queue.reserve([{ lane: 'a', items: itemBatch([{ text: 'x' }]) }])
    expect(admission.refusal(queue, 10, 0)).toMatchObject({ kind: 'retry' })
  })

  test('is refused where the queue holds its maximum number of requests', () => {
    const budget = new ByteBudget(CAPACITY)
    const queue = new MemoryQueue(budget, { unit: 'requests', most: 1 })
    queue.reserve([{ lane: 'a', items: itemBatch([{ text: 'x' }]) }])
    expect(new Admission(budget).refusal(queue, 10, 0)).toMatchObject({ message: expect.stringContaining('(1 of 1)') })
  })
})
