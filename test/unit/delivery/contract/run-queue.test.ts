import { expect, test } from 'vitest'
import { QueuedBatch } from '../../../../src/delivery/contract/queue.ts'
import { RunQueue } from '../../../../src/delivery/contract/run-queue.ts'
import { itemBatch, namedItems } from '../../../fakes/items.ts'

test('failed items return between the items that were left out of the put', () => {
  const items = itemBatch(namedItems('a', 8))
  const batch = new QueuedBatch(items, 8, 0, 0, 0)
  const run = (from: number, to = from + 1) => ({ batch, from, to })
  const queue = new RunQueue()
  for (const each of [run(0), run(1, 6), run(6, 8)]) queue.push(each)
  queue.replace(0, 2, undefined)
  // Those of another day went back at once; the others, which were sent, after those that had gone out before them.
  queue.putBack([run(4), run(3)])
  queue.putBack([run(0)])
  queue.putBack([run(2), run(1), run(5)])
  const order = Array.from({ length: queue.length }, (_, place) => queue.at(place)?.from)
  expect(order).toEqual([0, 1, 2, 3, 4, 5, 6])
  expect(queue.firstSince(1)).toBe(7)
})
