import { afterEach, expect, test, vi } from 'vitest'
import { logsRequest } from '../../../../fakes/logs-request.ts'
import { transcoder } from '../event/transcode-request.ts'
import { destination, DestinationGate } from '../../../../../src/exporters/awscloudwatchlogs/route/destination.ts'

function gate(): DestinationGate {
  const [overflow, late] = [destination('overflow', 's'), destination('late', 's')]
  return new DestinationGate({ allowedGroups: [], maxNewAnHour: 100_000, overflow, late })
}

test('ten thousand short names are remembered', () => {
  const harness = gate()
  const first = harness.admit('/app/0', 's', 0)
  for (let i = 1; i < 60_000; i++) harness.admit(`/app/${i}`, 's', 0)
  expect(harness.admit('/app/0', 's', 0)).toBe(first)
})

test('long names are forgotten by total length, oldest first', () => {
  const harness = gate()
  const stream = 's'.repeat(512)
  const name = (i: number) => `${i}-`.padEnd(512, 'g')
  const first = harness.admit(name(0), stream, 0)
  for (let i = 1; i < 6_000; i++) harness.admit(name(i), stream, 0)
  const last = harness.admit(name(6_000), stream, 0)
  expect(harness.admit(name(0), stream, 0)).not.toBe(first)
  expect(harness.admit(name(6_000), stream, 0)).toBe(last)
})

test('the hour of new destinations is monotonic: a clock that is set back does not lengthen it', () => {
  vi.useFakeTimers()
  const harness = transcoder({ group: '/app/{name}', maxNewAnHour: 1 })
  const send = (name: string) =>
    harness.transcode(logsRequest({ resource: { name }, scopes: [{ records: [{ body: 'x' }] }] }), Date.now())
  send('a')
  send('b')
  expect(harness.diverted.destination_cap).toBe(1)
  vi.setSystemTime(Date.now() - 24 * 3_600_000)
  vi.advanceTimersByTime(3_600_000)
  send('c')
  expect(harness.diverted.destination_cap).toBe(1)
})
afterEach(() => void vi.useRealTimers())
