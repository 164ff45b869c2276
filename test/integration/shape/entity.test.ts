import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { type CloudWatchLocal, startCloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { type Attributes, logsRequest } from '../../fakes/logs-request.ts'
import { startDaemon } from '../daemon/daemon.ts'
import { cloudwatchConfig, type ExporterOptions } from '../daemon/daemon-config.ts'
import { httpSender } from '../daemon/daemon-senders.ts'
import { recordEntities } from './entity-recorder.ts'

const WITHIN = { timeout: 30_000, interval: 50 }

async function localCloudWatch(): Promise<CloudWatchLocal> {
  const local = await startCloudWatchLocal({ quotas: false })
  onTestFinished(() => local.close())
  return local
}

const config = (endpoint: string, exporter: ExporterOptions = {}) =>
  cloudwatchConfig(endpoint, { exporter: { log_group_name: '/e', entity: true, ...exporter } })

const request = (...resources: readonly Attributes[]) =>
  logsRequest(...resources.map((resource, at) => ({ resource, scopes: [{ records: [{ body: `${at}` }] }] })))

const shop = { 'service.name': 'shop', 'deployment.environment.name': 'prod' }
const cart = { 'service.name': 'cart', 'deployment.environment': 'test' }

test('entity: each put has one, from service.name and deployment.environment, and no event is lost', async () => {
  const local = await localCloudWatch()
  const recorder = await recordEntities(local.url)
  const daemon = await startDaemon(config(recorder.url))
  const send = httpSender(daemon)
  for (let i = 0; i < 10; i++)
    expect((await send(request(shop, cart, {}, shop, { 'service.name': 'bare' }))).kind).toBe('taken')
  expect(await daemon.stop()).toBe(0)
  expect(local.events('/e', 's')).toHaveLength(50)
  const events = new Map<string, number>()
  for (const { entity, logEvents } of recorder.puts) {
    const key = JSON.stringify(entity?.keyAttributes ?? {})
    events.set(key, (events.get(key) ?? 0) + logEvents.length)
  }
  expect(Object.fromEntries(events)).toEqual({
    '{"Type":"Service","Name":"shop","Environment":"prod"}': 20,
    '{"Type":"Service","Name":"cart","Environment":"test"}': 10,
    '{"Type":"Service","Name":"bare"}': 10,
    '{}': 10,
  })
})

test('entity: a rejected one is left out, counted and logged, and its events are stored', async () => {
  const local = await localCloudWatch()
  const recorder = await recordEntities(local.url)
  recorder.rejected.add('shop')
  const daemon = await startDaemon(config(recorder.url))
  const send = httpSender(daemon)
  for (let i = 1; i <= 3; i++) {
    expect((await send(request(shop, cart))).kind).toBe('taken')
    await vi.waitFor(() => expect(local.events('/e', 's')).toHaveLength(2 * i), WITHIN)
    // The answer is read after the events are stored.
    await vi.waitFor(
      async () => expect((await daemon.metrics()).value('otlp_cloudwatch_records', { state: 'delivered' })).toBe(2 * i),
      WITHIN,
    )
  }
  expect((await daemon.metrics()).value('otlp_cloudwatch_rejected_entities')).toBe(1)
  expect(await daemon.stop()).toBe(0)
  const names = recorder.puts.map(({ entity }) => entity?.keyAttributes['Name'] ?? 'none')
  expect(names.toSorted()).toEqual(['cart', 'cart', 'cart', 'none', 'none', 'shop'])
  expect(daemon.log).toContainEqual(
    expect.objectContaining({
      level: 'warn',
      msg: 'CloudWatch did not accept an entity; it is left out for 10 minutes, and its events are stored',
      group: '/e',
      errorType: 'InvalidAttributes',
    }),
  )
})

test('entity: it survives a restart with a storage', async () => {
  const local = await localCloudWatch()
  const recorder = await recordEntities(local.url)
  const directory = await mkdtemp(join(tmpdir(), 'otlp-cloudwatch-storage-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const base = config(recorder.url, { sending_queue: { storage: 'file_storage' } }) as { extensions: object }
  const durable = {
    ...base,
    extensions: { ...base.extensions, file_storage: { directory } },
    service: {
      pipelines: { logs: { receivers: ['otlp'], exporters: ['awscloudwatchlogs'] } },
      extensions: ['health_check', 'file_storage'],
    },
  }
  const down = local.faults.fail(500)
  const first = await startDaemon(durable)
  expect((await httpSender(first)(request(shop, cart, {}))).kind).toBe('taken')
  await vi.waitFor(() => expect(down.hits).toBeGreaterThan(0), WITHIN)
  await first.kill()
  down.off()
  const second = await startDaemon(durable)
  await vi.waitFor(() => expect(local.events('/e', 's')).toHaveLength(3), WITHIN)
  expect(await second.stop()).toBe(0)
  const names = recorder.puts.map(({ entity }) => entity?.keyAttributes['Name'] ?? 'none')
  expect(names.toSorted()).toEqual(['cart', 'none', 'shop'])
})

test('entity: names that are too long, and more than 1,000, are left out and counted', async () => {
  const local = await localCloudWatch()
  const recorder = await recordEntities(local.url)
  const daemon = await startDaemon(config(recorder.url))
  const many = Array.from({ length: 1_500 }, (_, i) => ({ 'service.name': `s${i}` }))
  const hostile = ['x'.repeat(513), '😀'.repeat(300), '"\u0000\\', '\u2028'].map((name) => ({ 'service.name': name }))
  expect((await httpSender(daemon)(request(...hostile, ...many))).kind).toBe('taken')
  await vi.waitFor(() => expect(local.events('/e', 's')).toHaveLength(1_504), { timeout: 60_000, interval: 50 })
  expect((await daemon.metrics()).value('otlp_cloudwatch_resources_without_entity')).toBe(2 + 502)
  expect(await daemon.stop()).toBe(0)
}, 90_000)
