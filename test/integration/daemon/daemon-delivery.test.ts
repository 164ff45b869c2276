import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { type CloudWatchLocal, startCloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { inLists, logsRequest, recordsRequest, type RecordFields } from '../../fakes/logs-request.ts'
import { cloudwatchConfig } from './daemon-config.ts'
import type { Metrics } from './daemon-metrics.ts'
import { grpcSender, httpSender, sendUntilTaken } from './daemon-senders.ts'
import { type Daemon, startDaemon } from './daemon.ts'

const DAY_MS = 86_400_000
const WITHIN = { timeout: 20_000, interval: 50 }

let local: CloudWatchLocal
beforeEach(async () => {
  local = await startCloudWatchLocal()
  return () => local.close()
})

const nanos = (ms: number) => BigInt(ms) * 1_000_000n

/** Waits until the account is as asked; it has to be right at every look. */
async function account(daemon: Daemon, condition: (metrics: Metrics) => boolean): Promise<Metrics> {
  let metrics = await daemon.metrics()
  await vi.waitUntil(async () => {
    metrics = await daemon.metrics()
    expect(metrics.unaccounted).toBe(0)
    return condition(metrics)
  }, WITHIN)
  return metrics
}

describe.each([
  ['gRPC', grpcSender],
  ['HTTP', httpSender],
] as const)('three good records and one of fifteen days ago, by %s', (_, sender) => {
  test('the three are stored once, and the answer names the rejected one', async () => {
    const daemon = await startDaemon(cloudwatchConfig(local.url))
    const now = Date.now()
    const old: RecordFields = { body: 'old', time: nanos(now - 15 * DAY_MS) }
    const good = (body: string): RecordFields => ({ body, time: nanos(now) })
    const answer = await sender(daemon)(recordsRequest(good('a'), old, good('b'), good('c')))
    expect(answer).toMatchObject({ kind: 'taken', rejected: 1, message: expect.stringContaining('too_old') })

    const metrics = await account(daemon, (metrics) => metrics.records('delivered') === 3)
    expect(metrics.records('rejected', 'too_old')).toBe(1)
    expect(await daemon.stop()).toBe(0)
    expect(local.events().map(({ message }) => message)).toEqual(['{"body":"a"}', '{"body":"b"}', '{"body":"c"}'])
    expect(local.calls.count('PutLogEvents', 'ok')).toBe(1)
  })
})

test('the answer reports records that are not stored as they were sent', async () => {
  const daemon = await startDaemon(cloudwatchConfig(local.url))
  const request = recordsRequest(
    { body: 'x'.repeat(1_100_000) },
    { body: inLists('deep', 200) },
    { body: { utf8: new Uint8Array([0xff]) } },
  )
  for (const send of [grpcSender(daemon), httpSender(daemon)])
    expect(await send(request)).toEqual({
      kind: 'taken',
      rejected: 0,
      message: [
        '1 events were longer than max_event_bytes and cut',
        '1 values were nested too deep and replaced by a marker',
        '1 invalid UTF-8 sequences became U+FFFD',
      ].join(', '),
    })
  await account(daemon, (metrics) => metrics.records('delivered') === 6)
  expect(await daemon.stop()).toBe(0)
})

test('nine of ten groups are written while one is denied, and the tenth once it is allowed', async () => {
  const denied = local.faults.deny({ group: '/test/s4' })
  // A denied group is asked again every 15 s or so, and a test should not wait that long.
  const daemon = await startDaemon(cloudwatchConfig(local.url, { exporter: { retry_on_failure: FAST_RETRY } }))
  const send = grpcSender(daemon)
  const services = Array.from({ length: 10 }, (_, index) => `s${index}`)
  for (const body of ['first', 'second', 'third']) {
    const request = services.map((name) => ({ resource: { 'service.name': name }, scopes: [{ records: [{ body }] }] }))
    expect(await send(logsRequest(...request))).toMatchObject({ kind: 'taken', rejected: 0 })
  }
  const others = services.filter((name) => name !== 's4')
  const metrics = await account(daemon, (metrics) => metrics.records('delivered') === 27 && denied.hits > 1)
  expect(metrics.records('queued')).toBe(3)
  expect(storedBodies(others)).toEqual(others.map(() => ['first', 'second', 'third']))
  expect(local.events('/test/s4')).toEqual([])

  denied.off()
  await account(daemon, (metrics) => metrics.records('delivered') === 30)
  expect(await daemon.stop()).toBe(0)
  expect(storedBodies(services)).toEqual(services.map(() => ['first', 'second', 'third']))
})

const FAST_RETRY = { initial_interval: '50ms', max_interval: '200ms' }

function storedBodies(services: readonly string[]): unknown[][] {
  return services.map((name) =>
    local.events(`/test/${name}`).map(({ message }) => (JSON.parse(message) as { readonly body: unknown }).body),
  )
}

test('a lane that is merely busy makes its senders wait, and loses nothing', async () => {
  local.faults.slow(100, { operation: 'PutLogEvents' })
  const daemon = await startDaemon(
    cloudwatchConfig(local.url, { processors: { memory_limiter: { check_interval: '1s', limit_mib: 4 } } }),
  )
  const quiet = httpSender(daemon)
  const busy = Array.from({ length: 8 }, () => httpSender(daemon))
  const count = { waits: 0, sent: 0 }
  await Promise.all(
    busy.map(async (send) => {
      while (count.waits < 20) {
        const answer = await sendUntilTaken(send, kilobytes('busy', 100), () => count.waits++)
        expect(answer).toMatchObject({ rejected: 0 })
        count.sent += 100
        expect(await sendUntilTaken(quiet, kilobytes('quiet', 1), () => {})).toMatchObject({
          rejected: 0,
        })
        count.sent++
      }
    }),
  )
  const metrics = await account(daemon, (metrics) => metrics.records('queued') === 0)
  expect(metrics.records('delivered')).toBe(count.sent)
  expect(metrics.received).toBe(count.sent)
})

test('new records of a denied group over its share are rejected, and the other groups have room', async () => {
  local.faults.deny({ group: '/test/denied' })
  const daemon = await startDaemon(
    cloudwatchConfig(local.url, { processors: { memory_limiter: { check_interval: '1s', limit_mib: 4 } } }),
  )
  const send = grpcSender(daemon)
  // Before it is known to be stuck it may fill the buffers, as any lane may.
  await send(kilobytes('denied', 1))
  await daemon.says((log) => log.some(({ msg }) => msg.startsWith('delivery failed')))
  // Others are there to be protected from it.
  const others = setInterval(() => void send(kilobytes('other', 1)).catch(() => {}), 20) // it may be gone
  onTestFinished(() => clearInterval(others))
  const answer = await vi.waitUntil(async () => {
    const answer = await send(kilobytes('denied', 100))
    return answer.kind === 'taken' && answer.rejected > 0 && answer
  }, WITHIN)
  expect(answer).toMatchObject({ rejected: 100, message: expect.stringContaining('lane_full') })
  expect(await send(kilobytes('another', 100))).toMatchObject({ kind: 'taken', rejected: 0 })
  await vi.waitFor(() => expect(local.events('/test/another')).toHaveLength(100), WITHIN)
})

/** Records of a kilobyte from one service. */
function kilobytes(service: string, count: number): Uint8Array {
  const records = Array.from({ length: count }, () => ({ body: 'x'.repeat(1_000) }))
  return logsRequest({ resource: { 'service.name': service }, scopes: [{ records }] })
}

test('a backend that answers only errors for a while gets every record once in the end', async () => {
  const daemon = await startDaemon(cloudwatchConfig(local.url, { exporter: { retry_on_failure: FAST_RETRY } }))
  const send = httpSender(daemon)
  const faults = [
    local.faults.throttle({ times: 3 }),
    local.faults.fail(503, { times: 3 }),
    local.faults.expireCredentials({ times: 2 }),
    local.faults.garbage('html', { times: 2 }),
  ]
  const bodies = Array.from({ length: 200 }, (_, index) => `record ${index}`)
  for (const body of bodies) expect(await send(recordsRequest({ body }))).toMatchObject({ kind: 'taken', rejected: 0 })
  await account(daemon, (metrics) => metrics.records('delivered') === bodies.length)
  expect(faults.map(({ hits }) => hits)).toEqual([3, 3, 2, 2])
  expect(await daemon.stop()).toBe(0)
  const stored = local.events().map(({ message }) => (JSON.parse(message) as { readonly body: string }).body)
  expect(stored.toSorted()).toEqual(bodies.toSorted())
})

describe('with wait_for_result', () => {
  const waiting = (more: object = {}) =>
    startDaemon(cloudwatchConfig(local.url, { exporter: { sending_queue: { wait_for_result: true }, ...more } }))

  test('a sender receives what CloudWatch rejected', async () => {
    const daemon = await waiting()
    local.faults.rejectAll('expired')
    for (const send of [grpcSender(daemon), httpSender(daemon)])
      expect(await send(recordsRequest({ body: 'a' }, { body: 'b' }))).toEqual({
        kind: 'taken',
        rejected: 2,
        message: '2 expired_retention',
      })
  })

  test('records that were given up are sent again, and no storage is blamed', async () => {
    const daemon = await waiting({ retry_on_failure: { enabled: false } })
    const failing = local.faults.fail(503)
    for (const send of [grpcSender(daemon), httpSender(daemon)])
      expect(await send(recordsRequest({ body: 'a' }))).toEqual({ kind: 'wait', afterMs: 1_000 })
    const refused = (outcome: string, metrics: Metrics) =>
      metrics.value('otlp_cloudwatch_receiver_requests', { outcome })
    const metrics = await daemon.metrics()
    expect([refused('not_delivered', metrics), refused('storage_failed', metrics)]).toEqual([2, 0])
    failing.off()
    await sendUntilTaken(grpcSender(daemon), recordsRequest({ body: 'b' }), () => {})
    expect(await daemon.stop()).toBe(0)
  })
})
