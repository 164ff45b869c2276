// Idempotency-Key: a request that was acknowledged is never accepted twice, and one that was not may be sent again.
import { appendFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { configFile, freePort, runToEnd, startDaemon } from '../daemon/daemon.ts'
import { arrived, jsonConfig, LOG, onDisk, post, run, startCloudWatch } from './setup.ts'

const key = (text: string) => ({ 'idempotency-key': text })
const QUEUED = { status: 'queued' }

test('a request with a known key gets its response again, and is not accepted again', async () => {
  const { local, daemon } = await run()
  expect(await post(daemon, LOG, key('k'))).toMatchObject({ status: 202, body: QUEUED })
  const again = await post(
    daemon,
    `{ "level": "INFO", "log_message": "paid", "log_stream": "web", "log_group": "/apps/shop" }`,
    key('k'),
  )
  expect(again).toMatchObject({ status: 202, body: QUEUED })
  expect(again.headers.get('idempotency-replayed')).toBe('true')
  await post(daemon, { ...LOG, log_message: 'other' }, key('k2'))
  expect(await daemon.stop()).toBe(0)
  expect(
    local
      .events()
      .map(({ message }) => message)
      .toSorted(),
  ).toEqual(['other', 'paid'])
})

test('a key with another body is refused with 422', async () => {
  const { local, daemon } = await run()
  await post(daemon, LOG, key('k'))
  const other = await post(daemon, { ...LOG, log_message: 'refund' }, key('k'))
  expect(other).toMatchObject({
    status: 422,
    body: { message: expect.stringContaining('was used for other logs') as string },
  })
  expect(await daemon.stop()).toBe(0)
  expect(local.events()).toHaveLength(1)
})

test('of two requests with one key at the same time, the second gets 409 and may try again', async () => {
  const { local, daemon } = await run({ exporter: { sending_queue: { wait_for_result: true } } })
  const down = local.faults.fail(503)
  const first = post(daemon, LOG, key('k'))
  await vi.waitUntil(() => local.calls.count('PutLogEvents') > 0, { timeout: 20_000, interval: 20 })
  const second = await post(daemon, LOG, key('k'))
  expect(second).toMatchObject({ status: 409, body: { message: expect.stringContaining('no response yet') as string } })
  expect(second.headers.get('retry-after')).toBe('1')
  down.off()
  expect(await first).toMatchObject({ status: 202, body: QUEUED })
  expect(await post(daemon, LOG, key('k'))).toMatchObject({ status: 202, body: QUEUED })
  expect(local.events()).toHaveLength(1)
})

test('the key of a request that was refused can be used again', async () => {
  const { local, daemon } = await run({ exporter: { sending_queue: { queue_size: 1, sizer: 'items' } } })
  const down = local.faults.fail(503)
  await post(daemon, { ...LOG, log_message: 'fills the queue' })
  const refused = await post(daemon, LOG, key('k'))
  expect(refused.status).toBe(503)
  expect(refused.headers.get('retry-after')).not.toBeNull()
  down.off()
  await vi.waitUntil(async () => (await post(daemon, LOG, key('k'))).status === 202, { timeout: 20_000, interval: 50 })
  expect(await daemon.stop()).toBe(0)
  expect(local.events().filter(({ message }) => message === LOG.log_message)).toHaveLength(1)
})

test('an invalid request leaves no key', async () => {
  const { daemon } = await run()
  expect(await post(daemon, { ...LOG, level: 'LOUD' }, key('k'))).toMatchObject({ status: 422 })
  expect(await post(daemon, LOG, key('k'))).toMatchObject({ status: 202 })
})

test('keys survive kill -9 with the queue: no acknowledged request is accepted twice, and none is lost', async () => {
  const local = await startCloudWatch()
  const config = jsonConfig(local.url, await onDisk())
  const acknowledged: string[] = []
  const unsure = new Set<string>()
  for (let round = 0; round < 4; round++) {
    const daemon = await startDaemon(config)
    for (const name of acknowledged.slice(-50)) {
      const again = await post(daemon, { ...LOG, log_message: name }, key(name))
      expect(again.headers.get('idempotency-replayed'), name).toBe('true')
    }
    const names = Array.from({ length: 200 }, (_, i) => `${round}-${i}`)
    const sending = names.map(async (name, i) => {
      try {
        if ((await post(daemon, { ...LOG, log_message: name }, key(name))).status === 202) acknowledged.push(name)
      } catch {
        unsure.add(name) // no response: killed
      }
      if (i === 50 + round * 40) daemon.signal('SIGKILL')
    })
    await Promise.all(sending)
    await daemon.ended
  }
  const last = await startDaemon(config)
  for (const name of unsure) await post(last, { ...LOG, log_message: name }, key(name))
  expect(await last.stop()).toBe(0)
  // A put whose response the kill took may be repeated; that is the exporter's, and its events are equal in time too.
  const events = new Map<string, Set<number>>()
  for (const { message, timestamp } of local.events())
    events.set(message, (events.get(message) ?? new Set()).add(timestamp))
  expect(acknowledged.filter((name) => !events.has(name))).toEqual([])
  expect(acknowledged.length).toBeGreaterThan(100)
  expect(acknowledged.filter((name) => (events.get(name)?.size ?? 0) > 1)).toEqual([])
})

test('without storage the start log says that a restart forgets the keys', async () => {
  const { daemon } = await run()
  expect(daemon.log.map(({ msg }) => msg)).toContainEqual(
    expect.stringContaining('idempotency keys are kept in memory'),
  )
})

test('dead-letters list passes over the keys', async () => {
  const local = await startCloudWatch()
  const config = jsonConfig(local.url, await onDisk())
  const daemon = await startDaemon(config)
  await post(daemon, LOG, key('k'))
  const { code, stderr } = await runToEnd(['dead-letters', 'list', '--config', await configFile(config)])
  expect(code).toBe(0)
  expect(stderr).toBe('0 letters, 0 events\n')
  expect(await daemon.stop()).toBe(0)
})

test('damaged keys on disk are skipped and logged, and the others are known', async () => {
  const local = await startCloudWatch()
  const parts = await onDisk()
  const config = jsonConfig(local.url, parts)
  const first = await startDaemon(config)
  await post(first, LOG, key('k'))
  await first.stop()
  const directory = join(parts.directory, 'keys_http_json', '0000')
  const [file = ''] = (await readdir(directory)).filter((name) => name.startsWith('keys-'))
  await appendFile(join(directory, file), 'half a record')
  const second = await startDaemon(config)
  expect((await post(second, LOG, key('k'))).headers.get('idempotency-replayed')).toBe('true')
  expect(second.log.map(({ msg }) => msg)).toContainEqual(expect.stringContaining('are damaged'))
  expect(await second.stop()).toBe(0)
  expect(local.events()).toHaveLength(1)
})

test(
  'a worker that receives and is killed is replaced by another, which knows every key',
  { timeout: 120_000 },
  async () => {
    const local = await startCloudWatch()
    const receiver = { endpoint: `127.0.0.1:${await freePort()}` }
    const daemon = await startDaemon(jsonConfig(local.url, await onDisk({ receiver })), { set: ['service.workers=2'] })
    await post(daemon, LOG, key('k'))
    // One of them receives.
    for (const pid of await daemon.workers()) {
      process.kill(pid, 'SIGKILL')
      await vi.waitUntil(
        async () => {
          const again = await post(daemon, LOG, { ...key('k'), connection: 'close' }).catch(() => undefined) // not open yet
          return again?.status === 202 && again.headers.get('idempotency-replayed') === 'true'
        },
        { timeout: 50_000, interval: 50 },
      )
    }
    expect(await daemon.stop()).toBe(0)
    expect(new Set(local.events().map(({ timestamp }) => timestamp)).size).toBe(1)
  },
)

test('with several workers one receives, and knows every key', async () => {
  const { local, daemon } = await run({
    service: {
      extensions: ['health_check'],
      workers: 2,
      pipelines: { logs: { receivers: ['http_json'], exporters: ['awscloudwatchlogs'] } },
    },
  })
  for (let i = 0; i < 10; i++) expect((await post(daemon, LOG, { ...key('k'), connection: 'close' })).status).toBe(202)
  await arrived(local, 1)
  expect(daemon.log.filter(({ msg, component }) => msg === 'listening' && component === 'http_json')).toHaveLength(1)
  expect(await daemon.stop()).toBe(0)
  expect(local.events()).toHaveLength(1)
})
