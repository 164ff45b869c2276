import { expect, test } from 'vitest'
import { BufferPool } from '../../../../src/listen/memory/buffer-pool.ts'

const MIB = 1024 * 1024

test('a buffer that was given back is used again, for any length that it has room for', () => {
  const pool = new BufferPool()
  const first = pool.borrow(300_000)
  expect(first.length).toBeGreaterThanOrEqual(300_000)
  pool.giveBack(first)
  expect(pool.borrow(400_000)).toBe(first)
})

test('a buffer has one owner until it is given back', () => {
  const pool = new BufferPool()
  const first = pool.borrow(100_000)
  expect(pool.borrow(100_000)).not.toBe(first)
})

test('a small length does not take a large buffer', () => {
  const pool = new BufferPool()
  const large = pool.borrow(4 * MIB)
  pool.giveBack(large)
  expect(pool.borrow(10)).toHaveLength(10)
})

test('no more than 16 MiB are kept, and no buffer of more than 4', () => {
  const pool = new BufferPool()
  const buffers = Array.from({ length: 6 }, () => pool.borrow(4 * MIB))
  for (const buffer of buffers) pool.giveBack(buffer)
  const again = new Set(Array.from({ length: 6 }, () => pool.borrow(4 * MIB)))
  expect(buffers.filter((buffer) => again.has(buffer))).toHaveLength(4)

  const giant = pool.borrow(5 * MIB)
  expect(giant).toHaveLength(5 * MIB)
  pool.giveBack(giant)
  expect(pool.borrow(5 * MIB)).not.toBe(giant)
})
