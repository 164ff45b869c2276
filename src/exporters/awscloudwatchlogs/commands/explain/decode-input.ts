// The formats that `explain` reads, each turned into the bytes that a receiver passes on.

import { countRecords } from '../../../../otlp/check.ts'
import { MalformedJson } from '../../../../otlp/json-reader.ts'
import { jsonToProtobuf } from '../../../../otlp/json-to-protobuf.ts'
import { LOG_RECORD } from '../../../../otlp/schema.ts'
import { MalformedProtobuf } from '../../../../wire/protobuf-reader.ts'
import { ProtobufWriter } from '../../../../wire/protobuf-writer.ts'

/**
 * `json`: an ExportLogsServiceRequest, or one a line. `record`: a LogRecord, or one a line. `protobuf`: an
 * ExportLogsServiceRequest. `text`: each line is the body of a record.
 */
export const FORMATS = ['json', 'record', 'protobuf', 'text'] as const
export type Format = (typeof FORMATS)[number]

export interface Decoded {
  readonly kind: 'decoded'
  readonly format: Format
  /** An ExportLogsServiceRequest in protobuf. */
  readonly request: Uint8Array
  /** The receiver's warning about fields that are not OTLP; empty for none. */
  readonly warning: string
}
export type DecodedInput = Decoded | { readonly kind: 'failed'; readonly message: string }

/** Attributes as `KEY=VALUE`, for formats that cannot hold them. */
export interface AddedAttributes {
  readonly resource: readonly string[]
  readonly record: readonly string[]
}

/** Maximum lines: each becomes a string. */
const MAX_LINES = 100_000
/** Tag of `resource_logs`, the only field of a request. */
const RESOURCE_LOGS_TAG = 0x0a
const REQUEST_KEYS: ReadonlySet<string> = new Set(['resourceLogs', 'resource_logs'])
/** The first key of a JSON object. */
const FIRST_KEY = /^\s*\{\s*"([^"\\]*)"/

/** @param wanted undefined: judged by the first bytes */
export function decodeInput(bytes: Buffer, wanted: Format | undefined, added: AddedAttributes): DecodedInput {
  const format = wanted ?? formatOf(bytes)
  const unused =
    format === 'json' || format === 'protobuf' ? added.resource.length > 0 || added.record.length > 0 : false
  if (unused)
    return failed(`--resource, --attribute: the input is ${format}, which has its own attributes: leave them out`)
  try {
    if (format === 'protobuf') {
      countRecords(bytes)
      return { kind: 'decoded', format, request: bytes, warning: '' }
    }
    if (format === 'text') return decoded(format, [fromText(bytes.toString(), added)])
    const lines = isOnePerLine(bytes) ? linesOf(bytes.toString()) : [bytes.toString()]
    return decoded(format, format === 'json' ? lines : lines.map((line) => wrapRecord(line, added)))
  } catch (error) {
    if (error instanceof MalformedProtobuf)
      return failed(`FILE: is not an ExportLogsServiceRequest in protobuf: ${error.message}: a receiver answers 400`)
    if (error instanceof Unusable) return failed(error.message)
    throw error
  }
}

/** A problem of the input, or of an option. */
class Unusable extends Error {}

function formatOf(bytes: Buffer): Format {
  if (bytes[0] === RESOURCE_LOGS_TAG && isProtobuf(bytes)) return 'protobuf'
  // A key of OTLP has at most 24 characters.
  const key = FIRST_KEY.exec(bytes.toString('utf8', 0, 4_096))?.[1]
  if (key === undefined) return 'text'
  if (REQUEST_KEYS.has(key)) return 'json'
  return LOG_RECORD.fields.some((field) => field?.name === key) ? 'record' : 'text'
}

function isProtobuf(bytes: Buffer): boolean {
  try {
    return countRecords(bytes) > 0
  } catch (error) {
    if (error instanceof MalformedProtobuf) return false
    throw error
  }
}

/** Whether each line is an object of its own, as the collector's `file` exporter writes them. */
function isOnePerLine(bytes: Buffer): boolean {
  return /\}[ \t\r]*\n\s*\{/.test(
    bytes.toString('utf8', Math.max(0, bytes.indexOf(0x0a) - 16), bytes.indexOf(0x0a) + 64),
  )
}

function linesOf(text: string): string[] {
  const lines = text.split('\n', MAX_LINES + 1)
  if (lines.length > MAX_LINES) throw new Unusable(`FILE: has over ${MAX_LINES} lines: write a part of it`)
  const filled = lines.map((line) => line.replace(/\r$/, '')).filter((line) => line.trim() !== '')
  if (filled.length === 0) throw new Unusable('FILE: has only empty lines: write OTLP logs, or lines of text')
  return filled
}

/** Requests in JSON as one in protobuf: `resource_logs` is repeated, so their bytes follow one another. */
function decoded(format: Format, requests: readonly string[]): Decoded {
  const writer = new ProtobufWriter()
  const parts: Buffer[] = []
  let warning = ''
  for (const [at, request] of requests.entries()) {
    try {
      warning ||= jsonToProtobuf(Buffer.from(request), writer)
    } catch (error) {
      if (!(error instanceof MalformedJson)) throw error
      const line = requests.length > 1 ? `line ${at + 1}: ` : ''
      throw new Unusable(`FILE: ${line}${error.message.replace(RECORD_PATH, '$')}: a receiver answers 400`)
    }
    parts.push(Buffer.from(writer.view()))
  }
  return { kind: 'decoded', format, request: parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts), warning }
}

/** The path of a record that `wrapRecord` wrapped. */
const RECORD_PATH = '$.resourceLogs[0].scopeLogs[0].logRecords[0]'

function wrapRecord(record: string, { resource, record: attributes }: AddedAttributes): string {
  if (attributes.length > 0)
    throw new Unusable('--attribute: the input is a record, which has its own attributes: write them in it')
  return inRequest(resource, record)
}

function fromText(text: string, { resource, record }: AddedAttributes): string {
  const attributes = attributesOf('--attribute', record)
  const records = linesOf(text).map((line) => JSON.stringify({ body: { stringValue: line }, attributes }))
  return inRequest(resource, records.join(','))
}

function inRequest(resource: readonly string[], records: string): string {
  const attributes = JSON.stringify(attributesOf('--resource', resource))
  return `{"resourceLogs":[{"resource":{"attributes":${attributes}},"scopeLogs":[{"logRecords":[${records}]}]}]}`
}

function attributesOf(option: string, written: readonly string[]): object[] {
  return written.map((pair) => {
    const equals = pair.indexOf('=')
    if (equals < 1)
      throw new Unusable(`${option}: ${JSON.stringify(pair)} is not KEY=VALUE: write one such as service.name=shop`)
    return { key: pair.slice(0, equals), value: { stringValue: pair.slice(equals + 1) } }
  })
}

function failed(message: string): DecodedInput {
  return { kind: 'failed', message }
}
