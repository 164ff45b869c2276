import { SeverityNumber } from '@opentelemetry/api-logs'
import { JsonLogsSerializer, ProtobufLogsSerializer } from '@opentelemetry/otlp-transformer'
import {
  LoggerProvider,
  SimpleLogRecordProcessor,
  type LogRecordExporter,
  type ReadableLogRecord,
} from '@opentelemetry/sdk-logs'
import { expect, test } from 'vitest'
import { countRecords } from '../../../src/otlp/check.ts'
import { jsonToProtobuf } from '../../../src/otlp/json-to-protobuf.ts'
import { decodeLogs } from '../../../src/otlp/logs.ts'
import { ProtobufWriter } from '../../../src/wire/protobuf-writer.ts'

/** Records as the SDK hands them to an exporter. */
async function sdkRecords(): Promise<ReadableLogRecord[]> {
  const records: ReadableLogRecord[] = []
  const exporter: LogRecordExporter = {
    export(batch, done) {
      records.push(...batch)
      done({ code: 0 })
    },
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  }
  const provider = new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter })] })
  const logger = provider.getLogger('scope', '1.2')
  logger.emit({
    body: 'grüße 😀',
    severityNumber: SeverityNumber.WARN,
    severityText: 'WARN',
    timestamp: 1_700_000_000_123,
    eventName: 'greeting',
    attributes: { text: 'a', integer: 42, double: 1.5, yes: true, list: ['a', 'b'], bytes: Uint8Array.of(1, 2, 255) },
  })
  logger.emit({ body: { nested: { list: [1, 'two', null, { three: 3 }] }, large: 2 ** 53 } })
  await provider.forceFlush()
  await provider.shutdown()
  return records
}

test('the JavaScript SDK’s JSON maps to the protobuf it writes', async () => {
  const records = await sdkRecords()
  const protobuf = ProtobufLogsSerializer.serializeRequest(records)
  const json = JsonLogsSerializer.serializeRequest(records)
  if (protobuf === undefined || json === undefined) throw new Error('the SDK serialized nothing')
  const writer = new ProtobufWriter()
  jsonToProtobuf(json, writer)
  expect(countRecords(protobuf)).toBe(2)
  expect(decodeLogs(writer.view())).toEqual(decodeLogs(protobuf))
  expect(decodeLogs(protobuf)[0]?.scopeLogs[0]?.logRecords[0]).toMatchObject({ body: 'grüße 😀', severityNumber: 13 })
})
