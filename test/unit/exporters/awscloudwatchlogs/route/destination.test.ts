import { expect, test } from 'vitest'
import { destination, DestinationGate } from '../../../../../src/exporters/awscloudwatchlogs/route/destination.ts'

function gate(): DestinationGate {
  const [overflow, late] = [destination('overflow', 's'), destination('late', 's')]
  return new DestinationGate({ allowedGroups: [], maxNewAnHour: 100_000, overflow, late })
}

test('short names are remembered by the ten thousand', () => {
  const under = gate()
  const first = under.admit('/app/0', 's', 0)
  for (let i = 1; i < 60_000; i++) under.admit(`/app/${i}`, 's', 0)
  expect(under.admit('/app/0', 's', 0)).toBe(first)
})

test('names of the longest kind are forgotten by their length, the oldest first', () => {
  const under = gate()
  const stream = 's'.repeat(512)
  const name = (i: number) => `${i}-`.padEnd(512, 'g')
  const first = under.admit(name(0), stream, 0)
  for (let i = 1; i < 6_000; i++) under.admit(name(i), stream, 0)
  const last = under.admit(name(6_000), stream, 0)
  expect(under.admit(name(0), stream, 0)).not.toBe(first)
  expect(under.admit(name(6_000), stream, 0)).toBe(last)
})
