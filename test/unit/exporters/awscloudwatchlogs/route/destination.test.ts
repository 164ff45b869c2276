import { afterEach, expect, test, vi } from 'vitest'
import { logsRequest } from '../../../../fakes/logs-request.ts'
import { transcoder } from '../event/transcode-request.ts'
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

test('the hour of new destinations goes by no wall clock: one that is set back does not lengthen it', () => {
  vi.useFakeTimers()
  const under = transcoder({ group: '/app/{name}', maxNewAnHour: 1 })
  const send = (name: string) =>
    under.transcode(logsRequest({ resource: { name }, scopes: [{ records: [{ body: 'x' }] }] }), Date.now())
  send('a')
  send('b')
  expect(under.diverted.destination_cap).toBe(1)
  vi.setSystemTime(Date.now() - 24 * 3_600_000)
  vi.advanceTimersByTime(3_600_000)
  send('c')
  expect(under.diverted.destination_cap).toBe(1)
})
afterEach(() => void vi.useRealTimers())
