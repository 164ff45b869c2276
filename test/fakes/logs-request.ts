// OTLP logs requests as bytes, from plain objects:
//
//   logsRequest({ resource: { 'service.name': 'shop' }, scopes: [{ name: 'lib', records: [{ body: 'hi', time: 1n }] }] })
//
// Values: null is an empty AnyValue, bigint an int64, number a double. What an object cannot say (the same key twice, bytes
// that are not UTF-8, a oneof that is written more than once) is said with lists of pairs, `utf8` and `oneof`.
import { ProtobufWriter } from '../../src/wire/protobuf-writer.ts'

/** A text given as the bytes on the wire, UTF-8 or not. */
export interface WireText {
  readonly utf8: Uint8Array
}
export type Text = string | WireText
export type Pairs = readonly (readonly [key: Text, value: Value | undefined])[]
export type Attributes = Pairs | Readonly<Record<string, Value>>
export type Value =
  | null
  | string
  | WireText
  | boolean
  | bigint
  | number
  | Uint8Array
  | readonly Value[]
  | { readonly kvlist: Attributes }
  | { readonly oneof: readonly Value[] }

/** Absent keys are left out of the message. */
export interface RecordFields {
  readonly time?: bigint
  readonly observed?: bigint
  readonly severityNumber?: number
  readonly severityText?: Text
  readonly body?: Value
  readonly attributes?: Attributes
  readonly dropped?: number
  readonly flags?: number
  readonly traceId?: Uint8Array
  readonly spanId?: Uint8Array
  readonly eventName?: Text
}

export interface ScopeFields {
  readonly name?: Text
  readonly version?: Text
  readonly attributes?: Attributes
  readonly records: readonly RecordFields[]
}

export interface ResourceFields {
  readonly resource?: Attributes
  readonly scopes: readonly ScopeFields[]
}

/** An ExportLogsServiceRequest. */
export function logsRequest(...resources: readonly ResourceFields[]): Uint8Array {
  const writer = new ProtobufWriter()
  for (const { resource, scopes } of resources) {
    nested(writer, 1, () => {
      if (resource !== undefined) nested(writer, 1, () => writeAttributes(writer, 1, resource))
      for (const scope of scopes) nested(writer, 2, () => writeScope(writer, scope))
    })
  }
  return Uint8Array.from(writer.view())
}

/** A request of one resource and one scope, both without anything. */
export function recordsRequest(...records: readonly RecordFields[]): Uint8Array {
  return logsRequest({ scopes: [{ records }] })
}

function writeScope(writer: ProtobufWriter, { name, version, attributes, records }: ScopeFields): void {
  if (name !== undefined || version !== undefined || attributes !== undefined) {
    nested(writer, 1, () => {
      if (name !== undefined) text(writer, 1, name)
      if (version !== undefined) text(writer, 2, version)
      if (attributes !== undefined) writeAttributes(writer, 3, attributes)
    })
  }
  for (const record of records) nested(writer, 2, () => writeRecord(writer, record))
}

function writeRecord(writer: ProtobufWriter, record: RecordFields): void {
  if (record.time !== undefined) writer.fixed64(1, record.time)
  if (record.severityNumber !== undefined) writer.int64(2, BigInt(record.severityNumber))
  if (record.severityText !== undefined) text(writer, 3, record.severityText)
  const { body } = record
  if (body !== undefined) nested(writer, 5, () => writeValue(writer, body))
  if (record.attributes !== undefined) writeAttributes(writer, 6, record.attributes)
  if (record.dropped !== undefined) writer.uint32(7, record.dropped)
  if (record.flags !== undefined) writer.fixed32(8, record.flags)
  if (record.traceId !== undefined) writer.bytes(9, record.traceId)
  if (record.spanId !== undefined) writer.bytes(10, record.spanId)
  if (record.observed !== undefined) writer.fixed64(11, record.observed)
  if (record.eventName !== undefined) text(writer, 12, record.eventName)
}

function writeAttributes(writer: ProtobufWriter, field: number, attributes: Attributes): void {
  const pairs = isPairs(attributes) ? attributes : Object.entries(attributes)
  for (const [key, value] of pairs) {
    nested(writer, field, () => {
      text(writer, 1, key)
      if (value !== undefined) nested(writer, 2, () => writeValue(writer, value))
    })
  }
}

function isPairs(attributes: Attributes): attributes is Pairs {
  return Array.isArray(attributes)
}

/** The inside of an AnyValue. */
export function writeValue(writer: ProtobufWriter, value: Value): void {
  if (value === null) return
  if (typeof value === 'string') writer.string(1, value)
  else if (typeof value === 'boolean') writer.bool(2, value)
  else if (typeof value === 'bigint') writer.int64(3, value)
  else if (typeof value === 'number') writer.double(4, value)
  else if (value instanceof Uint8Array) writer.bytes(7, value)
  else if ('utf8' in value) text(writer, 1, value)
  else if ('oneof' in value) for (const each of value.oneof) writeValue(writer, each)
  else if ('kvlist' in value) nested(writer, 6, () => writeAttributes(writer, 1, value.kvlist))
  else {
    nested(writer, 5, () => {
      for (const each of value) nested(writer, 1, () => writeValue(writer, each))
    })
  }
}

function text(writer: ProtobufWriter, field: number, value: Text): void {
  if (typeof value === 'string') writer.string(field, value)
  else writer.bytes(field, value.utf8)
}

export function nested(writer: ProtobufWriter, field: number, write: () => void): void {
  const start = writer.begin(field)
  write()
  writer.end(start)
}

/** `value` inside as many lists as given. */
export function inLists(value: Value, lists: number): Value {
  let outer = value
  for (let i = 0; i < lists; i++) outer = [outer]
  return outer
}
