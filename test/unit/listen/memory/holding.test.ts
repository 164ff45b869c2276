import { expect, test } from 'vitest'
import { ByteBudget } from '../../../../src/component/byte-budget.ts'
import { hasRoomFor, Holding } from '../../../../src/listen/memory/holding.ts'

test('bytes that do not fit are not taken, and taken bytes are given back once', () => {
  const budget = new ByteBudget(100)
  const holding = new Holding(budget)
  expect(holding.take(60)).toBe(true)
  expect(holding.take(60)).toBe(false)
  expect(holding.take(40)).toBe(true)
  expect(budget.used).toBe(100)
  holding.release()
  holding.release()
  expect(budget.used).toBe(0)
})

test.each([
  // used, bytes, room: once as received and once as sent on, where the budget is over three quarters full
  [0, 100, true],
  [0, 101, false],
  [75, 25, true],
  [80, 10, true],
  [80, 11, false],
  [100, 0, true],
])('with %i of 100 bytes used there is room for %i: %s', (used, bytes, room) => {
  const budget = new ByteBudget(100)
  budget.reserve(used)
  expect(hasRoomFor(budget, bytes)).toBe(room)
})

test('a request that has ended is charged nothing, and its work is stopped once', () => {
  const budget = new ByteBudget(1_000_000)
  const holding = new Holding(budget)
  let stops = 0
  holding.onRelease(() => stops++)
  const buffer = holding.borrow(20_000)
  expect(budget.used).toBe(buffer?.length)
  holding.release()
  holding.release()
  expect(stops).toBe(1)
  expect(holding.take(1)).toBe(false)
  expect(holding.borrow(20_000)).toBeUndefined()
  expect(budget.used).toBe(0)
})

test('a buffer is charged for all of its length, and returned once', () => {
  const budget = new ByteBudget(1_000_000)
  const holding = new Holding(budget)
  const buffer = holding.borrow(100_000) ?? Buffer.alloc(0)
  expect(budget.used).toBe(131_072)
  holding.giveBack(buffer)
  expect(budget.used).toBe(0)
  expect(() => holding.giveBack(buffer)).toThrow('does not hold it')
})
