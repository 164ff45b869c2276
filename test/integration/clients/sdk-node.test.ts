// The Node SDK sends by each of its exporters, the daemon writes, the AWS SDK reads.
import { CloudWatchLogsClient, type FilteredLogEvent, paginateFilterLogEvents } from '@aws-sdk/client-cloudwatch-logs'
import { type LogRecord, ROOT_CONTEXT, SeverityNumber, trace, TraceFlags } from '@opentelemetry/api'
import { OTLPLogExporter as GrpcExporter } from '@opentelemetry/exporter-logs-otlp-grpc'
import { OTLPLogExporter as JsonExporter } from '@opentelemetry/exporter-logs-otlp-http'
import { OTLPLogExporter as ProtobufExporter } from '@opentelemetry/exporter-logs-otlp-proto'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BatchLogRecordProcessor, LoggerProvider, type LogRecordExporter } from '@opentelemetry/sdk-logs'
import { beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { type CloudWatchLocal, startCloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { cloudwatchConfig } from '../daemon/daemon-config.ts'
import { type Daemon, startDaemon } from '../daemon/daemon.ts'
import { parseMessage } from './sdk-events.ts'

const EXPORTERS: Readonly<Record<string, (daemon: Daemon) => LogRecordExporter>> = {
  grpc: ({ grpcPort }) => new GrpcExporter({ url: `http://127.0.0.1:${grpcPort}` }),
  protobuf: ({ httpPort }) => new ProtobufExporter({ url: `http://127.0.0.1:${httpPort}/v1/logs` }),
  json: ({ httpPort }) => new JsonExporter({ url: `http://127.0.0.1:${httpPort}/v1/logs` }),
}

const SPAN = {
  traceId: '0102030405060708090a0b0c0d0e0f10',
  spanId: '0102030405060708',
  traceFlags: TraceFlags.SAMPLED,
}

const ATTRIBUTES = {
  text: 'Grüße "quoted" \\ <b>&\u2028 😀 tab\t line\n',
  'lone surrogate': 'a\ud800b',
  'empty text': '',
  true: true,
  false: false,
  int: 17,
  'largest safe int': Number.MAX_SAFE_INTEGER,
  float: 0.1,
  'tiny float': 5e-324,
  nan: Number.NaN,
  infinity: Number.POSITIVE_INFINITY,
  bytes: Uint8Array.of(0, 255, 254),
  texts: ['a', 'b'],
  'empty list': [],
  mixed: ['a', 1, true, 2.5, null],
  map: { key: { deeper: [1, { deepest: 'x' }] } },
  null: null,
}

const RECORDS: readonly LogRecord[] = [
  {
    body: 'every kind of attribute',
    severityNumber: SeverityNumber.INFO,
    severityText: 'INFO',
    attributes: ATTRIBUTES,
  },
  { body: { order: 17, items: [{ sku: 'a-1', count: 2 }], note: null } },
  { body: ['a', 1, { b: 2 }] },
  { body: Uint8Array.of(1, 2, 3) },
  { body: 42 },
  { body: false },
  { body: '' },
  { attributes: { only: 'attributes' } },
  { body: 'with a span', context: trace.setSpanContext(ROOT_CONTEXT, SPAN) },
  { body: 'an event', eventName: 'session.start', severityNumber: SeverityNumber.ERROR4 },
]

let local: CloudWatchLocal
beforeAll(async () => {
  local = await startCloudWatchLocal()
  return () => local.close()
})

const CASES = Object.entries(EXPORTERS).flatMap(([name, exporter]) => [
  { name, exporter, compression: 'none' },
  { name, exporter, compression: 'gzip' },
])

test.each(CASES)(
  '$name, compression $compression: each record is stored once, equal as JSON',
  async ({ name, exporter, compression }) => {
    const daemon = await startDaemon(cloudwatchConfig(local.url))
    const service = `${name}-${compression}`
    const baseMs = Date.now()
    vi.stubEnv('OTEL_EXPORTER_OTLP_COMPRESSION', compression)
    onTestFinished(() => void vi.unstubAllEnvs())
    const provider = new LoggerProvider({
      resource: resourceFromAttributes({ 'service.name': service, replicas: 3, zones: ['a', 'b'], canary: true }),
      processors: [new BatchLogRecordProcessor({ exporter: exporter(daemon) })],
    })
    const logger = provider.getLogger('shop', '1.2.3')
    for (const [index, record] of RECORDS.entries()) logger.emit({ ...record, timestamp: baseMs + index })
    await provider.shutdown()
    expect(await daemon.stop()).toBe(0)

    const events = await read(`/test/${service}`)
    expect(events.map(({ timestamp, message = '' }) => ({ timestamp, event: parseMessage(message) }))).toEqual(
      expectedEvents(name, service, baseMs),
    )
  },
)

function expectedEvents(exporter: string, service: string, baseMs: number): unknown[] {
  const resource = { 'service.name': service, replicas: 3, zones: ['a', 'b'], canary: true }
  const attributes = {
    ...ATTRIBUTES,
    'lone surrogate': 'a\ufffdb',
    bytes: 'AP/+',
    // In JSON the SDK sends both as null: what they were is gone.
    nan: exporter === 'json' ? null : 'NaN',
    infinity: exporter === 'json' ? null : 'Infinity',
  }
  return [
    { body: 'every kind of attribute', severity_number: 9, severity_text: 'INFO', attributes },
    { body: { order: 17, items: [{ sku: 'a-1', count: 2 }], note: null } },
    { body: ['a', 1, { b: 2 }] },
    { body: 'AQID' },
    { body: 42 },
    { body: false },
    { body: '' },
    { attributes: { only: 'attributes' } },
    { body: 'with a span', flags: 1, trace_id: SPAN.traceId, span_id: SPAN.spanId },
    { body: 'an event', severity_number: 20, event_name: 'session.start' },
  ].map((event, index) => ({
    timestamp: baseMs + index,
    event: { ...event, scope: { name: 'shop', version: '1.2.3' }, resource },
  }))
}

/** In the order of time. */
async function read(logGroupName: string): Promise<FilteredLogEvent[]> {
  const client = new CloudWatchLogsClient({
    endpoint: local.url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'AKIDTEST', secretAccessKey: 'secret' },
  })
  onTestFinished(() => client.destroy())
  const events: FilteredLogEvent[] = []
  for await (const page of paginateFilterLogEvents({ client }, { logGroupName })) events.push(...(page.events ?? []))
  return events
}
