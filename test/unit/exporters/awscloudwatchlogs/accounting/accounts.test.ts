import { expect, test } from 'vitest'
import type { DeadLetter } from '../../../../../src/delivery/dead-letters/dead-letters.ts'
import { Accounts, type WriteGapMarker } from '../../../../../src/exporters/awscloudwatchlogs/accounting/accounts.ts'
import { accountOf } from '../../../../../src/accounting/ledger.ts'
import { recordsRequest } from '../../../../fakes/logs-request.ts'
import { NOW_MS, transcoder } from '../event/transcode-request.ts'

const LETTER: DeadLetter = { id: 'a', lane: 'g:s', reason: 'poison', error: '', diedAtMs: 0, items: 3 }
const DAY_MS = 86_400_000

/** The account of the exporter and those of its destinations, each of which balances. */
function told(accounts: Accounts) {
  const all = Object.fromEntries([...accounts.destinations.all].map(([key, ledger]) => [key, accountOf(ledger)]))
  for (const account of [accountOf(accounts.ledger), ...Object.values(all)])
    expect(account).toMatchObject({ difference: 0 })
  return all
}

/** Requests are in the queue at once. */
function admit(accounts: Accounts, ...ages: number[]) {
  const records = ages.map((age) => ({ body: 'x', time: BigInt(NOW_MS - age) * 1_000_000n }))
  const request = transcoder({ lateEvents: 'reject' }).transcode(recordsRequest(...records), NOW_MS)
  accounts.admission(request, [], { queued() {}, settled() {} }).queued(undefined)
}

test('what is turned away at the door is in the account of where it was to go, and the stream is told', () => {
  const gaps: number[] = []
  const tell: WriteGapMarker = async (_, { records }) => gaps.push(records) > 0
  const accounts = new Accounts(tell)
  admit(accounts, 0, 15 * DAY_MS)
  expect(told(accounts)).toMatchObject({ 'g:s': { received: 2, queued: 1, rejected: { too_old: 1 } } })
  accounts.settled({ kind: 'delivered' }, 1, 'g:s')
  expect(gaps).toEqual([1])
})

test('a stream is told of its dead letters that are evicted', () => {
  const gaps: [number, string[]][] = []
  const accounts = new Accounts(async (_, { records, reasons }) => gaps.push([records, [...reasons.keys()]]) > 0)
  accounts.letterAdopted(LETTER)
  accounts.letterEvicted(LETTER)
  admit(accounts, 0)
  accounts.settled({ kind: 'delivered' }, 1, 'g:s')
  expect(gaps).toEqual([[3, ['dead_letter_evicted']]])
})

test('dead letters stay in the account of their destination until they are replayed or evicted', () => {
  const accounts = new Accounts(undefined)
  accounts.letterAdopted(LETTER)
  accounts.letterAdopted(LETTER)
  accounts.letterEvicted(LETTER)
  accounts.revived(3, 'g:s', 'g:s')
  expect(told(accounts)).toMatchObject({
    'g:s': { received: 6, dead_lettered: 0, queued: 3, lost: { dead_letter_evicted: 3 } },
  })
  expect(accounts.ledger.replayed).toBe(3)
})

test('replayed to another group they are its own', () => {
  const accounts = new Accounts(undefined)
  accounts.letterAdopted(LETTER)
  accounts.revived(3, 'g:s', 'other:s')
  accounts.settled({ kind: 'delivered' }, 3, 'other:s')
  expect(told(accounts)).toMatchObject({ 'g:s': { received: 0 }, 'other:s': { received: 3, delivered: 3 } })
})

test('records that are rescued are counted, and belong to where they went', () => {
  const accounts = new Accounts(undefined)
  admit(accounts, 0, 0)
  accounts.moved(1, 'g:s', 'late:s')
  expect(told(accounts)).toMatchObject({ 'g:s': { received: 1 }, 'late:s': { received: 1 } })
  accounts.moved(1, 'g:s', 'g:s')
  expect(accounts.rescued).toBe(2)
})
