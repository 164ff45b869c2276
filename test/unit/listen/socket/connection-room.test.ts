import { expect, test } from 'vitest'
import { ConnectionRoom, MODEST_STREAMS, streamBytes } from '../../../../src/listen/socket/connection-room.ts'

class Connection {
  evicted = false
  evict(): void {
    this.evicted = true
  }
}

/** Room for ten connections of 100 bytes, and for streams of 1,000 bytes together. */
const roomForTen = () => new ConnectionRoom({ descriptors: Number.POSITIVE_INFINITY, heapBytes: 8_000 })

test('the oldest connection without a request is closed for a new one, and those that had a request stay', () => {
  const room = roomForTen()
  const connections = Array.from({ length: 10 }, () => new Connection())
  for (const connection of connections) expect(room.admit(connection, 100)).toBe(true)
  for (const connection of connections.slice(0, 2)) room.served(connection)
  const late = Array.from({ length: 3 }, () => new Connection())
  for (const connection of late) expect(room.admit(connection, 100)).toBe(true)
  expect(connections.map(({ evicted }) => evicted)).toEqual([false, false, true, true, true, ...Array(5).fill(false)])
})

test('where all had a request the new one is refused until one is closed', () => {
  const room = roomForTen()
  const connections = Array.from({ length: 10 }, () => new Connection())
  for (const connection of connections) {
    room.admit(connection, 100)
    room.served(connection)
  }
  expect(room.admit(new Connection(), 100)).toBe(false)
  for (let i = 0; i < 3; i++) room.leave(connections[0] ?? new Connection())
  expect(room.admit(new Connection(), 100)).toBe(true)
  const last = new Connection()
  // That one has had none: it goes.
  expect(room.admit(last, 100)).toBe(true)
  room.served(last)
  expect(room.admit(new Connection(), 100)).toBe(false)
})

test('an expensive connection counts as several', () => {
  const room = roomForTen()
  const connections = Array.from({ length: 10 }, () => new Connection())
  for (const connection of connections) room.admit(connection, 100)
  expect(room.admit(new Connection(), 350)).toBe(true)
  expect(connections.filter(({ evicted }) => evicted)).toHaveLength(4)
  expect(room.fits(350)).toBe(2)
})

test('a connection that waits for its refusal uses a file descriptor, and their number is bounded', () => {
  const room = new ConnectionRoom({ descriptors: 4, heapBytes: 8_000 })
  expect(room.admitForAnswer(new Connection())).toBe(true)
  const served = new Connection()
  room.admit(served, 100)
  room.served(served)
  expect(room.admitForAnswer(new Connection())).toBe(false)
  expect(room.admit(new Connection(), 100)).toBe(false)
})

test('one connection with many streams leaves half of the room for those with few', () => {
  const room = roomForTen()
  let greedy = 0
  while (room.openStream(10, greedy)) greedy++
  expect(greedy).toBe(50)
  for (let others = 0; others < MODEST_STREAMS; others++) expect(room.openStream(10, others)).toBe(true)
  expect(room.openStream(10, MODEST_STREAMS)).toBe(false)
  let modest = 0
  while (room.openStream(10, 0)) modest++
  expect(greedy + MODEST_STREAMS + modest).toBe(100)
  room.closeStream(10)
  expect(room.openStream(10, 0)).toBe(true)
})

test('a stream is charged for the bytes and the fields of its head', () => {
  const small = streamBytes([':path', '/'])
  expect(streamBytes([':path', '/', 'x', 'y'.repeat(10_000)]) - small).toBeGreaterThan(20_000)
  expect(streamBytes([':path', '/', ...Array<string>(200).fill('x')]) - small).toBeGreaterThan(40_000)
})
