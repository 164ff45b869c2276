import { expect, test } from 'vitest'
import { mergeReports } from '../../../src/accounting/merge-reports.ts'

test('reports of several processes merge: numbers are added, lists joined, single values kept', () => {
  const one = { account: { received: 3, lost: { shutdown: 1 } }, lanes: [{ destination: 'a' }], name: 'x' }
  const other = { account: { received: 4, lost: { expired: 2 } }, lanes: [{ destination: 'b' }], name: 'x' }
  expect(mergeReports([one, other, {}])).toEqual({
    account: { received: 7, lost: { shutdown: 1, expired: 2 } },
    lanes: [{ destination: 'a' }, { destination: 'b' }],
    name: 'x',
  })
})
