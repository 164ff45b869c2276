// What a running daemon tells of its records: `/metrics`, `/ledger`, gap markers.
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { networkInterfaces } from 'node:os'
import { beforeEach, expect, test, vi } from 'vitest'
import { type CloudWatchLocal, startCloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { recordsRequest } from '../../fakes/logs-request.ts'
import { temporaryFolder } from '../../fakes/temporary-folder.ts'
import { durableConfig } from '../durable/crash-rounds.ts'
import { cloudwatchConfig } from './daemon-config.ts'
import { httpSender } from './daemon-senders.ts'
import { configFile, type Daemon, freePort, runToEnd, startDaemon } from './daemon.ts'

const WITHIN = { timeout: 60_000, interval: 50 }
const DAY_NS = 86_400_000_000_000n
const now = () => BigInt(Date.now()) * 1_000_000n

let local: CloudWatchLocal
beforeEach(async () => {
  local = await startCloudWatchLocal({ quotas: false })
  return () => local.close()
})

interface Report {
  readonly exporters: Readonly<
    Record<string, { readonly account: object; readonly destinations: Readonly<Record<string, object>> }>
  >
}

async function ledger(daemon: Daemon) {
  const report = (await daemon.ledger()) as Report
  return report.exporters['awscloudwatchlogs']
}

const stored = () => local.events().map(({ message }) => (JSON.parse(message) as { body: string }).body)

test(
  'the ledger counts each record by destination and outcome, before and after a replay',
  { timeout: 120_000 },
  async () => {
    const directory = await temporaryFolder()
    const config = durableConfig(local.url, directory, { log_stream_name: 's' })
    const poison = local.faults.poison('poisoned')
    const daemon = await startDaemon(config)
    const send = httpSender(daemon)
    await send(recordsRequest({ body: 'first' }))
    await vi.waitFor(() => expect(stored()).toEqual(['first']), WITHIN)
    await send(recordsRequest({ body: 'second' }, { body: 'poisoned' }, { body: 'old', time: now() - 20n * DAY_NS }))
    const before = { received: 4, delivered: 2, dead_lettered: 2, queued: 0, difference: 0 }
    await vi.waitFor(
      async () => expect(await ledger(daemon)).toMatchObject({ account: before, destinations: { '/crash:s': before } }),
      WITHIN,
    )
    poison.off()
    // The newest letter of the store is the one that its queue still has in memory.
    const replay = ['dead-letters', 'replay', '--directory', directory, '--reason', 'poison', '--to', '/elsewhere']
    expect(await runToEnd(replay)).toMatchObject({ code: 0 })
    await vi.waitFor(
      async () =>
        expect(await ledger(daemon)).toMatchObject({
          account: { received: 4, delivered: 3, dead_lettered: 1, difference: 0 },
          destinations: {
            '/crash:s': { received: 3, delivered: 2, dead_lettered: 1, difference: 0 },
            '/elsewhere:s': { received: 1, delivered: 1, difference: 0 },
          },
        }),
      WITHIN,
    )
    const metrics = await daemon.metrics()
    expect(metrics.value('otlp_cloudwatch_replayed_records')).toBe(1)
    expect(metrics.value('otlp_cloudwatch_group_records', { group: '/crash', state: 'dead_lettered' })).toBe(1)
    expect(await daemon.stop()).toBe(0)
    const again = await startDaemon(config)
    expect(await ledger(again)).toMatchObject({
      account: { received: 4, delivered: 3, dead_lettered: 1, difference: 0 },
      destinations: { '/crash:s': { received: 1, dead_lettered: 1, difference: 0 } },
    })
    expect(await again.stop()).toBe(0)
  },
)

test('every metric is there and has the right value', { timeout: 120_000 }, async () => {
  const config = durableConfig(local.url, await temporaryFolder(), {
    log_stream_name: 's',
    max_event_bytes: 2_000,
    late_events: { policy: 'clamp' },
    price_per_gb: 1_024 ** 3,
  })
  const daemon = await startDaemon(config)
  const send = httpSender(daemon)
  await send(recordsRequest({ body: 'x'.repeat(3_000) }, { body: 'old', time: now() - 20n * DAY_NS }))
  await vi.waitFor(() => expect(local.events()).toHaveLength(2), WITHIN)
  const denied = local.faults.deny({ group: '/crash' })
  await send(recordsRequest({ body: 'waits' }))
  await daemon.says((log) => log.some(({ msg }) => msg.startsWith('delivery failed')))
  const metrics = await daemon.metrics()
  const value = (name: string, labels = {}) => metrics.value(`otlp_cloudwatch_${name}`, labels)
  expect(value('changed_events', { change: 'cut' })).toBe(1)
  expect(value('changed_events', { change: 'late' })).toBe(1)
  expect(value('created')).toBe(2)
  expect(value('lanes')).toBe(1)
  expect(value('fault_scopes', { kind: 'group' })).toBe(1)
  expect(value('oldest_event_seconds')).toBeGreaterThan(0)
  // At a dollar a byte.
  expect(value('estimated_cost_usd')).toBe(value('ingested_bytes'))
  expect(value('ingested_bytes')).toBe(
    local.events().reduce((sum, { message }) => sum + Buffer.byteLength(message) + 26, 0),
  )
  expect(value('queue_disk_bytes', { what: 'used' })).toBeGreaterThan(0)
  expect(value('queue_disk_free_bytes')).toBeGreaterThan(0)
  for (const name of [
    'dead_letters',
    'parked',
    'diverted_records',
    'gap_markers',
    'rejected_entities',
    'possible_duplicates',
  ])
    expect([name, value(name)]).toEqual([name, 0])
  expect(value('puts')).toBeGreaterThanOrEqual(2)
  expect(value('put_bytes')).toBeGreaterThan(0)
  expect(value('put_retries')).toBeGreaterThan(0)
  for (const name of ['queue_size', 'queue_capacity', 'in_flight_requests'])
    expect(metrics.value(`otelcol_exporter_${name}`)).toBeGreaterThanOrEqual(0)
  expect(metrics.value('otelcol_exporter_sent_log_records')).toBe(2)
  denied.off()
  expect(await daemon.stop()).toBe(0)
})

test('a stream that misses records gets a gap marker when it is written again', { timeout: 120_000 }, async () => {
  const daemon = await startDaemon(cloudwatchConfig(local.url, { exporter: { gap_markers: true } }))
  const send = httpSender(daemon)
  await send(recordsRequest({ body: 'one' }, { body: 'old', time: now() - 20n * DAY_NS }))
  await vi.waitFor(
    () => expect(stored()).toEqual(['one', expect.stringMatching(/^1 records are missing here: .* \(1 too_old\)$/)]),
    WITHIN,
  )
  const metrics = await daemon.metrics()
  expect(metrics.value('otlp_cloudwatch_gap_markers')).toBe(1)
  // It is not a sender's record.
  expect([metrics.received, metrics.records('delivered'), metrics.unaccounted]).toEqual([2, 1, 0])
  expect(await daemon.stop()).toBe(0)
})

test('a gap marker that waits across a restart is not counted as a record', { timeout: 120_000 }, async () => {
  const config = durableConfig(local.url, await temporaryFolder(), {
    log_stream_name: 's',
    gap_markers: true,
    late_events: { policy: 'reject' },
    flush_interval: '2s',
  })
  const daemon = await startDaemon(config)
  await httpSender(daemon)(recordsRequest({ body: 'one' }, { body: 'old', time: now() - 20n * DAY_NS }))
  await vi.waitFor(() => expect(stored()).toEqual(['one']), WITHIN)
  // The marker is put two seconds after that.
  local.faults.fail(503, { operation: 'PutLogEvents' })
  await daemon.says((log) => log.some(({ msg }) => msg.startsWith('delivery failed')))
  await daemon.kill()
  local.faults.clear()
  const again = await startDaemon(config)
  await vi.waitFor(() => expect(stored()).toHaveLength(2), WITHIN)
  const metrics = await again.metrics()
  expect([metrics.received, metrics.records('delivered'), metrics.records('queued'), metrics.unaccounted]).toEqual([
    2, 1, 0, 0,
  ])
  expect(await again.stop()).toBe(0)
})

test('requests that were rejected whole are in the ledger after a restart too', { timeout: 120_000 }, async () => {
  const config = durableConfig(local.url, await temporaryFolder(), { late_events: { policy: 'reject' } })
  const daemon = await startDaemon(config)
  const answer = await httpSender(daemon)(recordsRequest({ body: 'old', time: now() - 20n * DAY_NS }))
  expect(answer).toMatchObject({ kind: 'taken', rejected: 1 })
  expect(await daemon.stop()).toBe(0)
  const again = await startDaemon(config)
  const metrics = await again.metrics()
  expect([metrics.received, metrics.records('rejected', 'too_old'), metrics.unaccounted]).toEqual([1, 1, 0])
  expect(await again.stop()).toBe(0)
})

const address = Object.values(networkInterfaces())
  .flat()
  .find((one) => one?.family === 'IPv4' && !one.internal)?.address

test.skipIf(address === undefined)('/ledger answers on this machine only, /metrics answers any client', async () => {
  const port = await freePort()
  const file = await configFile(cloudwatchConfig(local.url))
  const daemon = await startDaemon(file, {
    set: [`service.telemetry.metrics.readers=[{pull: {exporter: {prometheus: {host: 0.0.0.0, port: ${port}}}}}]`],
  })
  const statusOf = async (host: string, path: string) => {
    const [response] = (await once(get({ host, port, path }), 'response')) as [IncomingMessage]
    response.resume()
    return response.statusCode
  }
  expect(await statusOf('127.0.0.1', '/ledger')).toBe(200)
  expect(await statusOf(address ?? '', '/ledger')).toBe(403)
  expect(await statusOf(address ?? '', '/metrics')).toBe(200)
  expect(await daemon.stop()).toBe(0)
})
