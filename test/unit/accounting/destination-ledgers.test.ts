import { expect, test } from 'vitest'
import { DestinationLedgers } from '../../../src/accounting/destination-ledgers.ts'
import { Ledger } from '../../../src/accounting/ledger.ts'

const groupOf = (key: string) => key.slice(0, key.indexOf(':'))

/** Queues and settles one record of each stream. */
function deliver(ledgers: DestinationLedgers, group: string, streams: number): void {
  for (let i = 0; i < streams; i++) {
    const ledger = ledgers.of(`${group}:${i}`)
    ledger.receive(1)
    ledger.settle({ kind: 'delivered' }, 1)
  }
}

function sumOf(ledgers: DestinationLedgers): Ledger {
  const sum = new Ledger()
  for (const ledger of [...ledgers.all.values(), ...ledgers.forgotten.values()]) sum.add(ledger)
  return sum
}

test('destinations that were not used for long are counted under their group, and newer ones by name', () => {
  const ledgers = new DestinationLedgers(groupOf)
  deliver(ledgers, 'old', 5_000)
  deliver(ledgers, 'new', 1_000)
  expect(ledgers.all.size).toBeLessThanOrEqual(2_000)
  expect(ledgers.all.get('new:999')).toMatchObject({ received: 1, delivered: 1 })
  expect([...ledgers.forgotten.keys()]).toEqual(['old'])
  expect(sumOf(ledgers)).toMatchObject({ received: 6_000, delivered: 6_000, queued: 0 })
})

test('a destination in regular use keeps its own ledger', () => {
  const ledgers = new DestinationLedgers(groupOf)
  const busy = ledgers.of('g:busy')
  for (let round = 0; round < 20; round++) {
    deliver(ledgers, `round-${round}`, 500)
    expect(ledgers.of('g:busy')).toBe(busy)
    busy.receive(1)
    busy.settle({ kind: 'delivered' }, 1)
  }
  expect(sumOf(ledgers).delivered).toBe(20 * 501)
})

test('a destination with queued records or dead letters is never forgotten', () => {
  const ledgers = new DestinationLedgers(groupOf)
  ledgers.of('g:queued').receive(1)
  ledgers.of('g:letters').receive(1)
  ledgers.of('g:letters').settle({ kind: 'dead_lettered' }, 1)
  deliver(ledgers, 'others', 10_000)
  ledgers.of('g:queued').settle({ kind: 'delivered' }, 1)
  ledgers.of('g:letters').evict(1)
  expect(ledgers.all.get('g:queued')).toMatchObject({ delivered: 1 })
  expect(ledgers.all.get('g:letters')).toMatchObject({ received: 1, deadLettered: 0, lost: { dead_letter_evicted: 1 } })
})

test('thousands of kept destinations do not keep others from being forgotten', () => {
  const ledgers = new DestinationLedgers(groupOf)
  for (let i = 0; i < 3_000; i++) ledgers.of(`letters:${i}`).adoptDeadLetters(1)
  for (let round = 0; round < 20; round++) deliver(ledgers, `round-${round}`, 3_000)
  expect(ledgers.all.size).toBeLessThan(10_000)
  expect(sumOf(ledgers)).toMatchObject({ delivered: 60_000, deadLettered: 3_000 })
})

test('forgotten groups beyond 2,000 share one ledger', () => {
  const ledgers = new DestinationLedgers(groupOf)
  for (let group = 0; group < 5_000; group++) deliver(ledgers, `g${group}`, 1)
  expect(ledgers.forgotten.size).toBeLessThanOrEqual(2_001)
  expect(ledgers.forgotten.get('other')?.delivered).toBeGreaterThan(0)
  expect(sumOf(ledgers).delivered).toBe(5_000)
})
