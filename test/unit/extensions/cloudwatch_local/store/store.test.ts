import { expect, test } from 'vitest'
import { Store, type Batch } from '../../../../../src/extensions/cloudwatch_local/store/store.ts'

function storeOf(maxBytes: number) {
  const store = new Store(maxBytes)
  const evicted: string[] = []
  store.onEvicted = (batch: Batch) => evicted.push(batch.events[0]?.message ?? '')
  const group = store.createGroup({ name: 'g', creationTime: 0 })
  const streams = { a: store.createStream(group, 'a', 0), b: store.createStream(group, 'b', 0) }
  const append = (stream: 'a' | 'b', message: string, bytes = 100) =>
    store.append(streams[stream], [{ timestamp: 1, message }], bytes, 1)
  const held = () => Object.values(streams).flatMap(({ batches }) => batches.map(({ events }) => events[0]?.message))
  return { store, group, streams, append, evicted, held }
}

test('the oldest puts of all streams are evicted first', () => {
  const { store, group, append, evicted, held } = storeOf(300)
  append('a', '1')
  append('b', '2')
  append('a', '3')
  expect(evicted).toEqual([])
  append('b', '4', 150)
  expect(evicted).toEqual(['1', '2'])
  expect(held()).toEqual(['3', '4'])
  expect([store.bytes, group.storedBytes, store.evictedEvents, store.storedEvents]).toEqual([250, 250, 2, 4])
})

test('deleted events are not evicted again', () => {
  const { store, streams, append, evicted } = storeOf(300)
  append('a', '1')
  append('b', '2')
  store.deleteStream(streams.a)
  append('b', '3')
  append('b', '4')
  expect([store.bytes, evicted]).toEqual([300, []])
  append('b', '5')
  expect(evicted).toEqual(['2'])
  expect(streams.b.batches.map(({ events }) => events[0]?.message)).toEqual(['3', '4', '5'])
})

test('a long run neither loses count nor keeps what it evicted', () => {
  const { store, append, evicted, held } = storeOf(1_000)
  for (let number = 0; number < 20_000; number += 1) append(number % 3 === 0 ? 'a' : 'b', String(number))
  expect(store.bytes).toBe(1_000)
  expect(evicted).toEqual(Array.from({ length: 19_990 }, (_, number) => String(number)))
  expect(
    held()
      .map(Number)
      .toSorted((x, y) => x - y),
  ).toEqual(Array.from({ length: 10 }, (_, index) => 19_990 + index))
})
