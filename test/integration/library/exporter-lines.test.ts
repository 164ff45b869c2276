// `level`, `format` and `metadata` of CloudWatchLogRecordExporter.
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs'
import { expect, onTestFinished, test } from 'vitest'
import { CloudWatchLogRecordExporter } from '../../../src/index.ts'
import { exported, library, problem, storedBodies } from './library.ts'

const TIME = BigInt(Date.now()) * 1_000_000n

test('level drops records below it, and keeps those without a severity', async () => {
  const { local, exporter, send } = await library({ level: 'warn' })
  const result = await send(
    { body: 'debug', severityNumber: 5 },
    { body: 'info', severityNumber: 12 },
    { body: 'warn', severityNumber: 13 },
    { body: 'fatal', severityNumber: 24 },
    { body: 'unset' },
  )
  expect(result.code).toBe(0)
  expect(storedBodies(local).toSorted()).toEqual(['fatal', 'unset', 'warn'])
  expect(exporter.ledger).toMatchObject({ received: 3, delivered: 3 })
  expect((await send({ body: 'info', severityNumber: 9 })).code).toBe(0)
  expect(local.events()).toHaveLength(3)
})

test('format makes the message from a record of the SDK and from serialized ones, with the chosen metadata', async () => {
  const { local, exporter, send } = await library({
    format: '$date $time $metadata[$level]$levelpad $message\n',
    metadata: ['request_id', 'card'],
    logGroupName: '/app/{tenant}',
  })
  const provider = new LoggerProvider({
    processors: [new BatchLogRecordProcessor({ exporter })],
  })
  onTestFinished(() => provider.shutdown())
  provider.getLogger('checkout').emit({
    body: 'paid',
    severityNumber: 9,
    severityText: 'INFO',
    attributes: { request_id: 'r1', tenant: 'a', card: { last: 4 } },
  })
  await provider.forceFlush()
  await send({ body: { kvlist: { a: 1n } }, severityNumber: 17, time: TIME, attributes: { tenant: 'b' } })
  const time = new Date(Number(TIME / 1_000_000n)).toISOString()
  // A name may come from an attribute that the line does not show.
  expect(local.events('/app/a')[0]?.message).toMatch(
    /^\S{10} \S{12} request_id=r1 card=\{"last":"?4"?\} \[info\]  paid$/,
  )
  expect(local.events('/app/b')[0]?.message).toBe(`${time.slice(0, 10)} ${time.slice(11, 23)} [error] {"a":"1"}`)
})

test('metadata alone leaves JSON events with the chosen attributes, and everything else of a record', async () => {
  const { local, send } = await library({ metadata: ['kept'] })
  const traceId = new Uint8Array(16).fill(0xab)
  const spanId = new Uint8Array(8).fill(0xcd)
  await send({ body: 'a', attributes: { kept: 1n, left: 2n }, traceId, spanId, flags: 1, eventName: 'e', time: TIME })
  expect(JSON.parse(local.events()[0]?.message ?? '')).toEqual({
    body: 'a',
    attributes: { kept: 1 },
    trace_id: 'ab'.repeat(16),
    span_id: 'cd'.repeat(8),
    flags: 1,
    event_name: 'e',
  })
})

test('bytes that are not OTLP fail the export', async () => {
  const { exporter } = await library({ level: 'info' })
  expect(problem(await exported(exporter, new Uint8Array([0xff, 0xff, 0xff])))).toMatch(/./)
})

test.each([
  [{ level: 'warning' }, 'level: "warning" is not a severity: write one of trace, debug, info, warn, error, fatal'],
  [{ level: 5 }, 'level: number is not a severity'],
  [{ format: '$text' }, 'format: "$text" is not a placeholder'],
  [{ metadata: [5] }, 'metadata: this list is neither "all" nor a list of keys'],
  [{ format: '$message', rawLog: false }, 'rawLog: false would put the line of format into JSON'],
])('%j is refused with what to write', (wrong, expected) => {
  const options = { logGroupName: 'g', logStreamName: 's', ...wrong } as never
  expect(() => new CloudWatchLogRecordExporter(options)).toThrow(`CloudWatchLogRecordExporter: ${expected}`)
})
