// The options of fapilog's CloudWatch sink at a daemon, each with what it promises: nothing is created that may not be,
// and what is given up is kept or counted.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { callCloudWatch } from '../../fakes/call-cloudwatch.ts'
import { type CloudWatchLocal, startCloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { logsRequest, recordsRequest } from '../../fakes/logs-request.ts'
import { cloudwatchConfig, type ExporterOptions } from '../daemon/daemon-config.ts'
import { httpSender, postRecords } from '../daemon/daemon-senders.ts'
import { type Daemon, type LogLine, runToEnd, startDaemon } from '../daemon/daemon.ts'

const WAIT = { timeout: 60_000, interval: 50 }
/** Waits are short, also those for a fault that will not pass by itself. */
const SOON = { initial_interval: '20ms', max_interval: '100ms' }

let local: CloudWatchLocal
beforeEach(async () => {
  local = await startCloudWatchLocal({ quotas: false })
  return () => local.close()
})

function start(exporter: ExporterOptions): Promise<Daemon> {
  return startDaemon(cloudwatchConfig(local.url, { exporter: { retry_on_failure: SOON, ...exporter } }))
}

async function storageFolder(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'otlp-cloudwatch-storage-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

function startDurable(directory: string, exporter: ExporterOptions): Promise<Daemon> {
  const options = { retry_on_failure: SOON, sending_queue: { storage: 'file_storage' }, ...exporter }
  const config = cloudwatchConfig(local.url, { exporter: options }) as {
    readonly extensions: object
    readonly service: { readonly extensions: readonly string[] }
  }
  return startDaemon({
    ...config,
    extensions: { ...config.extensions, file_storage: { directory } },
    service: { ...config.service, extensions: ['health_check', 'file_storage'] },
  })
}

/** Each service has a group of its own. */
async function send(daemon: Daemon, service: string, ...bodies: readonly string[]): Promise<void> {
  const request = logsRequest({
    resource: { 'service.name': service },
    scopes: [{ records: bodies.map((body) => ({ body })) }],
  })
  expect(await httpSender(daemon)(request)).toEqual({ kind: 'taken', rejected: 0, message: '' })
}

const bodies = (group: string) =>
  local.events(group).map(({ message }) => (JSON.parse(message) as { readonly body: string }).body)

const creations = () => local.calls.all.map(({ operation }) => operation).filter((name) => name.startsWith('Create'))

function line(daemon: Daemon, msg: string): LogLine | undefined {
  return daemon.log.find((each) => each.msg === msg)
}

/** Waits until the log names the missing part. */
function saysMissing(daemon: Daemon, error: string): Promise<void> {
  return daemon.says((log) => log.some((each) => each['reason'] === 'missing' && each['error'] === error))
}

async function create(group: string, stream?: string): Promise<void> {
  if (stream === undefined) await callCloudWatch(local.url, 'CreateLogGroup', { logGroupName: group })
  else await callCloudWatch(local.url, 'CreateLogStream', { logGroupName: group, logStreamName: stream })
}

describe('what may not be created', () => {
  test('create_log_group false: a missing group is named, its records wait, others go on', async () => {
    await create('/test/there')
    const daemon = await start({ create_log_group: false })
    await send(daemon, 'missing', 'waits')
    await send(daemon, 'there', 'goes')
    await saysMissing(daemon, 'log group /test/missing does not exist: create it, or write create_log_group: true')
    await vi.waitFor(() => expect(bodies('/test/there')).toEqual(['goes']), WAIT)
    expect(creations().filter((name) => name === 'CreateLogGroup')).toHaveLength(1) // the test's own
    expect((await daemon.metrics()).records('queued')).toBe(1)
    await create('/test/missing')
    await vi.waitFor(() => expect(bodies('/test/missing')).toEqual(['waits']), WAIT)
    expect(await daemon.stop()).toBe(0)
  })

  test('create_log_stream false: a missing stream is named, and its records wait', async () => {
    await create('/test/a')
    const daemon = await start({ create_log_stream: false })
    await send(daemon, 'a', 'waits')
    await saysMissing(
      daemon,
      'log stream s of group /test/a does not exist: create it, or write create_log_stream: true',
    )
    expect(creations()).toEqual(['CreateLogGroup']) // the test's own
    await create('/test/a', 's')
    await vi.waitFor(() => expect(bodies('/test/a')).toEqual(['waits']), WAIT)
    expect(await daemon.stop()).toBe(0)
  })

  test('create_log_stream false alone: a missing group is still created, and then the stream is named', async () => {
    const daemon = await start({ create_log_stream: false })
    await send(daemon, 'new', 'waits')
    await saysMissing(
      daemon,
      'log stream s of group /test/new does not exist: create it, or write create_log_stream: true',
    )
    expect(creations()).toEqual(['CreateLogGroup'])
    await create('/test/new', 's')
    await vi.waitFor(() => expect(bodies('/test/new')).toEqual(['waits']), WAIT)
    expect(await daemon.stop()).toBe(0)
  })

  test('neither: no Create call is ever made, also while it drains', async () => {
    const daemon = await start({ create_log_group: false, create_log_stream: false })
    await send(daemon, 'none', 'a', 'b')
    await saysMissing(daemon, 'log group /test/none does not exist: create it, or write create_log_group: true')
    daemon.signal('SIGTERM')
    await vi.waitFor(() => expect(local.calls.count('PutLogEvents')).toBeGreaterThan(3), WAIT)
    await daemon.kill()
    expect(creations()).toEqual([])
  })
})

describe('max_retries', () => {
  test('with a storage: the records of a put that failed so often are dead letters, others are delivered', async () => {
    const directory = await storageFolder()
    const daemon = await startDurable(directory, { max_retries: 3 })
    await send(daemon, 'good', 'first')
    await vi.waitFor(() => expect(bodies('/test/good')).toEqual(['first']), WAIT)
    const fault = local.faults.fail(500, { operation: 'PutLogEvents', group: '/test/bad' })
    await send(daemon, 'bad', 'a', 'b')
    await vi.waitFor(async () => expect((await daemon.metrics()).records('dead_lettered')).toBe(2), WAIT)
    expect(fault.hits).toBe(3)
    await send(daemon, 'good', 'second')
    await vi.waitFor(() => expect(bodies('/test/good')).toEqual(['first', 'second']), WAIT)
    const metrics = await daemon.metrics()
    expect([metrics.records('lost'), metrics.unaccounted]).toEqual([0, 0])
    expect(line(daemon, 'records are not sent again: max_retries is reached')).toMatchObject({ records: 2, tries: 3 })
    const { stdout } = await runToEnd(['dead-letters', 'list', '--directory', directory])
    expect(stdout).toMatch(/expired.*\/test\/bad {2}s {2}2 events {2}given up after 3 tries: /)
    expect(await daemon.stop()).toBe(0)
  })

  test('without a storage: they are retried, and a warning says so', async () => {
    const daemon = await start({
      max_retries: 2,
      retry_on_failure: { initial_interval: '20ms', max_interval: '100ms' },
    })
    const fault = local.faults.fail(500, { operation: 'PutLogEvents', group: '/test/bad' })
    await send(daemon, 'bad', 'a')
    await vi.waitFor(() => expect(fault.hits).toBeGreaterThan(3), WAIT)
    fault.off()
    await vi.waitFor(() => expect(bodies('/test/bad')).toEqual(['a']), WAIT)
    const metrics = await daemon.metrics()
    expect([metrics.records('lost'), metrics.unaccounted]).toEqual([0, 0])
    expect(daemon.stderr).toContain('max_retries has no effect without sending_queue.storage')
  })

  test('in an outage of many destinations and large requests, every record is delivered or a dead letter', async () => {
    const daemon = await startDurable(await storageFolder(), { max_retries: 2 })
    const services = Array.from({ length: 8 }, (_, i) => `s${i}`)
    for (const service of services) await send(daemon, service, 'before')
    await vi.waitFor(() => expect(local.events()).toHaveLength(8), WAIT)
    const fault = local.faults.fail(500, { operation: 'PutLogEvents' })
    // More than two puts hold.
    await send(daemon, 'large', ...Array.from({ length: 25_000 }, (_, i) => `large ${i}`))
    for (const service of services) for (const body of ['a', 'b', 'c']) await send(daemon, service, body)
    await vi.waitFor(async () => expect((await daemon.metrics()).records('dead_lettered')).toBeGreaterThan(0), WAIT)
    fault.off()
    await vi.waitFor(async () => expect((await daemon.metrics()).records('queued')).toBe(0), WAIT)
    const metrics = await daemon.metrics()
    const [delivered, dead] = [metrics.records('delivered'), metrics.records('dead_lettered')]
    expect([delivered + dead, metrics.records('lost'), metrics.unaccounted]).toEqual([25_000 + 8 * 4, 0, 0])
    expect(local.events()).toHaveLength(delivered)
    expect(await daemon.stop()).toBe(0)
  })

  test('does not count throttling', async () => {
    const daemon = await startDurable(await storageFolder(), { max_retries: 2 })
    const fault = local.faults.throttle({ operation: 'PutLogEvents', times: 6 })
    await send(daemon, 'a', 'throttled')
    await vi.waitFor(() => expect(bodies('/test/a')).toEqual(['throttled']), WAIT)
    expect(fault.hits).toBe(6)
    expect((await daemon.metrics()).records('lost')).toBe(0)
  })

  test('does not count that a group is being created, or a sequence token that is asked for', async () => {
    local.faults.demandSequenceTokens()
    const daemon = await startDurable(await storageFolder(), { max_retries: 1 })
    await send(daemon, 'new', 'a')
    await vi.waitFor(() => expect(bodies('/test/new')).toEqual(['a']), WAIT)
    await send(daemon, 'new', 'b')
    await vi.waitFor(() => expect(bodies('/test/new')).toEqual(['a', 'b']), WAIT)
    expect((await daemon.metrics()).records('lost')).toBe(0)
  })
})

test('circuit_breaker_threshold: the breaker of a destination opens after that number of failures, and closes again', async () => {
  const daemon = await start({ circuit_breaker_threshold: 5 })
  const fault = local.faults.fail(500, { operation: 'PutLogEvents', group: '/test/bad' })
  await send(daemon, 'bad', 'waits')
  const opened = 'the circuit breaker of a destination opened: its records wait'
  await daemon.says((log) => log.some(({ msg }) => msg === opened))
  expect(line(daemon, opened)).toMatchObject({ scope: 'stream', failures: 5, reason: 'server_error' })
  expect(fault.hits).toBeGreaterThanOrEqual(5)
  await send(daemon, 'good', 'goes')
  await vi.waitFor(() => expect(bodies('/test/good')).toEqual(['goes']), WAIT)
  fault.off()
  await vi.waitFor(() => expect(bodies('/test/bad')).toEqual(['waits']), WAIT)
  await daemon.says((log) => log.some(({ msg, scope }) => msg === 'delivery recovered' && scope === 'stream'))
})

describe('variables', () => {
  test('of fapilog run several workers, each with the same options', async () => {
    const sockets = ['grpc', 'http'].map((protocol) => `receivers.otlp.protocols.${protocol}.endpoint=127.0.0.1:0`)
    const daemon = await startDaemon(undefined, {
      set: [...sockets, 'service.workers=2'],
      env: {
        FAPILOG_CLOUDWATCH__LOG_GROUP_NAME: '/workers',
        FAPILOG_CLOUDWATCH__LOG_STREAM_NAME: 's',
        FAPILOG_CLOUDWATCH__REGION: 'us-east-1',
        FAPILOG_CLOUDWATCH__ENDPOINT_URL: local.url,
        FAPILOG_CLOUDWATCH__BATCH_TIMEOUT_SECONDS: '0.1',
      },
    })
    expect(await daemon.workers()).toHaveLength(2)
    await send(daemon, 'any', 'a', 'b')
    await vi.waitFor(() => expect(bodies('/workers')).toEqual(['a', 'b']), WAIT)
    expect(await daemon.stop()).toBe(0)
  })

  test('with wrong values end the start with 2, and each is named', async () => {
    const env = {
      FAPILOG_CLOUDWATCH__BATCH_SIZE: 'many',
      FAPILOG_SIZE_GUARD__MAX_BYTES: '1 elephant',
      OTLP_CLOUDWATCH__CREATE_LOG_STREAM: 'perhaps',
    }
    const { code, stderr } = await runToEnd(['validate'], { env })
    expect(code).toBe(2)
    expect(stderr.trim().split('\n')).toEqual([
      'FAPILOG_CLOUDWATCH__BATCH_SIZE: "many" is not a number',
      expect.stringMatching(
        /^FAPILOG_SIZE_GUARD__MAX_BYTES: "1 elephant" is not a size: write bytes or a number and a unit/,
      ),
      'OTLP_CLOUDWATCH__CREATE_LOG_STREAM: "perhaps" is not true or false',
    ])
  })
})

test('batch_size sends a destination at once that has that number of events, long before its interval', async () => {
  const daemon = await start({ flush_interval: undefined, batch_timeout_seconds: 3_600, batch_size: 3 })
  await send(daemon, 'few', 'a', 'b')
  await send(daemon, 'enough', 'a', 'b', 'c')
  await vi.waitFor(() => expect(bodies('/test/enough')).toEqual(['a', 'b', 'c']), WAIT)
  expect(bodies('/test/few')).toEqual([])
  await send(daemon, 'few', 'c')
  await vi.waitFor(() => expect(bodies('/test/few')).toEqual(['a', 'b', 'c']), WAIT)
})

test('size_guard with drop: a long event is reported to the sender, counted and logged, and its neighbors are stored', async () => {
  const daemon = await start({ size_guard: { max_bytes: 300, action: 'drop' } })
  const answer = await httpSender(daemon)(recordsRequest({ body: 'a' }, { body: 'x'.repeat(400) }, { body: 'b' }))
  const error = 'its event has 411 bytes, over max_event_bytes 300'
  expect(answer).toEqual({ kind: 'taken', rejected: 1, message: expect.stringContaining(error) })
  await vi.waitFor(() => expect(bodies('/test/undefined')).toEqual(['a', 'b']), WAIT)
  expect((await daemon.metrics()).records('rejected', 'too_large')).toBe(1)
  const rejected = 'records were rejected: their events are too long'
  await daemon.says((log) => log.some(({ msg }) => msg === rejected))
  expect(line(daemon, rejected)).toMatchObject({ level: 'warn', records: 1, error })
})

test('size_guard with truncate: a long event is cut and stays JSON', async () => {
  const daemon = await start({ size_guard: { max_bytes: 300, action: 'truncate' } })
  expect((await postRecords(daemon, { body: 'x'.repeat(400) })).status).toBe(200)
  await vi.waitFor(
    () => expect(bodies('/test/undefined')).toEqual([expect.stringMatching(/^x+\[cut \d+ bytes\]$/)]),
    WAIT,
  )
})
