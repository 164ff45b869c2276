// Who may send, and what each may write: from the sender's credentials to the events in CloudWatch.
import { Metadata } from '@grpc/grpc-js'
import { OTLPLogExporter as GrpcExporter } from '@opentelemetry/exporter-logs-otlp-grpc'
import { OTLPLogExporter as JsonExporter } from '@opentelemetry/exporter-logs-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BatchLogRecordProcessor, LoggerProvider, type LogRecordExporter } from '@opentelemetry/sdk-logs'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { secretFile } from '../../fakes/authentication.ts'
import { type CloudWatchLocal, startCloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { logsRequest } from '../../fakes/logs-request.ts'
import { cloudwatchConfig } from '../daemon/daemon-config.ts'
import { grpcSender, type Headers, httpSender } from '../daemon/daemon-senders.ts'
import { type Daemon, startDaemon } from '../daemon/daemon.ts'

let local: CloudWatchLocal
beforeEach(async () => {
  local = await startCloudWatchLocal()
  return () => local.close()
})

const WITHIN = { timeout: 20_000, interval: 50 }
const BY_BOTH = [
  ['HTTP', httpSender],
  ['gRPC', grpcSender],
] as const

/** A daemon whose receiver asks one extension, and writes into `/test/{service.name}`. */
function start(extension: 'bearertokenauth' | 'basicauth', config: object): Promise<Daemon> {
  const base = cloudwatchConfig(local.url, { service: { extensions: ['health_check', extension] } }) as {
    readonly extensions: object
  }
  const protocol = { endpoint: '127.0.0.1:0', auth: { authenticator: extension } }
  return startDaemon({
    ...base,
    extensions: { ...base.extensions, [extension]: config },
    receivers: { otlp: { protocols: { grpc: protocol, http: protocol } } },
  })
}

const bearer = (token: string): Headers => ({ authorization: `Bearer ${token}` })
const basic = (credentials: string): Headers => ({
  authorization: `Basic ${Buffer.from(credentials).toString('base64')}`,
})

/** A record for each service. */
function requestOf(...services: string[]): Uint8Array {
  return logsRequest(
    ...services.map((name) => ({ resource: { 'service.name': name }, scopes: [{ records: [{ body: name }] }] })),
  )
}

const stored = () => local.events().map(({ message }) => (JSON.parse(message) as { readonly body: string }).body)

const TENANTS = {
  blue: { token: 'blue-token', allowed_log_groups: ['/test/blue-*'] },
  red: { token: 'red-token', allowed_log_groups: ['/test/red'] },
}

describe.each(BY_BOTH)('a tenant that sends by %s', (_, sender) => {
  test('has its own records stored, and the others reported as rejected', async () => {
    const daemon = await start('bearertokenauth', { tenants: TENANTS })
    const blue = sender(daemon, bearer('blue-token'))
    expect(await blue(requestOf('blue-a', 'red', 'blue-b', 'green'))).toEqual({
      kind: 'taken',
      rejected: 2,
      message: '2 not_permitted: blue may not write the log group /test/red',
    })
    expect(await sender(daemon, bearer('red-token'))(requestOf('red'))).toMatchObject({ kind: 'taken', rejected: 0 })
    await vi.waitUntil(async () => (await daemon.metrics()).records('delivered') === 3, WITHIN)
    const metrics = await daemon.metrics()
    expect(metrics.records('rejected', 'not_permitted')).toBe(2)
    expect(metrics.unaccounted).toBe(0)
    expect(await daemon.stop()).toBe(0)
    expect(stored().toSorted()).toEqual(['blue-a', 'blue-b', 'red'])
  })

  test('is refused when no record is its own', async () => {
    const daemon = await start('bearertokenauth', { tenants: TENANTS })
    const answer = await sender(daemon, bearer('red-token'))(requestOf('blue-a', 'blue-b'))
    const why = /^(403|7) [^]*2 not_permitted: red may not write the log group \/test\/blue-a/
    expect(answer).toMatchObject({ kind: 'refused', message: expect.stringMatching(why) as string })
    const metrics = await daemon.metrics()
    expect([metrics.received, metrics.unaccounted]).toEqual([0, 0])
    expect(metrics.value('otlp_cloudwatch_receiver_requests', { outcome: 'permission_denied' })).toBe(1)
    expect(await daemon.stop()).toBe(0)
    expect(stored()).toEqual([])
  })
})

describe.each(BY_BOTH)('a user that sends by %s', (_, sender) => {
  test('is accepted with the password, and otherwise refused', async () => {
    const daemon = await start('basicauth', { htpasswd: { inline: 'app:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=' } })
    expect(await sender(daemon, basic('app:password'))(requestOf('a'))).toMatchObject({ kind: 'taken' })
    for (const headers of [{}, basic('app:wrong'), basic('other:password'), bearer('password')]) {
      const answer = await sender(daemon, headers)(requestOf('b'))
      expect(answer).toMatchObject({ kind: 'refused', message: expect.stringMatching(/^(401|16) /) as string })
    }
    expect((await daemon.metrics()).value('otlp_cloudwatch_receiver_requests', { outcome: 'unauthenticated' })).toBe(4)
    expect(await daemon.stop()).toBe(0)
    expect(stored()).toEqual(['a'])
  })
})

test('while the token file is missing senders get a retryable answer, and then go on', async () => {
  const file = await secretFile('token')
  const daemon = await start('bearertokenauth', { filename: file.path })
  const senders = BY_BOTH.map(([, sender]) => sender(daemon, bearer('token')))
  const answer = () => Promise.all(senders.map((send) => send(requestOf('a'))))
  expect(await answer()).toMatchObject([{ kind: 'taken' }, { kind: 'taken' }])
  await file.remove()
  await daemon.says((log) => log.some(({ msg }) => msg.startsWith('credentials cannot be reloaded')))
  expect(await answer()).toEqual([
    { kind: 'wait', afterMs: 5_000 },
    { kind: 'wait', afterMs: 5_000 },
  ])
  await file.replace('token')
  await daemon.says((log) => log.some(({ msg }) => msg === 'credentials reloaded'))
  expect(await answer()).toMatchObject([{ kind: 'taken' }, { kind: 'taken' }])
  expect(await daemon.stop()).toBe(0)
})

test('the exporters of the Node SDK send a token', async () => {
  const daemon = await start('bearertokenauth', { tenants: TENANTS })
  const metadata = new Metadata()
  metadata.set('authorization', 'Bearer blue-token')
  const exporters: LogRecordExporter[] = [
    new JsonExporter({ url: `http://127.0.0.1:${daemon.httpPort}/v1/logs`, headers: bearer('blue-token') }),
    new GrpcExporter({ url: `http://127.0.0.1:${daemon.grpcPort}`, metadata }),
  ]
  for (const [index, exporter] of exporters.entries()) {
    const provider = new LoggerProvider({
      resource: resourceFromAttributes({ 'service.name': `blue-${index}` }),
      processors: [new BatchLogRecordProcessor({ exporter })],
    })
    provider.getLogger('shop').emit({ body: `by ${index}` })
    await provider.shutdown()
  }
  expect(await daemon.stop()).toBe(0)
  expect(stored().toSorted()).toEqual(['by 0', 'by 1'])
})

test('a daemon whose receiver names an extension that is no authenticator reports it, and exits with 1', async () => {
  const config = cloudwatchConfig(local.url) as { readonly receivers: object }
  const http = { endpoint: '127.0.0.1:0', auth: { authenticator: 'health_check' } }
  await expect(startDaemon({ ...config, receivers: { otlp: { protocols: { http } } } })).rejects.toThrow(
    /ended with 1:[^]*receiver otlp: protocols\.http\.auth\.authenticator: health_check is not a running authenticator/,
  )
})
