import type { Attributes, LogRecord, ResourceLogs, ScopeLogs } from '../../otlp/logs.ts'
import { onOneLine, typedText, valueText } from './value-text.ts'

// Output for people, in the collector's format, which its documentation says may change at any time.

/** One line per resource, scope and record. */
export function normalText(logs: readonly ResourceLogs[]): string {
  const lines: string[] = []
  for (const [r, { resource, scopeLogs }] of logs.entries()) {
    lines.push(`ResourceLog #${r}${pairs(resource.attributes)}`)
    for (const [s, { scope, logRecords }] of scopeLogs.entries()) {
      const name = scope.version === '' ? scope.name : `${scope.name}@${scope.version}`
      lines.push(`ScopeLog #${s} ${onOneLine(name)}`.trimEnd() + pairs(scope.attributes))
      for (const record of logRecords) lines.push(`${valueText(record.body)}${pairs(record.attributes)}`)
    }
  }
  return lines.join('\n')
}

/** One line per field. */
export function detailedText(logs: readonly ResourceLogs[]): string {
  const lines: string[] = []
  for (const [r, { resource, scopeLogs, schemaUrl }] of logs.entries()) {
    lines.push(`ResourceLog #${r}`, `Resource SchemaURL: ${onOneLine(schemaUrl)}`)
    pushAttributes(lines, 'Resource attributes', resource.attributes)
    for (const [s, scopeLog] of scopeLogs.entries()) pushScope(lines, s, scopeLog)
  }
  return lines.join('\n')
}

function pushScope(lines: string[], place: number, { scope, logRecords, schemaUrl }: ScopeLogs): void {
  lines.push(`ScopeLogs #${place}`, `ScopeLogs SchemaURL: ${onOneLine(schemaUrl)}`)
  lines.push(`InstrumentationScope ${onOneLine(scope.name)} ${onOneLine(scope.version)}`.trimEnd())
  pushAttributes(lines, 'InstrumentationScope attributes', scope.attributes)
  for (const [i, record] of logRecords.entries()) pushRecord(lines, i, record)
}

function pushRecord(lines: string[], place: number, record: LogRecord): void {
  lines.push(
    `LogRecord #${place}`,
    `ObservedTimestamp: ${timeText(record.observedTimeUnixNano)}`,
    `Timestamp: ${timeText(record.timeUnixNano)}`,
    `SeverityText: ${onOneLine(record.severityText)}`,
    `SeverityNumber: ${severityName(record.severityNumber)}(${record.severityNumber})`,
  )
  if (record.eventName !== '') lines.push(`EventName: ${onOneLine(record.eventName)}`)
  lines.push(`Body: ${typedText(record.body)}`)
  pushAttributes(lines, 'Attributes', record.attributes)
  if (record.droppedAttributesCount > 0) lines.push(`DroppedAttributesCount: ${record.droppedAttributesCount}`)
  lines.push(`Trace ID: ${hex(record.traceId)}`, `Span ID: ${hex(record.spanId)}`, `Flags: ${record.flags}`)
}

function pushAttributes(lines: string[], title: string, attributes: Attributes): void {
  if (attributes.size === 0) return
  lines.push(`${title}:`)
  for (const [key, value] of attributes) lines.push(`     -> ${onOneLine(key)}: ${typedText(value)}`)
}

/** ` key=value` per attribute. */
function pairs(attributes: Attributes): string {
  let text = ''
  for (const [key, value] of attributes) text += ` ${onOneLine(key)}=${valueText(value)}`
  return text
}

const NS_PER_MS = 1_000_000n
const NS_PER_S = 1_000_000_000n

/** RFC 3339 with nanoseconds. The largest uint64 is in the year 2554, which fits a Date. */
function timeText(unixNano: bigint): string {
  if (unixNano === 0n) return 'unknown'
  const date = new Date(Number(unixNano / NS_PER_MS))
  const nanoseconds = String(unixNano % NS_PER_S).padStart(9, '0')
  return `${date.toISOString().slice(0, -'.000Z'.length)}.${nanoseconds}Z`
}

const SEVERITIES = ['Trace', 'Debug', 'Info', 'Warn', 'Error', 'Fatal'] as const

/** 1 to 24 in six groups of four (OTLP logs data model): 9 is Info, 10 is Info2. */
function severityName(number: number): string {
  if (number < 1 || number > 24) return 'Unspecified'
  const step = (number - 1) % 4
  return `${SEVERITIES[Math.floor((number - 1) / 4)]}${step === 0 ? '' : step + 1}`
}

function hex(id: Uint8Array): string {
  return Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString('hex')
}
