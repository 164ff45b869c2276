import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { type CloudWatchLocal, startCloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { recordsRequest } from '../../fakes/logs-request.ts'
import { configFile, type Daemon, runToEnd, startDaemon } from '../daemon/daemon.ts'
import { cloudwatchConfig, type ExporterOptions } from '../daemon/daemon-config.ts'
import { httpSender } from '../daemon/daemon-senders.ts'
import { library } from '../library/library.ts'

const WITHIN = { timeout: 30_000, interval: 50 }

async function localCloudWatch(): Promise<CloudWatchLocal> {
  const local = await startCloudWatchLocal({ quotas: false })
  onTestFinished(() => local.close())
  return local
}

interface Part {
  readonly 'event.split': {
    readonly id: string
    readonly part: number
    readonly parts: number
    readonly member?: string
  }
  readonly text?: string
  readonly body?: string
}

async function started(local: CloudWatchLocal, exporter: ExporterOptions): Promise<Daemon> {
  return startDaemon(cloudwatchConfig(local.url, { exporter }))
}

const records = async (daemon: Daemon, labels: Record<string, string>) =>
  (await daemon.metrics()).value('otlp_cloudwatch_records', labels)

test.each([false, true])('oversize: split stores every byte in parts that join (raw_log: %s)', async (rawLog) => {
  const local = await localCloudWatch()
  const daemon = await started(local, {
    on_oversize: 'split',
    raw_log: rawLog,
    sending_queue: { wait_for_result: true },
  })
  const long = 'grüße "😀"\n'.repeat(200_000)
  const answer = await httpSender(daemon)(recordsRequest({ body: 'before' }, { body: long }, { body: 'after' }))
  expect(answer).toEqual({
    kind: 'taken',
    rejected: 0,
    message: expect.stringContaining('1 events were longer than max_event_bytes and split into parts') as string,
  })
  const parts = local
    .events()
    .filter(({ message }) => message.includes('event.split'))
    .map(({ message }) => JSON.parse(message) as Part)
    // Puts of one stream run at the same time, and parts have one time: the number gives the order.
    .toSorted((one, other) => one['event.split'].part - other['event.split'].part)
  expect(parts.length).toBeGreaterThan(2)
  expect(parts.map((part) => part['event.split'])).toEqual(
    parts.map((_, at) => ({
      id: parts[0]?.['event.split'].id,
      part: at + 1,
      parts: parts.length,
      ...(!rawLog && { member: 'body' }),
    })),
  )
  expect(parts.map((part) => (rawLog ? part.text : part.body)).join('')).toBe(long)
  expect(local.events()).toHaveLength(parts.length + 2)
  expect(await records(daemon, { state: 'delivered' })).toBe(parts.length + 2)
  expect(await records(daemon, { state: 'queued' })).toBe(0)
  expect(await daemon.stop()).toBe(0)
})

test('oversize: drop leaves the event out, counts it, and logs it folded', async () => {
  const local = await localCloudWatch()
  const daemon = await started(local, {
    on_oversize: 'drop',
    max_event_bytes: 1_000,
    sending_queue: { wait_for_result: true },
  })
  const send = httpSender(daemon)
  const request = recordsRequest({ body: 'kept' }, { body: 'x'.repeat(2_000) }, { body: 'y'.repeat(2_000) })
  for (let i = 0; i < 20; i++)
    expect(await send(request)).toMatchObject({
      kind: 'taken',
      rejected: 0,
      message: '2 events were longer than max_event_bytes and dropped',
    })
  expect(await records(daemon, { state: 'delivered' })).toBe(20)
  expect(await records(daemon, { state: 'filtered', reason: 'oversize' })).toBe(40)
  expect(await records(daemon, { state: 'queued' })).toBe(0)
  expect(await daemon.stop()).toBe(0)
  const lines = daemon.log.filter(({ msg }) => msg === 'events over max_event_bytes were dropped')
  expect(lines.length).toBeLessThan(5)
  expect(lines[0]).toMatchObject({ level: 'warn', events: 2, maxEventBytes: 1_000 })
})

test('oversize: a request that only has dropped events is answered with wait_for_result', async () => {
  const local = await localCloudWatch()
  const daemon = await started(local, {
    on_oversize: 'drop',
    max_event_bytes: 1_000,
    sending_queue: { wait_for_result: true },
  })
  const answer = await httpSender(daemon)(recordsRequest({ body: 'x'.repeat(2_000) }))
  expect(answer).toMatchObject({ kind: 'taken', rejected: 0 })
  expect(await daemon.stop()).toBe(0)
  expect(local.events()).toEqual([])
})

test('oversize: dead_letter keeps the whole event on disk', async () => {
  const local = await localCloudWatch()
  const directory = await mkdtemp(join(tmpdir(), 'otlp-cloudwatch-storage-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const exporter = { on_oversize: 'dead_letter', sending_queue: { storage: 'file_storage' } }
  const config = cloudwatchConfig(local.url, { exporter }) as { extensions: object; service: object }
  const daemon = await startDaemon({
    ...config,
    extensions: { ...config.extensions, file_storage: { directory } },
    service: { ...config.service, extensions: ['health_check', 'file_storage'] },
  })
  const long = 'x'.repeat(2_000_000)
  const answer = await httpSender(daemon)(recordsRequest({ body: 'before' }, { body: long }))
  expect(answer).toMatchObject({ kind: 'taken', rejected: 0 })
  await vi.waitFor(async () => expect(await records(daemon, { state: 'dead_lettered' })).toBe(1), WITHIN)
  await vi.waitFor(() => expect(local.events()).toHaveLength(1), WITHIN)
  expect(await daemon.stop()).toBe(0)
  const { stdout } = await runToEnd(['dead-letters', 'show', '--directory', directory, '--reason', 'too_large'])
  expect(stdout).toContain(long)
  expect(stdout).toContain('its event is over max_event_bytes')
})

test('oversize: dead_letter without storage is a config error', async () => {
  const file = await configFile(cloudwatchConfig('http://[::1]:1', { exporter: { on_oversize: 'dead_letter' } }))
  const { code, stderr } = await runToEnd(['validate', '--config', file])
  expect(stderr).toContain(
    'on_oversize: dead_letter keeps records on disk: write sending_queue.storage, or truncate, split, drop or reject',
  )
  expect(code).toBe(2)
})

test('oversize: the library splits, and its export ends when all parts are stored', async () => {
  const { local, send, exporter } = await library({ onOversize: 'split', maxEventBytes: 500 })
  expect(await send({ body: 'x'.repeat(3_000) }, { body: 'short' })).toEqual({ code: 0 })
  const bodies = local.events().map(({ message }) => (JSON.parse(message) as Part).body)
  expect(bodies.join('')).toBe(`${'x'.repeat(3_000)}short`)
  expect(exporter.ledger.delivered).toBe(bodies.length)
  await exporter.shutdown()
})
