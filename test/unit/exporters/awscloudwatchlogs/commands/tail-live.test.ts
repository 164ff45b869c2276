import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import { followLive } from '../../../../../src/exporters/awscloudwatchlogs/commands/tail/live.ts'
import { loadEncoder } from '../../../../../src/extensions/cloudwatch_local/live-tail/frame.ts'
import type { CloudWatchLocal } from '../../../../fakes/cloudwatch.ts'
import { local, put, record, run, WITHIN } from './tail-command.ts'

const live = { GROUP: 'g', live: true }

/** Waits until a session runs, then puts. */
async function putLive(cloudwatch: CloudWatchLocal, messages: readonly string[], group = 'g'): Promise<void> {
  await vi.waitUntil(() => cloudwatch.store.watchers.size === 1, WITHIN)
  await put(cloudwatch, group, 's', messages)
}

test('prints what comes while the session runs, without FilterLogEvents', async () => {
  const cloudwatch = await local()
  await put(cloudwatch, 'g', 's', [record('before')])
  const { output, stop, ended } = run({ ...live, endpoint: cloudwatch.url })
  await putLive(cloudwatch, [record('first'), 'not of this exporter'])
  await vi.waitUntil(() => output.out.includes('not of this exporter'), WITHIN)
  stop()
  expect(await ended).toBe(0)
  expect(output.out.replaceAll(/^\S+ /gm, '')).toBe('g s ERROR first\ng s       not of this exporter\n')
  expect(output.err).toBe('')
  expect(cloudwatch.calls.count('FilterLogEvents')).toBe(0)
  await vi.waitUntil(() => cloudwatch.store.watchers.size === 0, WITHIN)
})

test('follows all groups with a beginning, by a pattern, as JSON', async () => {
  const cloudwatch = await local()
  for (const group of ['/eks/a', '/eks/b', '/other']) await put(cloudwatch, group, 's', ['before'])
  const { output, stop, ended } = run({
    GROUP: '/eks/*',
    live: true,
    json: true,
    filter: 'wanted',
    endpoint: cloudwatch.url,
  })
  await putLive(cloudwatch, ['wanted of another group'], '/other')
  await putLive(cloudwatch, ['wanted of a', 'of a'], '/eks/a')
  await putLive(cloudwatch, ['wanted of b'], '/eks/b')
  await vi.waitUntil(() => output.out.includes('wanted of b'), WITHIN)
  stop()
  expect(await ended).toBe(0)
  const printed = output.out.trimEnd().split('\n')
  expect(printed.map((line) => JSON.parse(line) as object)).toMatchObject([
    { group: '/eks/a', stream: 's', message: 'wanted of a' },
    { group: '/eks/b', stream: 's', message: 'wanted of b' },
  ])
})

test('waits for the first group with a beginning', async () => {
  const cloudwatch = await local()
  const { output, stop, ended } = run({ GROUP: '/eks/*', live: true, endpoint: cloudwatch.url })
  await vi.waitUntil(() => output.err.includes('no log group begins with /eks/ yet'), WITHIN)
  await put(cloudwatch, '/eks/a', 's', ['before'])
  await putLive(cloudwatch, ['later'], '/eks/a')
  await vi.waitUntil(() => output.out.includes('later'), WITHIN)
  stop()
  expect(await ended).toBe(0)
})

test.each([
  ['AccessDeniedException', 'StartLiveTail'],
  ['UnknownOperationException', 'StartLiveTail'],
  ['AccessDeniedException', 'DescribeLogGroups'],
])('%s for %s falls back to FilterLogEvents with one line', async (code, operation) => {
  const cloudwatch = await local()
  await put(cloudwatch, 'g', 's', ['before'])
  cloudwatch.faults.error(code, 'Not\nhere', 400, { operation })
  const { output, stop, ended } = run({ ...live, endpoint: cloudwatch.url })
  await vi.waitUntil(() => output.err.includes('FilterLogEvents'), WITHIN)
  await put(cloudwatch, 'g', 's', ['after'])
  await vi.waitUntil(() => output.out.includes('after'), WITHIN)
  stop()
  expect(await ended).toBe(0)
  expect(output.err).toBe(`Live Tail is not available: ${code}: Not here; events come by FilterLogEvents\n`)
  expect(output.out).not.toContain('before')
})

test.each([
  ['SessionTimeoutException', 'ended after three hours; another begins'],
  ['SessionStreamingException', 'broke: SessionStreamingException: An unknown error occurred.; another begins'],
] as const)('a session that ends with %s is followed by another', async (how, noted) => {
  const cloudwatch = await local()
  await put(cloudwatch, 'g', 's', ['before'])
  const { output, stop, ended } = run({ ...live, endpoint: cloudwatch.url })
  await putLive(cloudwatch, ['of the first'])
  await vi.waitUntil(() => output.out.includes('of the first'), WITHIN)
  cloudwatch.endLiveTails(how)
  await vi.waitUntil(() => output.err.includes(noted), WITHIN)
  await putLive(cloudwatch, ['of the second'])
  await vi.waitUntil(() => output.out.includes('of the second'), WITHIN)
  stop()
  expect(await ended).toBe(0)
  expect(cloudwatch.calls.count('StartLiveTail', 'ok')).toBe(2)
})

test('an endpoint that goes away during a session and comes back is followed again', async () => {
  const cloudwatch = await local()
  await put(cloudwatch, 'g', 's', ['before'])
  const { output, stop, ended } = run({ ...live, endpoint: cloudwatch.url })
  await putLive(cloudwatch, ['of the first'])
  await vi.waitUntil(() => output.out.includes('of the first'), WITHIN)
  await cloudwatch.down()
  await vi.waitUntil(() => output.err.includes('broke'), WITHIN)
  await cloudwatch.up()
  await putLive(cloudwatch, ['of the second'])
  await vi.waitUntil(() => output.out.includes('of the second'), WITHIN)
  stop()
  expect(await ended).toBe(0)
})

test('reports that a session shows a sample', async () => {
  const cloudwatch = await local()
  await put(cloudwatch, 'g', 's', ['before'])
  const { output, stop, ended } = run({ ...live, endpoint: cloudwatch.url })
  await putLive(cloudwatch, Array<string>(1_200).fill('one of many'))
  await vi.waitUntil(() => output.out.includes('one of many'), WITHIN)
  stop()
  expect(await ended).toBe(0)
  expect(output.err).toMatch(/^sampled: Live Tail shows at most 500 events a second; .*\n$/)
  expect(output.out.match(/one of many/g)).toHaveLength(500)
})

test('a throttled start is repeated', async () => {
  const cloudwatch = await local()
  await put(cloudwatch, 'g', 's', ['before'])
  cloudwatch.faults.throttle({ operation: 'StartLiveTail', times: 1 })
  const { output, stop, ended } = run({ ...live, endpoint: cloudwatch.url })
  await putLive(cloudwatch, ['after'])
  await vi.waitUntil(() => output.out.includes('after'), WITHIN)
  stop()
  expect([await ended, output.err]).toEqual([0, 'StartLiveTail is throttled; trying again\n'])
})

test.each([
  [{ GROUP: 'missing' }, 1, 'there is no log group missing in us-east-1'],
  [{ GROUP: 'g', since: '1h' }, 2, '--live: a Live Tail session begins now and goes on: leave out --live or --since'],
  [{ GROUP: 'g', 'no-follow': true }, 2, 'leave out --live or --no-follow'],
])('--live with %j ends with a reason', async (values, code, reason) => {
  const cloudwatch = await local()
  const { output, ended } = run({ endpoint: cloudwatch.url, live: true, ...values })
  expect(await ended).toBe(code)
  expect(output.err).toContain(reason)
})

test('a session without updates is left', async () => {
  const encode = await loadEncoder()
  const server = createServer((request, response: ServerResponse) => {
    if (request.headers['x-amz-target'] === 'Logs_20140328.DescribeLogGroups') {
      const arn = 'arn:aws:logs:us-east-1:000000000000:log-group:g:*'
      response.setHeader('content-type', 'application/x-amz-json-1.1')
      response.end(JSON.stringify({ logGroups: [{ logGroupName: 'g', arn }] }))
      return
    }
    response.writeHead(200, { 'content-type': 'application/vnd.amazon.eventstream' })
    response.write(encode('event', 'initial-response', {}))
    response.write(encode('event', 'sessionStart', {}))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = new CloudWatchLogsClient({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    disableHostPrefix: true,
    maxAttempts: 1,
  })
  onTestFinished(() => {
    client.destroy()
    server.close()
    server.closeAllConnections()
  })
  const stop = new AbortController()
  const notes: string[] = []
  const note = (text: string) => {
    notes.push(text)
    stop.abort()
  }
  for await (const event of followLive(client, { group: 'g', filter: undefined }, note, stop.signal, 200))
    expect.unreachable(JSON.stringify(event))
  expect(notes).toEqual([
    'the Live Tail session broke: no update for 0.2 s; another begins, and events in between are not shown',
  ])
})
