import { expect, test } from 'vitest'
import type { DeadLetter } from '../../../../../src/delivery/dead-letters/dead-letters.ts'
import { Ledgers, type WriteGapMarker } from '../../../../../src/exporters/awscloudwatchlogs/accounting/ledgers.ts'
import { ledgerReport } from '../../../../../src/accounting/ledger.ts'
import { recordsRequest } from '../../../../fakes/logs-request.ts'
import { NOW_MS, transcoder } from '../event/transcode-request.ts'

const LETTER: DeadLetter = { id: 'a', lane: 'g:s', reason: 'poison', error: '', diedAtMs: 0, items: 3 }
const DAY_MS = 86_400_000

/** The account of the exporter and those of its destinations, each of which balances. */
function snapshot(ledgers: Ledgers) {
  const all = Object.fromEntries([...ledgers.destinations.all].map(([key, ledger]) => [key, ledgerReport(ledger)]))
  for (const each of [ledgerReport(ledgers.ledger), ...Object.values(all)])
    expect(each).toMatchObject({ difference: 0 })
  return all
}

/** Requests are in the queue at once. */
function admit(ledgers: Ledgers, ...ages: number[]) {
  const records = ages.map((age) => ({ body: 'x', time: BigInt(NOW_MS - age) * 1_000_000n }))
  const request = transcoder({ lateEvents: 'reject' }).transcode(recordsRequest(...records), NOW_MS)
  ledgers.admit(request, [])
}

test('records rejected on arrival are in the ledger of their destination and of its stream', () => {
  const gaps: number[] = []
  const tell: WriteGapMarker = async (_, { records }) => gaps.push(records) > 0
  const ledgers = new Ledgers(tell)
  admit(ledgers, 0, 15 * DAY_MS)
  expect(snapshot(ledgers)).toMatchObject({ 'g:s': { received: 2, queued: 1, rejected: { too_old: 1 } } })
  ledgers.settled({ kind: 'delivered' }, 1, 'g:s')
  expect(gaps).toEqual([1])
})

test('evicted dead letters are in the ledger of their stream', () => {
  const gaps: [number, string[]][] = []
  const ledgers = new Ledgers(async (_, { records, reasons }) => gaps.push([records, [...reasons.keys()]]) > 0)
  ledgers.letterAdopted(LETTER)
  ledgers.letterEvicted(LETTER)
  admit(ledgers, 0)
  ledgers.settled({ kind: 'delivered' }, 1, 'g:s')
  expect(gaps).toEqual([[3, ['dead_letter_evicted']]])
})

test('dead letters stay in the account of their destination until they are replayed or evicted', () => {
  const ledgers = new Ledgers(undefined)
  ledgers.letterAdopted(LETTER)
  ledgers.letterAdopted(LETTER)
  ledgers.letterEvicted(LETTER)
  ledgers.revived(3, 'g:s', 'g:s')
  expect(snapshot(ledgers)).toMatchObject({
    'g:s': { received: 6, dead_lettered: 0, queued: 3, lost: { dead_letter_evicted: 3 } },
  })
  expect(ledgers.ledger.replayed).toBe(3)
})

test('replayed to another group they are its own', () => {
  const ledgers = new Ledgers(undefined)
  ledgers.letterAdopted(LETTER)
  ledgers.revived(3, 'g:s', 'other:s')
  ledgers.settled({ kind: 'delivered' }, 3, 'other:s')
  expect(snapshot(ledgers)).toMatchObject({ 'g:s': { received: 0 }, 'other:s': { received: 3, delivered: 3 } })
})

test('records that are rescued are counted, and belong to where they went', () => {
  const ledgers = new Ledgers(undefined)
  admit(ledgers, 0, 0)
  ledgers.moved(1, 'g:s', 'late:s')
  expect(snapshot(ledgers)).toMatchObject({ 'g:s': { received: 1 }, 'late:s': { received: 1 } })
  ledgers.moved(1, 'g:s', 'g:s')
  expect(ledgers.rescued).toBe(2)
})
