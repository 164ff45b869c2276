// What the events of a request have to be, the slow way: decoded into objects, and those written as JSON.
import { type AnyValue, type Attributes, decodeLogs, type LogRecord, type Scope } from '../../src/otlp/logs.ts'
import { NOW_MS } from '../unit/exporters/awscloudwatchlogs/event/transcode-request.ts'

export interface ExpectedEvent {
  readonly record: number
  readonly timestamp: number
  readonly json: string
}

export interface Expected {
  readonly events: readonly ExpectedEvent[]
  /** Records by reason. */
  readonly rejected: Readonly<Record<string, number>>
}

const DAY_MS = 86_400_000

export function expectedEvents(request: Uint8Array): Expected {
  const events: ExpectedEvent[] = []
  const rejected: Record<string, number> = {}
  const reject = (reason: string) => (rejected[reason] = (rejected[reason] ?? 0) + 1)
  let record = 0
  for (const { resource, scopeLogs } of decodeLogs(request)) {
    for (const { scope, logRecords } of scopeLogs) {
      for (const each of logRecords) {
        const timestamp = timeOf(each)
        if (timestamp < NOW_MS - 14 * DAY_MS) reject('too_old')
        else if (timestamp > NOW_MS + DAY_MS / 12) reject('too_new')
        else events.push({ record, timestamp, json: eventJson(each, scope, resource.attributes) })
        record++
      }
    }
  }
  return { events, rejected }
}

function timeOf({ timeUnixNano, observedTimeUnixNano }: LogRecord): number {
  const nanos = timeUnixNano === 0n ? observedTimeUnixNano : timeUnixNano
  return nanos === 0n ? NOW_MS : Number(nanos / 1_000_000n)
}

function eventJson(record: LogRecord, scope: Scope, resource: Attributes): string {
  const members: [string, string | undefined][] = [
    ['body', record.body === null ? undefined : valueJson(record.body)],
    ['severity_number', record.severityNumber === 0 ? undefined : String(record.severityNumber)],
    ['severity_text', textJson(record.severityText)],
    ['dropped_attributes_count', record.droppedAttributesCount === 0 ? undefined : `${record.droppedAttributesCount}`],
    ['flags', record.flags === 0 ? undefined : `${record.flags}`],
    ['trace_id', idJson(record.traceId, 16)],
    ['span_id', idJson(record.spanId, 8)],
    ['event_name', textJson(record.eventName)],
    ['attributes', mapJson(record.attributes)],
    ['scope', scopeJson(scope)],
    ['resource', mapJson(resource)],
  ]
  return objectJson(members) ?? '{}'
}

function scopeJson({ name, version, attributes }: Scope): string | undefined {
  return objectJson([
    ['name', textJson(name)],
    ['version', textJson(version)],
    ['attributes', mapJson(attributes)],
  ])
}

function valueJson(value: AnyValue): string {
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'number') {
    if (Object.is(value, -0)) return '-0'
    return Number.isFinite(value) ? JSON.stringify(value) : JSON.stringify(String(value))
  }
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  if (value instanceof Uint8Array) return JSON.stringify(Buffer.from(value).toString('base64'))
  if (value instanceof Map) return mapJson(value) ?? '{}'
  return `[${(value as readonly AnyValue[]).map(valueJson).join(',')}]`
}

function mapJson(map: Attributes): string | undefined {
  return objectJson([...map].map(([key, value]) => [key, valueJson(value)]))
}

/** Undefined for one without members. */
function objectJson(members: readonly (readonly [string, string | undefined])[]): string | undefined {
  const present = members.filter(([, json]) => json !== undefined)
  return present.length === 0
    ? undefined
    : `{${present.map(([key, json]) => `${JSON.stringify(key)}:${json}`).join(',')}}`
}

function textJson(text: string): string | undefined {
  return text === '' ? undefined : JSON.stringify(text)
}

function idJson(id: Uint8Array, length: number): string | undefined {
  return id.length === length && id.some((byte) => byte !== 0) ? `"${Buffer.from(id).toString('hex')}"` : undefined
}

/** The same for all JSON texts that mean the same: keys sorted, of equal keys the last, numbers with all their digits. */
export function canonicalJson(json: string): string {
  const parse = JSON.parse as (
    json: string,
    reviver: (key: string, value: unknown, at: { source: string }) => unknown,
  ) => unknown
  return write(parse(json, (_, value, { source }) => (typeof value === 'number' ? { number: source } : value)))
}

function write(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(write).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([key, each]) => `${JSON.stringify(key)}:${write(each)}`).join(',')}}`
}
