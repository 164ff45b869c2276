import { expect, onTestFinished, test } from 'vitest'
import { type CloudWatchLocal, startCloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { logsRequest, recordsRequest } from '../../fakes/logs-request.ts'
import { CloudWatchLogRecordExporter } from '../../../src/index.ts'
import { configFile, runToEnd, startDaemon } from '../daemon/daemon.ts'
import { cloudwatchConfig } from '../daemon/daemon-config.ts'
import { grpcSender, httpSender } from '../daemon/daemon-senders.ts'

async function localCloudWatch(): Promise<CloudWatchLocal> {
  const local = await startCloudWatchLocal({ quotas: false })
  onTestFinished(() => local.close())
  return local
}

/** A config whose receiver passes metadata on. */
function withMetadata(endpoint: string, exporter: object, includeMetadata = true): object {
  const protocol = { endpoint: '127.0.0.1:0', include_metadata: includeMetadata }
  return {
    ...cloudwatchConfig(endpoint, { exporter: { ...exporter } }),
    receivers: { otlp: { protocols: { grpc: protocol, http: protocol } } },
  }
}

const namesOf = (local: CloudWatchLocal) =>
  [...local.store.groups.values()].flatMap(({ name, streams }) =>
    [...streams.keys()].map((stream) => `${name} ${stream}`),
  )

test('templates: alternatives, defaults, cases, time, scope and metadata name groups and streams', async () => {
  const local = await localCloudWatch()
  const exporter = {
    log_group_name: '/t/{metadata.x-tenant:lower|"anyone"}/{k8s.namespace.name:upper|team|"shared"}',
    log_stream_name: '{aws.log.stream.names|library|"none"}-{time:%Y-%m-%d}',
  }
  const daemon = await startDaemon(withMetadata(local.url, exporter))
  const time = BigInt(Date.now()) * 1_000_000n
  const today = new Date(Number(time / 1_000_000n)).toISOString().slice(0, 10)
  const record = { body: 'x', time, attributes: { team: 'blue' } }
  const request = logsRequest(
    { resource: { 'k8s.namespace.name': 'Prod' }, scopes: [{ attributes: { library: 'lib' }, records: [record] }] },
    { resource: { 'aws.log.stream.names': ['first', 'second'] }, scopes: [{ records: [record, { body: 'y', time }] }] },
  )
  expect((await httpSender(daemon, { 'X-Tenant': 'ACME' })(request)).kind).toBe('taken')
  expect((await grpcSender(daemon, { 'x-tenant': 'Other' })(request)).kind).toBe('taken')
  expect((await httpSender(daemon)(request)).kind).toBe('taken')
  expect(await daemon.stop()).toBe(0)
  expect(namesOf(local).toSorted()).toEqual(
    ['acme', 'anyone', 'other'].flatMap((tenant) => [
      `/t/${tenant}/PROD lib-${today}`,
      `/t/${tenant}/blue first-${today}`,
      `/t/${tenant}/shared first-${today}`,
    ]),
  )
})

test('templates: streams above max_new_destinations share the overflow stream', async () => {
  const local = await localCloudWatch()
  const exporter = {
    log_group_name: '/t/all',
    log_stream_name: '{id}',
    max_new_destinations: 2,
    overflow_log_stream_name: 'others',
  }
  const daemon = await startDaemon(cloudwatchConfig(local.url, { exporter }))
  const records = Array.from({ length: 1_000 }, (_, id) => ({ body: `${id}`, attributes: { id: BigInt(id) } }))
  expect((await httpSender(daemon)(recordsRequest(...records))).kind).toBe('taken')
  expect(await daemon.stop()).toBe(0)
  expect(namesOf(local).toSorted()).toEqual(['/t/all 0', '/t/all 1', '/t/all others'])
  expect(local.events('/t/all', 'others')).toHaveLength(998)
})

test('templates: hostile values become legal names, and the daemon goes on', async () => {
  const local = await localCloudWatch()
  const daemon = await startDaemon(
    withMetadata(local.url, { log_group_name: '/t/{a|metadata.x-a}', log_stream_name: '{b:upper|"none"}' }),
  )
  const hostile = [
    'x'.repeat(1_000_000),
    '../../aws/lambda',
    '{b}',
    'a\u0000b\nc',
    ':*:*',
    '😀'.repeat(3_000),
    '\u202e',
  ]
  const records = hostile.map((value) => ({ body: 'x', attributes: { a: value, b: value } }))
  expect((await httpSender(daemon, { 'x-a': 'y'.repeat(8_000) })(recordsRequest(...records, { body: 'z' }))).kind).toBe(
    'taken',
  )
  expect(await daemon.stop()).toBe(0)
  expect(local.events()).toHaveLength(hostile.length + 1)
  for (const name of namesOf(local)) expect(name).toMatch(/^\/t\/[.\-_/#A-Za-z0-9]{1,509} [^:*]{1,512}$/u)
})

test.each([
  ['{"x"}', /log_group_name: "\{\\"x\\"\}" has only a text/],
  ['/x/{a|"b"|c}', /log_group_name: .* has c in \{a\|"b"\|c\}, which is never used/],
  ['/x/{time:%Q}', /log_group_name: .* has "%Q" in \{time:%Q\}: the date parts are %Y/],
  ['/x/{a:Lower}', /log_group_name: .* has the format "Lower" after "a": write lower or upper/],
])('templates: %s can never resolve and is a config error', async (name, problem) => {
  const file = await configFile(cloudwatchConfig('http://127.0.0.1:1', { exporter: { log_group_name: name } }))
  const { code, stderr } = await runToEnd(['validate', '--config', file])
  expect(stderr).toMatch(problem)
  expect(code).toBe(2)
})

test('templates: metadata that no receiver passes on is a config error', async () => {
  const exporter = { log_stream_name: '{metadata.x-tenant|"none"}' }
  const without = await runToEnd([
    'validate',
    '--config',
    await configFile(withMetadata('http://[::1]:1', exporter, false)),
  ])
  expect(without.stderr).toMatch(
    /exporters\.awscloudwatchlogs\.log_stream_name: uses metadata\.x-tenant, which no receiver passes on, so it would never have a value: write include_metadata: true in otlp, under the protocol/,
  )
  expect(without.code).toBe(2)
  const passed = await runToEnd(['validate', '--config', await configFile(withMetadata('http://[::1]:1', exporter))])
  expect(passed.code).toBe(0)
})

test('templates: the library has no metadata, and says so', () => {
  const options = { logGroupName: 'g', logStreamName: '{metadata.x}', region: 'us-east-1' }
  expect(() => new CloudWatchLogRecordExporter(options)).toThrow(
    'logStreamName uses metadata.x: only requests to the daemon have metadata: remove it',
  )
})
