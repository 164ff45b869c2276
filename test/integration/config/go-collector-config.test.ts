// Configs written for the Go collector, run as they are. Only where they listen is set from outside, because a test cannot
// have 4317 for itself; the endpoint comes by the ways a user has for it. What the Go exporter writes for these records:
// contrib's exporter/awscloudwatchlogsexporter, exporter.go and exporter_test.go.
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { type CloudWatchLocal, startCloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { logsRequest, type RecordFields } from '../../fakes/logs-request.ts'
import { httpSender } from '../daemon/daemon-senders.ts'
import { runToEnd, startDaemon } from '../daemon/daemon.ts'
import { parseMessage } from '../clients/sdk-events.ts'

const FOLDER = join(import.meta.dirname, '..', '..', 'testdata', 'go-collector')

let local: CloudWatchLocal
beforeEach(async () => {
  local = await startCloudWatchLocal()
  return () => local.close()
})

const TIME = BigInt(Date.now()) * 1_000_000n
const hex = (text: string) => Buffer.from(text, 'hex')

/** A record with everything, one with next to nothing, one whose body has parts, one with values of each kind. */
const RECORDS: readonly RecordFields[] = [
  {
    time: TIME,
    observed: 1n,
    severityNumber: 5,
    severityText: 'debug',
    body: 'hello world',
    attributes: { key1: 1n, key2: 'attr2' },
    dropped: 4,
    flags: 1,
    traceId: hex('0102030405060708090a0b0c0d0e0f10'),
    spanId: hex('0102030405060708'),
  },
  { time: TIME },
  { time: TIME, body: { kvlist: { order: 17n, '<b>': [true, null, 'x & y'] } } },
  {
    time: TIME,
    body: '',
    attributes: {
      largest: 9223372036854775807n,
      double: 0.1,
      bytes: Uint8Array.of(0, 255),
      empty: null,
      map: { kvlist: { list: [1n, 'a'] } },
    },
  },
]

const RESOURCE = {
  'service.name': 'checkout',
  'service.instance.id': 'checkout-1',
  'k8s.node.name': 'ip-10-0-0-7',
  'aws.ecs.cluster.name': 'prod',
  'aws.ecs.task.id': '0123abc',
  'aws.ecs.task.family': 'shop',
}

const COMMON = {
  scope: { name: 'test-scope', version: '1.0.0', attributes: { 'scope-attr': 'value' } },
  resource: RESOURCE,
}
const EVENTS: readonly unknown[] = [
  {
    body: 'hello world',
    severity_number: 5,
    severity_text: 'debug',
    dropped_attributes_count: 4,
    flags: 1,
    trace_id: '0102030405060708090a0b0c0d0e0f10',
    span_id: '0102030405060708',
    attributes: { key1: 1, key2: 'attr2' },
    ...COMMON,
  },
  COMMON,
  { body: { order: 17, '<b>': [true, null, 'x & y'] }, ...COMMON },
  {
    body: '',
    attributes: { largest: 9223372036854775807n, double: 0.1, bytes: 'AP8=', empty: null, map: { list: [1, 'a'] } },
    ...COMMON,
  },
]

interface Case {
  readonly file: string
  readonly says: string
  readonly env: (url: string) => Readonly<Record<string, string>>
  /** Keys of what listens, below the root of the config. */
  readonly listens: readonly string[]
  readonly region: string
  /** Group, then stream, of each copy of the records. */
  readonly written: readonly (readonly [group: string, stream: string])[]
  /** Of each group, in the same order. */
  readonly retention: readonly (number | undefined)[]
  readonly tags?: Readonly<Record<string, string>>
}

const GRPC_AND_HTTP = ['receivers.otlp.protocols.grpc', 'receivers.otlp.protocols.http']

const CASES: readonly Case[] = [
  {
    file: 'minimal.yaml',
    says: 'the least there is, with AWS_ENDPOINT_URL and AWS_REGION',
    env: (url) => ({ AWS_ENDPOINT_URL: url, AWS_REGION: 'ap-south-1' }),
    listens: ['receivers.otlp.protocols.http'],
    region: 'ap-south-1',
    written: [['testing-logs', 'testing-integrations-stream']],
    retention: [undefined],
  },
  {
    file: 'agent.yaml',
    says: 'an agent of a cluster, with AWS_ENDPOINT_URL_CLOUDWATCH_LOGS',
    env: (url) => ({ AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: url }),
    listens: [...GRPC_AND_HTTP, 'extensions.health_check'],
    region: 'eu-central-1',
    written: [['/aws/containerinsights/prod/application', 'ip-10-0-0-7']],
    retention: [30],
    tags: { team: 'platform', 'cost-center': '4711' },
  },
  {
    file: 'gateway.yaml',
    says: 'two pipelines from one receiver, with endpoint',
    env: (url) => ({ LOGS_ENDPOINT: url, LISTEN_HOST: '127.0.0.1' }),
    listens: [
      'receivers.otlp/clients.protocols.grpc',
      'receivers.otlp/clients.protocols.http',
      'extensions.health_check',
    ],
    region: 'us-west-2',
    written: [
      ['app-logs', 'checkout-1'],
      ['audit-logs', 'checkout-1'],
    ],
    retention: [undefined, 1827],
  },
]

const REQUEST = logsRequest({
  resource: RESOURCE,
  scopes: [{ name: 'test-scope', version: '1.0.0', attributes: { 'scope-attr': 'value' }, records: RECORDS }],
})

const onAnyPort = (keys: readonly string[]) => keys.map((key) => `${key}.endpoint=127.0.0.1:0`)

test.each(CASES)('$file: $says', async ({ file, env, listens, region, written, retention, tags = {} }) => {
  const path = join(FOLDER, file)
  expect(await runToEnd(['validate', '--config', path], { env: env(local.url) })).toMatchObject({ code: 0, stderr: '' })

  const daemon = await startDaemon(path, { set: onAnyPort(listens), env: env(local.url) })
  expect(await httpSender(daemon)(REQUEST)).toEqual({ kind: 'taken', rejected: 0, message: '' })
  expect(await daemon.stop()).toBe(0)

  for (const [index, [group, stream]] of written.entries()) {
    const stored = local.events(group, stream)
    expect(stored.map(({ message }) => parseMessage(message))).toEqual(EVENTS)
    expect(stored.map(({ timestamp }) => timestamp)).toEqual(RECORDS.map(() => Number(TIME / 1_000_000n)))
    expect(local.store.groups.get(group)?.retentionInDays).toBe(retention[index])
    expect(Object.fromEntries(local.store.groups.get(group)?.tags ?? [])).toEqual(tags)
  }
  expect([...local.store.groups.keys()].toSorted()).toEqual(written.map(([group]) => group).toSorted())
  expect(new Set(local.calls.all.map((call) => call.region))).toEqual(new Set([region]))
})

test('sidecar.yaml: the body alone, where raw_log is set', async () => {
  const daemon = await startDaemon(join(FOLDER, 'sidecar.yaml'), {
    set: onAnyPort(GRPC_AND_HTTP),
    env: { AWS_ENDPOINT_URL: local.url, AWS_REGION: 'us-east-1' },
  })
  // Two have no text; the Go exporter fails on them, and with them on the whole request.
  expect(await httpSender(daemon)(REQUEST)).toMatchObject({ kind: 'taken', rejected: 2 })
  expect(await daemon.stop()).toBe(0)
  const [text, parts, ...none] = local.events('/ecs/shop', 'checkout/0123abc').map(({ message }) => message)
  expect(text).toBe('hello world')
  expect(JSON.parse(parts ?? '')).toEqual({ order: 17, '<b>': [true, null, 'x & y'] })
  expect(none).toEqual([])
})
