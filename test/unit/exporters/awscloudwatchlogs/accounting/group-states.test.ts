import { expect, test } from 'vitest'
import { groupStates } from '../../../../../src/exporters/awscloudwatchlogs/accounting/group-states.ts'
import { DestinationLedgers } from '../../../../../src/accounting/destination-ledgers.ts'

test('sums the streams of a group, by state and reason', () => {
  const destinations = new DestinationLedgers((key) => key.split(':', 1)[0] ?? '')
  for (const stream of ['a', 'b']) {
    const ledger = destinations.of(`g:${stream}`)
    ledger.receive(10)
    ledger.settle({ kind: 'delivered' }, 6)
    ledger.settle({ kind: 'rejected', reason: 'too_old' }, 1)
  }
  expect(groupStates(destinations)).toEqual([
    { group: 'g', state: 'queued', reason: '', records: 6 },
    { group: 'g', state: 'delivered', reason: '', records: 12 },
    { group: 'g', state: 'rejected', reason: 'too_old', records: 2 },
  ])
})

test('names the 200 busiest groups and calls the rest other', () => {
  const destinations = new DestinationLedgers((key) => key.split(':', 1)[0] ?? '')
  for (let i = 0; i < 300; i++) destinations.of(`g${i}:s`).receive(i + 1)
  const states = groupStates(destinations)
  expect(new Set(states.map(({ group }) => group)).size).toBe(201)
  expect(states.find(({ group }) => group === 'g299')?.records).toBe(300)
  expect(states.find(({ group }) => group === 'g0')).toBeUndefined()
  // 1 + 2 + … + 100
  expect(states.find(({ group }) => group === 'other')?.records).toBe(5_050)
})
