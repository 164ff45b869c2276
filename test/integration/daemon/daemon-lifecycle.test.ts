import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { callCloudWatch } from '../../fakes/call-cloudwatch.ts'
import { type CloudWatchLocal, startCloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { recordsRequest } from '../../fakes/logs-request.ts'
import { cloudwatchConfig } from './daemon-config.ts'
import { grpcSender, httpSender, type Send } from './daemon-senders.ts'
import { configFile, freePort, runToEnd, startDaemon } from './daemon.ts'

let local: CloudWatchLocal
beforeEach(async () => {
  local = await startCloudWatchLocal()
  return () => local.close()
})

const TAKEN = { kind: 'taken', rejected: 0, message: '' }
const requestOf = (...bodies: string[]) => recordsRequest(...bodies.map((body) => ({ body })))
const storedBodies = () => local.events().map(({ message }) => (JSON.parse(message) as { readonly body: unknown }).body)

/** Sends one record after the other until the daemon is gone; the bodies that were acknowledged. */
async function sendUntilGone(send: Send, name: string, acknowledged: string[]): Promise<void> {
  for (let count = 0; ; count++) {
    const body = `${name} ${count}`
    const answer = await send(requestOf(body)).catch(() => undefined) // the connection is gone: not acknowledged
    if (answer?.kind === 'taken') acknowledged.push(body)
    else return
  }
}

describe('a daemon that is asked to stop', () => {
  test('delivers what it had acknowledged, logs the outcome, and exits with 0', async () => {
    local.faults.slow(50, { operation: 'PutLogEvents' })
    const daemon = await startDaemon(cloudwatchConfig(local.url))
    const acknowledged: string[] = []
    const senders = [httpSender(daemon), grpcSender(daemon), httpSender(daemon), grpcSender(daemon)]
    const load = senders.map((send, index) => sendUntilGone(send, `sender ${index}`, acknowledged))
    await vi.waitUntil(() => acknowledged.length > 200, { timeout: 20_000 })
    expect(await daemon.stop()).toBe(0)
    await Promise.all(load)

    const stored = storedBodies()
    expect(new Set(stored).size).toBe(stored.length)
    expect(stored).toEqual(expect.arrayContaining(acknowledged))
    expect(daemon.log.at(-1)).toMatchObject({
      level: 'info',
      msg: 'stopped',
      records: { awscloudwatchlogs: { received: stored.length, delivered: stored.length, lost: 0 } },
    })
  })

  test('logs in its last line how many records were lost because they could not be sent in time', async () => {
    local.faults.cut('before')
    const daemon = await startDaemon(
      cloudwatchConfig(local.url, {
        // Fails so often that warnings are folded: what is folded comes before the last line.
        exporter: { retry_on_failure: { initial_interval: '1ms', max_interval: '10ms' } },
        service: { shutdown_timeout: '1s' },
      }),
    )
    await httpSender(daemon)(requestOf('a', 'b', 'c'))
    expect(await daemon.stop()).toBe(0)
    expect(daemon.log.at(-1)).toMatchObject({
      level: 'error',
      msg: 'stopped with lost records',
      records: { awscloudwatchlogs: { received: 3, delivered: 0, lost: 3, 'lost(shutdown)': 3 } },
    })
  })
})

test('a killed daemon starts again on the same ports and takes records', async () => {
  const config = cloudwatchConfig(local.url)
  const set = [
    `receivers.otlp.protocols.grpc.endpoint=127.0.0.1:${await freePort()}`,
    `receivers.otlp.protocols.http.endpoint=127.0.0.1:${await freePort()}`,
  ]
  const first = await startDaemon(config, { set })
  expect(await grpcSender(first)(requestOf('before'))).toEqual(TAKEN)
  await first.kill()

  const second = await startDaemon(config, { set })
  expect(await grpcSender(second)(requestOf('after, by gRPC'))).toEqual(TAKEN)
  expect(await httpSender(second)(requestOf('after, by HTTP'))).toEqual(TAKEN)
  expect(await second.stop()).toBe(0)
  expect(storedBodies()).toEqual(expect.arrayContaining(['after, by gRPC', 'after, by HTTP']))
})

describe('a daemon that cannot run', () => {
  test('exits with 2 if its config is wrong, and names the place and the fix', async () => {
    const file = await configFile({ ...cloudwatchConfig(local.url), receivers: { oltp: {} } })
    const { code, stderr } = await runToEnd(['--config', file])
    expect(code).toBe(2)
    expect(stderr).toMatch(new RegExp(`^${file}:\\d+:\\d+: receivers\\.oltp: .*otlp`, 'm'))
  })

  test('exits with 2 without a config, and names both ways to give one', async () => {
    const { code, stderr } = await runToEnd([])
    expect(code).toBe(2)
    expect(stderr).toContain('--config')
    expect(stderr).toContain('OTLP_CLOUDWATCH__LOG_GROUP_NAME')
  })

  test('exits with 1 if a port is taken, and names it', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    const taken = `127.0.0.1:${(server.address() as AddressInfo).port}`
    const file = await configFile(cloudwatchConfig(local.url))
    const { code, stderr } = await runToEnd([
      `--config=${file}`,
      `--set=receivers.otlp.protocols.http.endpoint=${taken}`,
      '--set=service.telemetry.metrics.level=none',
    ])
    expect(code).toBe(1)
    expect(stderr).toContain('receiver otlp')
    expect(stderr).toContain(taken)
  })
})

describe('a daemon without a file', () => {
  test('runs from variables', async () => {
    const daemon = await startDaemon(undefined, {
      set: ['receivers.otlp.protocols.grpc.endpoint=127.0.0.1:0', 'receivers.otlp.protocols.http.endpoint=127.0.0.1:0'],
      env: {
        OTLP_CLOUDWATCH__LOG_GROUP_NAME: '/variables',
        OTLP_CLOUDWATCH__LOG_STREAM_NAME: 'main',
        OTLP_CLOUDWATCH__REGION: 'eu-west-1',
        OTLP_CLOUDWATCH__ENDPOINT_URL: local.url,
      },
    })
    expect(await httpSender(daemon)(requestOf('a'))).toEqual(TAKEN)
    expect(await daemon.stop()).toBe(0)
    expect(local.events('/variables', 'main')).toMatchObject([{ message: '{"body":"a"}' }])
  })
})

test('the quickstart stores records in its own CloudWatch, and shows them', async () => {
  const endpoint = `localhost:${await freePort()}`
  const daemon = await startDaemon('config/quickstart.yaml', {
    set: [
      'receivers.otlp.protocols.grpc.endpoint=localhost:0',
      'receivers.otlp.protocols.http.endpoint=localhost:0',
      `extensions.cloudwatch_local.endpoint=${endpoint}`,
      `exporters.awscloudwatchlogs.endpoint=http://${endpoint}`,
    ],
  })
  expect(await grpcSender(daemon)(requestOf('hello'))).toEqual(TAKEN)
  const logGroupName = '/quickstart/undefined'
  const stored = () => callCloudWatch(`http://${endpoint}`, 'FilterLogEvents', { logGroupName })
  // The group is there a moment before its first event is.
  const shown = { status: 200, body: { events: [{ message: '{"body":"hello"}', logStreamName: 'local' }] } }
  await vi.waitFor(async () => expect(await stored()).toMatchObject(shown), { timeout: 20_000 })
  await daemon.says((log) => log.some((line) => JSON.stringify(line).includes('hello')))
  expect(await daemon.stop()).toBe(0)
})

test('`health` asks a running daemon, and fails when it is gone', async () => {
  const daemon = await startDaemon(cloudwatchConfig(local.url))
  const endpoint = new URL(daemon.healthUrl).host
  expect(await runToEnd(['health', '--endpoint', endpoint])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('"status":"Server available"'),
  })
  expect(await daemon.stop()).toBe(0)
  expect(await runToEnd(['health', '--endpoint', endpoint])).toMatchObject({ code: 1 })
})
