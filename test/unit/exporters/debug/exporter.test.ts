import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { ByteBudget } from '../../../../src/component/byte-budget.ts'
import type { Host } from '../../../../src/component/component.ts'
import type { LogsExporter, LogsRequest } from '../../../../src/component/consumer.ts'
import type { Refused, Retry } from '../../../../src/accounting/outcome.ts'
import { ALONE } from '../../../../src/component/siblings.ts'
import { debugExporter } from '../../../../src/exporters/debug/index.ts'
import { jsonToProtobuf } from '../../../../src/otlp/json-to-protobuf.ts'
import { createLogger } from '../../../../src/telemetry/create-logger.ts'
import { Registry } from '../../../../src/telemetry/registry.ts'
import { ProtobufWriter } from '../../../../src/wire/protobuf-writer.ts'

const HOST: Host = { extension: () => undefined, fatal: (error) => expect.fail(error.message) }

const directory = mkdtempSync(join(tmpdir(), 'debug-exporter-'))
afterAll(() => rmSync(directory, { recursive: true }))

/** A debug exporter and what it wrote to the daemon's log, without the times. */
function createDebug(yaml: object) {
  const lines: string[] = []
  const destination = { write: (line: string) => void lines.push(line.slice(25)) }
  const exporter = debugExporter.create({
    id: { type: 'debug', name: '' },
    config: debugExporter.config.parse(yaml),
    logger: createLogger({ level: 'info', encoding: 'console', destination }),
    metrics: new Registry(),
    budget: new ByteBudget(1),
    build: { name: 'test', version: '0' },
    shape: {},
    siblings: ALONE,
  })
  return { exporter, lines }
}

function send(exporter: LogsExporter, json: object, receivedAtMs = 0): Retry | Refused | undefined {
  const writer = new ProtobufWriter()
  jsonToProtobuf(Buffer.from(JSON.stringify(json)), writer)
  return sendBytes(exporter, { bytes: writer.view(), receivedAtMs, metadata: undefined })
}

function sendBytes(exporter: LogsExporter, request: LogsRequest): Retry | Refused | undefined {
  const reservation = exporter.reserve(request)
  if (reservation.kind !== 'reserved') return reservation
  let settled = 0
  reservation.commit({
    queued: (failure) => expect(failure).toBeUndefined(),
    settled: (_, records) => (settled += records),
  })
  expect(settled).toBe(reservation.records)
  return undefined
}

const attribute = (key: string, value: object) => ({ key, value })
const REQUEST = {
  resourceLogs: [
    {
      resource: { attributes: [attribute('service.name', { stringValue: 'shop' })] },
      schemaUrl: 'https://opentelemetry.io/schemas/1.4.0',
      scopeLogs: [
        {
          scope: { name: 'cart', version: '1.2' },
          logRecords: [
            {
              timeUnixNano: '1544712660300000001',
              severityNumber: 10,
              severityText: 'INFO',
              eventName: 'bought',
              body: { stringValue: 'line one\nline two\u001b[2J' },
              traceId: '5b8efff798038103d269b633813fc60c',
              spanId: 'eee19b7ec3c1b174',
              flags: 1,
              attributes: [
                attribute('int', { intValue: '9223372036854775807' }),
                attribute('double', { doubleValue: 'NaN' }),
                attribute('bool', { boolValue: true }),
                attribute('bytes', { bytesValue: 'AQI=' }),
                attribute('empty', {}),
                attribute('list', { arrayValue: { values: [{ intValue: '1' }, { stringValue: 'a' }] } }),
                attribute('map', { kvlistValue: { values: [attribute('k', { doubleValue: 1.5 })] } }),
              ],
            },
            { body: { stringValue: 'second' } },
          ],
        },
      ],
    },
  ],
}

describe('verbosity', () => {
  test('basic is one line a request', () => {
    const { exporter, lines } = createDebug({})
    send(exporter, REQUEST)
    expect(lines).toEqual(['info  logs resource_logs=1 log_records=2\n'])
  })

  test('normal adds a line for each resource, scope and record', () => {
    const { exporter, lines } = createDebug({ verbosity: 'normal' })
    send(exporter, REQUEST)
    expect(lines[1]).toBe(
      [
        'info  ResourceLog #0 service.name=shop',
        'ScopeLog #0 cart@1.2',
        'line one\\nline two\\u001b[2J int=9223372036854775807 double="NaN" bool=true bytes=AQI= empty= list=[1,"a"] map={"k":1.5}',
        'second\n',
      ].join('\n\t'),
    )
  })

  test('detailed adds every field, each with its type', () => {
    const { exporter, lines } = createDebug({ verbosity: 'detailed' })
    send(exporter, REQUEST)
    expect((lines[1] ?? '').split('\n\t')).toEqual([
      'info  ResourceLog #0',
      'Resource SchemaURL: https://opentelemetry.io/schemas/1.4.0',
      'Resource attributes:',
      '     -> service.name: Str(shop)',
      'ScopeLogs #0',
      'ScopeLogs SchemaURL: ',
      'InstrumentationScope cart 1.2',
      'LogRecord #0',
      'ObservedTimestamp: unknown',
      'Timestamp: 2018-12-13T14:51:00.300000001Z',
      'SeverityText: INFO',
      'SeverityNumber: Info2(10)',
      'EventName: bought',
      'Body: Str(line one\\nline two\\u001b[2J)',
      'Attributes:',
      '     -> int: Int(9223372036854775807)',
      '     -> double: Double("NaN")',
      '     -> bool: Bool(true)',
      '     -> bytes: Bytes(AQI=)',
      '     -> empty: Empty()',
      '     -> list: Slice([1,"a"])',
      '     -> map: Map({"k":1.5})',
      'Trace ID: 5b8efff798038103d269b633813fc60c',
      'Span ID: eee19b7ec3c1b174',
      'Flags: 1',
      'LogRecord #1',
      'ObservedTimestamp: unknown',
      'Timestamp: unknown',
      'SeverityText: ',
      'SeverityNumber: Unspecified(0)',
      'Body: Str(second)',
      'Trace ID: ',
      'Span ID: ',
      'Flags: 0\n',
    ])
  })
})

test('the first two requests of a second are shown, then every nth, and all are counted', () => {
  const { exporter, lines } = createDebug({ sampling_thereafter: 3 })
  for (let i = 0; i < 9; i++) send(exporter, REQUEST, 5_000 + i)
  expect(lines).toHaveLength(2 + 2)
  send(exporter, REQUEST, 6_000)
  expect(lines).toHaveLength(5)
  expect(exporter.ledger).toMatchObject({ received: 20, delivered: 20 })
})

test('sampling_thereafter 0 shows no more in the same second', () => {
  const { exporter, lines } = createDebug({ sampling_initial: 1, sampling_thereafter: 0 })
  for (let i = 0; i < 5; i++) send(exporter, REQUEST)
  expect(lines).toHaveLength(1)
})

test('malformed bytes are refused and not shown', () => {
  const { exporter, lines } = createDebug({})
  const bytes = new Uint8Array([0x0a, 0x05, 0x00])
  const outcome = sendBytes(exporter, { bytes, receivedAtMs: 0, metadata: undefined })
  expect(outcome).toMatchObject({ kind: 'refused', cause: 'malformed' })
  expect(lines).toEqual([])
})

test('without the internal logger it appends to the files in output_paths', async () => {
  const path = join(directory, 'records.txt')
  for (let i = 0; i < 2; i++) {
    const { exporter, lines } = createDebug({ use_internal_logger: false, output_paths: [path] })
    await exporter.start(HOST)
    send(exporter, REQUEST)
    await exporter.shutdown(AbortSignal.abort())
    expect(lines).toEqual([])
  }
  const written = readFileSync(path, 'utf8').trimEnd().split('\n')
  expect(written).toHaveLength(2)
  expect(written[1]).toContain('info  logs resource_logs=1 log_records=2')
})

test('a file that cannot be opened fails the start', async () => {
  const { exporter } = createDebug({ use_internal_logger: false, output_paths: [join(directory, 'no', 'such')] })
  await expect(exporter.start(HOST)).rejects.toThrow('ENOENT')
  await exporter.shutdown(AbortSignal.abort())
})

test.for([
  [{ output_paths: ['stdout'] }, 'add use_internal_logger: false'],
  [{ use_internal_logger: false, output_paths: [] }, 'write stdout, stderr or a file'],
  [{ output: { record: { enabled: false } } }, 'is not supported yet'],
  [{ verbosity: 'none' }, 'basic'],
] as const)('the config %j is refused', ([yaml, message]) => {
  expect(debugExporter.config.safeParse(yaml).error?.message).toContain(message)
})

describe('of a request that is too large to show', () => {
  const record = (body: object) => ({
    resourceLogs: [{ scopeLogs: [{ logRecords: [{ body }, { eventName: 'last' }] }] }],
  })
  const NOT_SHOWN = /\n\t… the rest of this request is not shown: it has over 10000 fields or 1048576 bytes of text\n?$/

  test.each([
    ['a list of many values', { arrayValue: { values: Array.from({ length: 200_000 }, () => ({})) } }],
    ['a text of megabytes', { stringValue: 'x'.repeat(2_000_000) }],
  ])('%s: the first part, and a note that there is more', (_, body) => {
    const { exporter, lines } = createDebug({ verbosity: 'detailed' })
    expect(send(exporter, record(body))).toBeUndefined()
    expect(lines[0]).toContain('log_records')
    expect(lines[1]?.length).toBeLessThan(2_000_000)
    expect(lines[1]).toMatch(NOT_SHOWN)
    expect(lines[1]).not.toContain('last')
  })

  test('basic does not decode it', () => {
    const { exporter, lines } = createDebug({ verbosity: 'basic' })
    send(exporter, record({ arrayValue: { values: Array.from({ length: 200_000 }, () => ({})) } }))
    expect(lines).toHaveLength(1)
  })
})
