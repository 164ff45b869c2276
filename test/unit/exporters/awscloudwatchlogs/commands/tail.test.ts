import { expect, test, vi } from 'vitest'
import { configSchema } from '../../../../../src/exporters/awscloudwatchlogs/config.ts'
import { local, put, record, run, WITHIN } from './tail-command.ts'

test('prints existing and new events, each once, until it is stopped', async () => {
  const cloudwatch = await local()
  await put(cloudwatch, '/eks/shop', 'pod-1', [record('first')])
  const { output, stop, ended } = run({ GROUP: '/eks/shop', endpoint: cloudwatch.url, since: '1h' })
  await vi.waitUntil(() => output.out.includes('first'), WITHIN)
  await put(cloudwatch, '/eks/shop', 'pod-2', [record('second'), 'not of this exporter'])
  await vi.waitUntil(() => output.out.includes('not of this exporter'), WITHIN)
  stop()
  expect(await ended).toBe(0)
  const lines = output.out.trimEnd().split('\n')
  expect(lines.map((line) => line.replace(/^\S+ /, ''))).toEqual([
    '/eks/shop pod-1 ERROR first',
    '/eks/shop pod-2 ERROR second',
    '/eks/shop pod-2       not of this exporter',
  ])
  expect(output.err).toBe('')
})

test('reads all groups with a beginning, or those that the config writes to', async () => {
  const cloudwatch = await local()
  await put(cloudwatch, '/eks/shop', 's', [record('of shop')])
  await put(cloudwatch, '/eks/cart', 's', [record('of cart')])
  await put(cloudwatch, '/other', 's', [record('of another')])
  const once = { 'no-follow': true, since: '1h', endpoint: cloudwatch.url }
  const byPrefix = run({ GROUP: '/eks/*', ...once })
  expect(await byPrefix.ended).toBe(0)
  const config = configSchema.parse({
    log_group_name: '/eks/{namespace}',
    log_stream_name: 's',
    region: 'us-east-1',
    credentials: { access_key_id: 'local', secret_access_key: 'local' },
  })
  const byConfig = run(once, { kind: 'found', configs: new Map([['awscloudwatchlogs', config]]) })
  expect(await byConfig.ended).toBe(0)
  for (const { output } of [byPrefix, byConfig]) {
    expect(output.out).toContain('of shop')
    expect(output.out).toContain('of cart')
    expect(output.out).not.toContain('of another')
  }
})

test('prints JSON, filtered by a pattern', async () => {
  const cloudwatch = await local()
  await put(cloudwatch, 'g', 's', [record('wanted'), record('other')])
  const { output, ended } = run({
    GROUP: 'g',
    endpoint: cloudwatch.url,
    json: true,
    filter: 'wanted',
    'no-follow': true,
    since: '1h',
  })
  expect(await ended).toBe(0)
  expect(output.out.split('\n')).toHaveLength(2)
  expect(JSON.parse(output.out)).toEqual({
    timestamp: expect.stringMatching(/Z$/) as string,
    group: 'g',
    stream: 's',
    message: record('wanted'),
  })
})

test('colors a severity, and lets no message control the terminal', async () => {
  const cloudwatch = await local()
  await put(cloudwatch, 'g', 's', [record('\u001b[2Jcleared\nnext', { severity_text: 'FATAL' })])
  const { output, ended } = run({ GROUP: 'g', endpoint: cloudwatch.url, 'no-follow': true, since: '1h', colors: true })
  expect(await ended).toBe(0)
  expect(output.out).toContain('\u001b[31mFATAL\u001b[0m')
  expect(output.out).toContain(' [2Jcleared next')
  expect(output.out.split('\n')).toHaveLength(2)
})

test('a full page of short events is printed, although it is longer than any other answer', async () => {
  const cloudwatch = await local()
  await put(cloudwatch, 'g', 's', Array<string>(10_000).fill('short'))
  const { output, ended } = run({ GROUP: 'g', endpoint: cloudwatch.url, 'no-follow': true, since: '1h' })
  expect([await ended, output.err]).toEqual([0, ''])
  expect(output.out.match(/ short$/gm)).toHaveLength(10_000)
})

test.each([
  [{ GROUP: 'missing' }, 1, 'there is no log group missing in us-east-1'],
  [{}, 2, 'GROUP: write the name of a log group'],
  [{ GROUP: 'g', since: 'yesterday' }, 2, '--since: "yesterday" is not a time: write 10m, 2h, or 2026-11-28T10:00:00Z'],
  [
    { GROUP: 'g', exporter: 'awscloudwatchlogs/b' },
    2,
    '--exporter: awscloudwatchlogs/b: the config has no awscloudwatchlogs exporter',
  ],
])('%j ends with a reason', async (values, code, reason) => {
  const cloudwatch = await local()
  const { output, ended } = run({ endpoint: cloudwatch.url, ...values })
  expect(await ended).toBe(code)
  expect(output.err).toContain(reason)
})

test('an endpoint where nothing listens is named, with what to do', async () => {
  const cloudwatch = await local()
  await cloudwatch.down()
  const { output, ended } = run({ GROUP: 'g', endpoint: cloudwatch.url })
  expect(await ended).toBe(1)
  expect(output.err).toMatch(
    /^nothing listens at http:\/\/localhost:\d+ \(connect ECONNREFUSED .*: start the daemon there/,
  )
})

test('a throttled read is repeated, and loses nothing', async () => {
  const cloudwatch = await local()
  await put(cloudwatch, 'g', 's', [record('once')])
  const fault = cloudwatch.faults.throttle({ operation: 'FilterLogEvents', times: 1 })
  const { output, stop, ended } = run({ GROUP: 'g', endpoint: cloudwatch.url, since: '1h' })
  await vi.waitUntil(() => output.out.includes('once'), WITHIN)
  stop()
  expect([await ended, fault.hits]).toEqual([0, 1])
  expect(output.err).toContain('throttled')
})
