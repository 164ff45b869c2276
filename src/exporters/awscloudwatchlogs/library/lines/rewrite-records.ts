import { type AnyValue, type Attributes, decodeLogs, type LogRecord } from '../../../../otlp/logs.ts'
import { ProtobufWriter } from '../../../../wire/protobuf-writer.ts'
import type { ReadLineOptions } from './line-options.ts'
import type { Plain, PlainMap } from './plain-value.ts'
import { writeAttributes, writeValue } from './record-writer.ts'
import { levelOf, SEVERITIES, type SeverityLevel } from './severity-levels.ts'

// `level`, `format` and `metadata` of the exporter: a request is decoded and encoded again, which is done only if one of them
// is set. The records are the application's own, so their objects exist already.

export interface RewriteOptions extends ReadLineOptions {
  readonly level: SeverityLevel | undefined
}

/** @returns Returns the request without records below the level, with formatted bodies and selected attributes */
export function rewriteRecords(bytes: Uint8Array, options: RewriteOptions): Uint8Array {
  const writer = new ProtobufWriter(bytes.length)
  for (const { resource, scopeLogs, schemaUrl } of decodeLogs(bytes)) {
    const resourceLogs = writer.begin(1)
    const start = writer.begin(1)
    writeAttributes(writer, 1, plainMap(resource.attributes))
    writer.end(start)
    for (const { scope, logRecords, schemaUrl: scopeSchema } of scopeLogs) {
      const scopeStart = writer.begin(2)
      const head = writer.begin(1)
      writer.string(1, scope.name)
      writer.string(2, scope.version)
      writeAttributes(writer, 3, plainMap(scope.attributes))
      writer.end(head)
      for (const record of logRecords) writeRecord(writer, record, options)
      writer.string(3, scopeSchema)
      writer.end(scopeStart)
    }
    writer.string(3, schemaUrl)
    writer.end(resourceLogs)
  }
  return writer.view()
}

function writeRecord(writer: ProtobufWriter, record: LogRecord, { level, format, metadata }: RewriteOptions): void {
  const { severityNumber, severityText, timeUnixNano, observedTimeUnixNano } = record
  // A record without a severity may be of any.
  if (level !== undefined && severityNumber > 0 && severityNumber < SEVERITIES[level]) return
  const selected = plainMap(record.attributes, metadata)
  // A line has no attributes; the names of group and stream may come from any of them.
  const attributes = format === undefined ? selected : plainMap(record.attributes)
  const message = plain(record.body)
  const start = writer.begin(2)
  writer.fixed64(1, timeUnixNano)
  if (severityNumber > 0) writer.uint32(2, severityNumber)
  writer.string(3, severityText)
  const body = writer.begin(5)
  if (format === undefined) writeValue(writer, message)
  else {
    const nanos = timeUnixNano === 0n ? observedTimeUnixNano : timeUnixNano
    const timeMs = nanos === 0n ? Date.now() : Number(nanos / 1_000_000n)
    const name = severityText === '' ? (levelOf(severityNumber) ?? '') : severityText.toLowerCase()
    writeValue(writer, format.format({ timeMs, level: name, message, metadata: selected }))
  }
  writer.end(body)
  writeAttributes(writer, 6, attributes)
  writer.fixed32(8, record.flags)
  writer.bytes(9, record.traceId)
  writer.bytes(10, record.spanId)
  writer.fixed64(11, observedTimeUnixNano)
  writer.string(12, record.eventName)
  writer.end(start)
}

function plainMap(attributes: Attributes, keep: ReadonlySet<string> | 'all' = 'all'): PlainMap {
  const map = Object.create(null) as Record<string, Plain>
  for (const [key, value] of attributes) if (keep === 'all' || keep.has(key)) map[key] = plain(value)
  return map
}

function plain(value: AnyValue): Plain {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  return value instanceof Map ? plainMap(value as Attributes) : (value as readonly AnyValue[]).map(plain)
}
