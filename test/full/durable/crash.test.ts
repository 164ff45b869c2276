import { expect, onTestFinished, test, vi } from 'vitest'
import { startCloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { logsRequest } from '../../fakes/logs-request.ts'
import { temporaryFolder } from '../../fakes/temporary-folder.ts'
import {
  crashRounds,
  describeReport,
  durableConfig,
  expectNothingLost,
  REPEATED_MS,
} from '../../integration/durable/crash-rounds.ts'
import { httpSender, sendUntilTaken } from '../../integration/daemon/daemon-senders.ts'
import { startDaemon } from '../../integration/daemon/daemon.ts'

test('a daemon that is killed sixty times under load loses nothing it had acknowledged', async () => {
  const report = await crashRounds(60)
  process.stdout.write(`${describeReport(report)}\n`)
  expectNothingLost(report)
  expect(report.acknowledged).toBeGreaterThan(10_000)
}, 600_000)

const SEGMENT_BYTES = 16 * 1_048_576
const TEXT_BYTES = 60_000
const TEXTS_A_REQUEST = 10

test('a lane that delivered ten segments beside a stuck one repeats only its last second after a kill, and the other nothing', async () => {
  const seen = new Map<string, number[]>()
  const local = await startCloudWatchLocal({
    maxBytes: 2 * 1_048_576,
    keepCalls: 0,
    quotas: false,
    onStored: ({ events }) => {
      for (const { message } of events) {
        const id = message.slice('{"body":"'.length, message.indexOf(' '))
        seen.set(id, [...(seen.get(id) ?? []), performance.now()])
      }
    },
  })
  onTestFinished(() => local.close())
  const directory = await temporaryFolder()
  const config = durableConfig(local.url, directory, { log_group_name: '/{service.name}', log_stream_name: 's' })
  const daemon = await startDaemon(config)
  local.faults.deny({ group: '/stuck' })

  const send = httpSender(daemon)
  const requests = Math.ceil((10 * SEGMENT_BYTES) / (TEXTS_A_REQUEST * TEXT_BYTES))
  const scope = (...ids: string[]) => ({
    scopes: [{ records: ids.map((id) => ({ body: `${id} `.padEnd(TEXT_BYTES, 'x'), time: now() })) }],
  })
  const of = (lane: string, request: number, texts: number) =>
    Array.from({ length: texts }, (_, text) => `${lane}.${request}.${text}`)
  for (let request = 0; request < requests; request++) {
    const busy = { resource: { 'service.name': 'busy' }, ...scope(...of('busy', request, TEXTS_A_REQUEST)) }
    const stuck = { resource: { 'service.name': 'stuck' }, ...scope(...of('stuck', request, 1)) }
    expect(await sendUntilTaken(send, logsRequest(busy, stuck), () => {})).toMatchObject({ rejected: 0 })
  }
  await vi.waitUntil(() => seen.size === requests * TEXTS_A_REQUEST, { timeout: 60_000, interval: 10 })
  const killedAt = performance.now()
  await daemon.kill()

  local.faults.clear()
  const next = await startDaemon(config)
  await vi.waitUntil(async () => (await next.metrics()).records('queued') === 0, { timeout: 60_000, interval: 100 })
  expect((await next.metrics()).unaccounted).toBe(0)
  expect(await next.stop()).toBe(0)
  expect([...seen.keys()].filter((id) => id.startsWith('stuck'))).toHaveLength(requests)
  const doubled = [...seen].filter(([, times]) => times.length > 1)
  expect(doubled.filter(([id]) => id.startsWith('stuck'))).toEqual([])
  expect(doubled.filter(([, [first = 0]]) => first < killedAt - REPEATED_MS)).toEqual([])
}, 180_000)

function now(): bigint {
  return BigInt(Date.now()) * 1_000_000n
}
