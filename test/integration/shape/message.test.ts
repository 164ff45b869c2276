import { expect, onTestFinished, test } from 'vitest'
import { type CloudWatchLocal, startCloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { logsRequest, type RecordFields } from '../../fakes/logs-request.ts'
import { configFile, runToEnd, startDaemon } from '../daemon/daemon.ts'
import { cloudwatchConfig } from '../daemon/daemon-config.ts'
import { httpSender, type Answer } from '../daemon/daemon-senders.ts'
import { library } from '../library/library.ts'

/** Sends records of one resource to a daemon with these options of `message`, and returns what is stored. */
async function stored(
  message: object,
  records: readonly RecordFields[],
  exporter: object = {},
): Promise<{
  readonly events: readonly Record<string, unknown>[]
  readonly answer: Answer
  readonly local: CloudWatchLocal
}> {
  const local = await startCloudWatchLocal({ quotas: false })
  onTestFinished(() => local.close())
  const daemon = await startDaemon(cloudwatchConfig(local.url, { exporter: { message, ...exporter } }))
  const resource = { 'service.name': 'shop', 'k8s.pod.uid': 'u-1' }
  const answer = await httpSender(daemon)(logsRequest({ resource, scopes: [{ name: 'lib', records }] }))
  expect(await daemon.stop()).toBe(0)
  return { events: local.events().map(({ message }) => JSON.parse(message) as Record<string, unknown>), answer, local }
}

const traceId = Buffer.from('5759e988bd862e3fe1be46a994272793', 'hex')

test('message: body merged to the top, flat attributes, excluded fields and the trace id of X-Ray', async () => {
  const { events } = await stored(
    { merge_body: true, attributes: 'flat', exclude: ['scope', 'resource.k8s.*'], trace_id: 'xray' },
    [{ body: '{"user":"u","body":1}', traceId, attributes: { 'order.id': 17n } }, { body: 'plain' }],
  )
  expect(events).toEqual([
    {
      user: 'u',
      'body.body': 1,
      trace_id: '1-5759e988-bd862e3fe1be46a994272793',
      'order.id': 17,
      'resource.service.name': 'shop',
    },
    { body: 'plain', 'resource.service.name': 'shop' },
  ])
})

test('message: only included fields are stored', async () => {
  const { events } = await stored({ include: ['body', 'resource.service.name'] }, [{ body: 'a', severityText: 'INFO' }])
  expect(events).toEqual([{ body: 'a', resource: { 'service.name': 'shop' } }])
})

test('message: an EMF document is stored unchanged, a wrong one as a plain log with a warning', async () => {
  const document = (metrics: number) => ({
    _aws: {
      Timestamp: 1,
      CloudWatchMetrics: [
        { Namespace: 'n', Dimensions: [[]], Metrics: Array.from({ length: metrics }, (_, i) => ({ Name: `m${i}` })) },
      ],
    },
  })
  const wrong = JSON.stringify(document(101))
  const { events, answer } = await stored({ emf: true, merge_body: true }, [
    { body: JSON.stringify(document(100)) },
    { body: wrong },
  ])
  expect(events).toEqual([
    document(100),
    { body: wrong, scope: { name: 'lib' }, resource: expect.anything() as object },
  ])
  expect(answer).toEqual({
    kind: 'taken',
    rejected: 0,
    message: '1 EMF documents were wrong and became plain logs (at most 100 metrics, a Timestamp, a Namespace)',
  })
})

test('message: sequence gives the order of events of one millisecond', async () => {
  const time = BigInt(Date.now()) * 1_000_000n
  const bodies = Array.from({ length: 5_000 }, (_, i) => `${i}`)
  const { events } = await stored(
    { sequence: true },
    bodies.map((body) => ({ body, time })),
  )
  const sorted = events.toSorted((a, b) => Number(a['sequence']) - Number(b['sequence']))
  expect(sorted.map(({ body }) => body)).toEqual(bodies)
  expect(new Set(events.map(({ sequence }) => sequence)).size).toBe(bodies.length)
})

test('message: options that raw_log cannot follow, and unknown fields, are config errors', async () => {
  const exporter = { raw_log: true, message: { merge_body: true, exclude: ['bodies'] } }
  const file = await configFile(cloudwatchConfig('http://[::1]:1', { exporter }))
  const { code, stderr } = await runToEnd(['validate', '--config', file])
  expect(stderr).toMatch(/message\.exclude\S*: "bodies" is not a field of an event: write body, severity_number,/)
  expect(code).toBe(2)
  const raw = await configFile(
    cloudwatchConfig('http://[::1]:1', { exporter: { ...exporter, message: { sequence: true } } }),
  )
  expect((await runToEnd(['validate', '--config', raw])).stderr).toContain(
    'message.sequence: shapes the event around the body, and raw_log sends only the body: remove one of them',
  )
})

test('message: the library has the same options', async () => {
  const { local, send, exporter } = await library({ message: { mergeBody: true, traceId: 'xray' } })
  expect(await send({ body: { kvlist: { user: 'u' } }, traceId })).toEqual({ code: 0 })
  expect(local.events().map(({ message }) => JSON.parse(message) as unknown)).toEqual([
    { user: 'u', trace_id: '1-5759e988-bd862e3fe1be46a994272793' },
  ])
  await exporter.shutdown()
})
