// One daemon of several processes: `service.workers`.
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, expect, test, vi } from 'vitest'
import { type CloudWatchLocal, startCloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { logsRequest, recordsRequest } from '../../fakes/logs-request.ts'
import { temporaryFolder } from '../../fakes/temporary-folder.ts'
import { durableConfig } from '../durable/crash-rounds.ts'
import { cloudwatchConfig } from './daemon-config.ts'
import { grpcSender, httpSender, type Send } from './daemon-senders.ts'
import { configFile, type Daemon, freePort, runToEnd, startDaemon } from './daemon.ts'

const WITHIN = { timeout: 60_000, interval: 50 }
const TWO_WORKERS = { set: ['service.workers=2'] }

let local: CloudWatchLocal
beforeEach(async () => {
  local = await startCloudWatchLocal({ quotas: false })
  return () => local.close()
})

/** Until that number of workers have listened, including those that are gone. */
const haveListened = (daemon: Daemon, workers: number) =>
  daemon.says(
    (log) => log.filter(({ msg, component }) => msg === 'listening' && component === 'otlp').length >= workers,
  )

/** With connections of their own: the kernel deals them out to the workers. */
const senders = (daemon: Daemon, count: number): Send[] => [
  grpcSender(daemon),
  ...Array.from({ length: count - 1 }, () => httpSender(daemon)),
]

async function delivered(daemon: Daemon, records: number): Promise<void> {
  await vi.waitFor(async () => {
    const metrics = await daemon.metrics()
    expect(metrics.unaccounted).toBe(0)
    expect([metrics.received, metrics.records('delivered')]).toEqual([records, records])
  }, WITHIN)
}

const bodies = () => local.events().map(({ message }) => (JSON.parse(message) as { body: string }).body)

test('share ports, and are one daemon to scrapes, probes and the last line', { timeout: 120_000 }, async () => {
  const daemon = await startDaemon(cloudwatchConfig(local.url), TWO_WORKERS)
  const pids = await daemon.workers()
  expect(new Set([...pids, daemon.pid]).size).toBe(3)
  const names = Array.from({ length: 8 }, (_, at) => `by connection ${at}`)
  for (const [at, send] of senders(daemon, 8).entries()) {
    const scopes = [{ records: [{ body: names[at] ?? '' }] }]
    const request = logsRequest({ resource: { 'service.name': at < 3 ? 'few' : 'many' }, scopes })
    expect(await send(request)).toMatchObject({ kind: 'taken', rejected: 0 })
  }
  await delivered(daemon, 8)
  expect(bodies().sort()).toEqual(names)
  const all = (records: number) => ({ received: records, delivered: records, queued: 0, difference: 0 })
  const destinations = { '/test/few:s': all(3), '/test/many:s': all(5) }
  expect(await daemon.ledger()).toMatchObject({ exporters: { awscloudwatchlogs: { account: all(8), destinations } } })
  // Each worker has taken connections, or they would be no use.
  const connections = await daemon.metrics()
  expect(connections.value('otlp_cloudwatch_receiver_connections', {})).toBe(8)
  expect(connections.value('otlp_cloudwatch_buffer_bytes_limit', {})).toBe(256 * 1024 ** 2)
  expect((await fetch(daemon.healthUrl)).status).toBe(200)
  expect(await daemon.stop()).toBe(0)
  const last = daemon.log.at(-1)
  expect(last).toMatchObject({ msg: 'stopped', records: { awscloudwatchlogs: { received: 8, delivered: 8, lost: 0 } } })
})

test('that are busy for a while keep their counters', { timeout: 120_000 }, async () => {
  const daemon = await startDaemon(cloudwatchConfig(local.url), TWO_WORKERS)
  const pids = await daemon.workers()
  for (const send of senders(daemon, 8)) await send(recordsRequest({ body: 'x' }))
  await delivered(daemon, 8)
  for (const pid of pids) process.kill(pid, 'SIGSTOP')
  const metrics = await daemon.metrics()
  for (const pid of pids) process.kill(pid, 'SIGCONT')
  expect([metrics.received, metrics.records('delivered'), metrics.unaccounted]).toEqual([8, 8, 0])
  expect(await daemon.stop()).toBe(0)
})

test('create each new log group once', { timeout: 120_000 }, async () => {
  const daemon = await startDaemon(cloudwatchConfig(local.url), TWO_WORKERS)
  await daemon.workers()
  const groups = Array.from({ length: 4 }, (_, at) => `service-${at}`)
  const request = logsRequest(
    ...groups.map((name) => ({ resource: { 'service.name': name }, scopes: [{ records: [{ body: 'x' }] }] })),
  )
  await Promise.all(senders(daemon, 4).map((send) => send(request)))
  await delivered(daemon, 16)
  expect(local.calls.count('CreateLogGroup', 'ok')).toBe(4)
  expect(local.calls.count('CreateLogGroup')).toBe(4)
  expect(await daemon.stop()).toBe(0)
})

test('all wait when the account is throttled, whichever of them is throttled first', { timeout: 120_000 }, async () => {
  const daemon = await startDaemon(cloudwatchConfig(local.url), TWO_WORKERS)
  await daemon.workers()
  // Enough connections for both workers to have some.
  const [first, ...others] = senders(daemon, 30)
  for (const send of [first, ...others]) await send?.(recordsRequest({ body: 'x' }))
  await delivered(daemon, 30)
  const free = async () =>
    (await daemon.metrics()).value('otlp_cloudwatch_fault_scopes', { kind: 'account', state: 'closed' })
  expect(await free()).toBe(2)
  const throttle = local.faults.throttle()
  await first?.(recordsRequest({ body: 'x' }))
  await vi.waitFor(async () => expect(await free()).toBe(0), WITHIN)
  throttle.off()
  await delivered(daemon, 31)
  expect(await daemon.stop()).toBe(0)
})

test('know of a throttled account before they send to it', { timeout: 120_000 }, async () => {
  const daemon = await startDaemon(cloudwatchConfig(local.url), {
    set: [...TWO_WORKERS.set, 'service.shutdown_timeout=1s'],
  })
  const [victim = 0] = await daemon.workers()
  // A worker that retries gets no answer, so it has nothing to pass on.
  local.faults.throttle({ times: 1 })
  local.faults.slow(60_000)
  // For one of them. Nothing comes for the other, nor for the one that takes the place of the victim.
  await grpcSender(daemon)(recordsRequest({ body: 'x' }))
  const waiting = async () => {
    const metrics = await daemon.metrics()
    const of = (state: string) => metrics.value('otlp_cloudwatch_fault_scopes', { kind: 'account', state })
    return of('open') + of('half_open')
  }
  await vi.waitFor(async () => expect(await waiting()).toBe(2), WITHIN)
  process.kill(victim, 'SIGKILL')
  await haveListened(daemon, 3)
  await vi.waitFor(async () => expect(await waiting()).toBe(2), WITHIN)
  expect(await daemon.stop()).toBe(0)
})

test('that die are replaced; with a storage nothing that was acknowledged is lost', { timeout: 180_000 }, async () => {
  const root = await temporaryFolder()
  const daemon = await startDaemon(durableConfig(local.url, root), TWO_WORKERS)
  const [victim = 0] = await daemon.workers()
  const denied = local.faults.deny({ group: '/crash' })
  const acknowledged: string[] = []
  const send = async (name: string) => {
    // A connection to the worker that dies breaks; its sender sends again, on a new one.
    for (let tries = 0; ; tries++) {
      const body = `${name}-${tries}`
      try {
        const answer = await httpSender(daemon)(recordsRequest({ body }))
        if (answer.kind === 'taken') return void acknowledged.push(body)
        expect(tries).toBeLessThan(100)
      } catch (error) {
        if (tries > 100) throw error
      }
    }
  }
  for (let at = 0; at < 20; at++) await send(`before-${at}`)
  process.kill(victim, 'SIGKILL')
  for (let at = 0; at < 20; at++) await send(`after-${at}`)
  await daemon.says((log) => log.some(({ msg }) => msg.startsWith('a worker exited and is replaced')))
  await haveListened(daemon, 3)
  for (let at = 0; at < 20; at++) await send(`later-${at}`)
  denied.off()
  await vi.waitFor(() => expect(new Set(bodies())).toEqual(new Set(acknowledged)), WITHIN)
  await delivered(daemon, acknowledged.length)
  expect((await readdir(join(root, 'awscloudwatchlogs'))).sort()).toEqual(['0000', '0001'])
  expect(await daemon.stop()).toBe(0)
})

test('that cannot start end the daemon, which logs why', { timeout: 120_000 }, async () => {
  const port = await freePort()
  const first = await startDaemon(cloudwatchConfig(local.url), {
    set: [`receivers.otlp.protocols.http.endpoint=127.0.0.1:${port}`],
  })
  const { code, stderr } = await runToEnd([
    `--config=yaml:${JSON.stringify(cloudwatchConfig(local.url))}`,
    `--set=receivers.otlp.protocols.http.endpoint=127.0.0.1:${port}`,
    '--set=service.workers=2',
    '--set=service.telemetry.metrics.level=none',
  ])
  expect([code, stderr]).toEqual([1, expect.stringContaining(`127.0.0.1:${port} is in use`)])
  expect(await first.stop()).toBe(0)
})

test('drain, too, when a terminal sends its signal to all of them at once', { timeout: 120_000 }, async () => {
  const daemon = await startDaemon(cloudwatchConfig(local.url), TWO_WORKERS)
  const pids = await daemon.workers()
  local.faults.slow(200)
  for (const send of senders(daemon, 4))
    expect(await send(recordsRequest({ body: 'x' }))).toMatchObject({ kind: 'taken' })
  for (const pid of pids) process.kill(pid, 'SIGINT')
  expect(await daemon.stop()).toBe(0)
  expect(daemon.log.at(-1)).toMatchObject({
    msg: 'stopped',
    records: { awscloudwatchlogs: { received: 4, delivered: 4 } },
  })
})

test('create a group once that two exporters write to', { timeout: 120_000 }, async () => {
  const { exporters, service, ...config } = cloudwatchConfig(local.url) as Record<string, Record<string, unknown>>
  const exporter = exporters?.['awscloudwatchlogs'] as object
  const daemon = await startDaemon(
    {
      ...config,
      exporters: {
        'awscloudwatchlogs/a': { ...exporter, log_group_name: 'both', log_stream_name: 'a' },
        'awscloudwatchlogs/b': { ...exporter, log_group_name: 'both', log_stream_name: 'b' },
      },
      service: {
        ...service,
        pipelines: { logs: { receivers: ['otlp'], exporters: ['awscloudwatchlogs/a', 'awscloudwatchlogs/b'] } },
      },
    },
    TWO_WORKERS,
  )
  await daemon.workers()
  local.faults.slow(100)
  await Promise.all(senders(daemon, 8).map((send) => send(recordsRequest({ body: 'x' }))))
  await vi.waitFor(() => expect(bodies()).toHaveLength(16), WITHIN)
  expect(await daemon.stop()).toBe(0)
})

test('that end while others start are replaced', { timeout: 120_000 }, async () => {
  const daemon = await startDaemon(cloudwatchConfig(local.url), { set: ['service.workers=3'] })
  // The others are made when the first one says that it has started.
  const first = await vi.waitFor(async () => {
    const children = await readFile(`/proc/${daemon.pid}/task/${daemon.pid}/children`, 'utf8')
    expect(children.trim().split(' ')).toHaveLength(3)
    return Number(children.split(' ')[0])
  }, WITHIN)
  process.kill(first, 'SIGKILL')
  await haveListened(daemon, 4)
  expect(await daemon.stop()).toBe(0)
})

test('that are replaced have the config of the others, not later edits of its file', async () => {
  const file = await configFile(cloudwatchConfig(local.url))
  const daemon = await startDaemon(file, TWO_WORKERS)
  const [victim = 0] = await daemon.workers()
  await writeFile(file, 'receivers: 1')
  process.kill(victim, 'SIGKILL')
  await haveListened(daemon, 3)
  expect(await daemon.stop()).toBe(0)
})

test('have the whole shutdown_timeout to drain', async () => {
  const daemon = await startDaemon(cloudwatchConfig(local.url, { service: { shutdown_timeout: '14s' } }), TWO_WORKERS)
  await daemon.workers()
  // Longer than receivers have to finish their requests.
  local.faults.slow(3_500, { operation: 'PutLogEvents' })
  for (const send of senders(daemon, 4)) await send(recordsRequest({ body: 'x' }))
  expect(await daemon.stop()).toBe(0)
  expect(daemon.log.at(-1)).toMatchObject({
    msg: 'stopped',
    records: { awscloudwatchlogs: { received: 4, delivered: 4, lost: 0 } },
  })
})

test('log before their timeout what they could not send', async () => {
  local.faults.cut('before')
  const daemon = await startDaemon(cloudwatchConfig(local.url, { service: { shutdown_timeout: '2s' } }), TWO_WORKERS)
  await daemon.workers()
  for (const send of senders(daemon, 4)) await send(recordsRequest({ body: 'x' }))
  expect(await daemon.stop()).toBe(0)
  expect(daemon.log.at(-1)).toMatchObject({
    msg: 'stopped with lost records',
    records: { awscloudwatchlogs: { received: 4, delivered: 0, lost: 4 } },
  })
})

test('whose counters another worker continues are counted once', async () => {
  const daemon = await startDaemon(durableConfig(local.url, await temporaryFolder()), TWO_WORKERS)
  const [one = 0] = await daemon.workers()
  for (const send of senders(daemon, 8)) await send(recordsRequest({ body: 'x' }))
  await delivered(daemon, 8)
  process.kill(one, 'SIGTERM')
  await haveListened(daemon, 3)
  await delivered(daemon, 8)
  expect(await daemon.stop()).toBe(0)
  expect(daemon.log.at(-1)).toMatchObject({ records: { awscloudwatchlogs: { received: 8, delivered: 8 } } })
})

test('do not share the port of another daemon that has workers', async () => {
  const set = ['service.workers=2', `receivers.otlp.protocols.http.endpoint=127.0.0.1:${await freePort()}`]
  const first = await startDaemon(cloudwatchConfig(local.url), { set })
  const { code, stderr } = await runToEnd([
    `--config=${await configFile(cloudwatchConfig(local.url))}`,
    ...set.map((option) => `--set=${option}`),
  ])
  expect([code, stderr]).toEqual([1, expect.stringContaining('is in use')])
  expect(await first.stop()).toBe(0)
})
