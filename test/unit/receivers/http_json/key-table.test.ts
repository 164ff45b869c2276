import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { ByteBudget } from '../../../../src/component/byte-budget.ts'
import { BYTES_PER_KEY, entryOf, KeyTable, rejectedOf } from '../../../../src/receivers/http_json/keys/key-table.ts'

const hash = (text: string) => createHash('sha256').update(text).digest()
const entry = (name: string, seconds = 0, rejected = 0) => entryOf(hash(name), hash(`body ${name}`), seconds, rejected)

test('finds what was added, and nothing else, through growth and expiry', () => {
  const table = new KeyTable(new ByteBudget(100_000_000), 20_000)
  const known = new Map<string, number>()
  for (let i = 0; i < 30_000; i++) {
    table.add(entry(`k${i}`, i, i % 7))
    known.set(`k${i}`, i % 7)
    if (known.size > 20_000) known.delete(`k${i - 20_000}`)
    if (i % 1_000 === 999) {
      table.expire(i - 5_000)
      for (const name of known.keys()) if (Number(name.slice(1)) < i - 5_000) known.delete(name)
    }
  }
  expect(table.size).toBe(known.size)
  for (let i = 0; i < 30_000; i++) {
    const found = table.find(hash(`k${i}`))
    expect(found === undefined ? undefined : rejectedOf(found)).toBe(known.get(`k${i}`))
  }
})

test('forgets the oldest key when it is full, and never takes more than its share of the budget', () => {
  const budget = new ByteBudget(10_000_000)
  const table = new KeyTable(budget, 5_000)
  for (let i = 0; i < 12_345; i++) table.add(entry(`k${i}`))
  expect(table.size).toBe(5_000)
  expect(table.evicted).toBe(12_345 - 5_000)
  expect(budget.peak).toBeLessThanOrEqual(5_000 * BYTES_PER_KEY * 2)
  expect(table.find(hash('k7344'))).toBeUndefined()
  expect(table.find(hash('k7345'))).toBeDefined()
  table.close()
  expect(budget.used).toBe(0)
})

test('keeps what it has when the budget is full', () => {
  const budget = new ByteBudget(1_024 * BYTES_PER_KEY + 10)
  const table = new KeyTable(budget, 1_000_000)
  for (let i = 0; i < 3_000; i++) table.add(entry(`k${i}`))
  expect(table.size).toBe(1_024)
  expect(table.find(hash('k2999'))).toBeDefined()
})
