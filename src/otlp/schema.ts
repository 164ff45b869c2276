// The messages of an ExportLogsServiceRequest as data, from opentelemetry-proto 1.11 (collector/logs/v1, logs/v1,
// resource/v1, common/v1). Checking and the JSON mapping walk this one table, so they cannot disagree about a field.
import { I32, I64, LEN, VARINT } from '../wire/protobuf-reader.ts'

/**
 * Maximum nesting of an AnyValue that is read: a record's body or an attribute's value is level 1, an element of its list or
 * map level 2. Deeper values are skipped unread, so that no input can overflow the stack.
 */
export const MAX_VALUE_DEPTH = 64

export type Scalar =
  | 'string'
  | 'bytes'
  /** `bytes` on the wire, hexadecimal in JSON. */
  | 'id'
  | 'bool'
  | 'enum'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'fixed32'
  | 'fixed64'
  | 'double'

export interface Field {
  readonly number: number
  /** lowerCamelCase, as OTLP/JSON writes it. */
  readonly name: string
  readonly type: Scalar | 'message'
  readonly repeated: boolean
  readonly wireType: number
  /** The message of a `message` field. */
  readonly message: Message | undefined
}

export interface Message {
  readonly name: string
  /** By field number; unknown numbers are undefined. */
  readonly fields: readonly (Field | undefined)[]
  readonly byName: ReadonlyMap<string, Field>
  /** By the spelling of the .proto file if it differs (`log_records`): legal in other JSON mappings, not in OTLP's. */
  readonly bySnakeName: ReadonlyMap<string, Field>
}

const WIRE_TYPES: Readonly<Record<Scalar | 'message', number>> = {
  string: LEN,
  bytes: LEN,
  id: LEN,
  message: LEN,
  bool: VARINT,
  enum: VARINT,
  int32: VARINT,
  uint32: VARINT,
  int64: VARINT,
  fixed32: I32,
  fixed64: I64,
  double: I64,
}

class MessageTable implements Message {
  readonly name: string
  readonly fields: (Field | undefined)[] = []
  readonly byName = new Map<string, Field>()
  readonly bySnakeName = new Map<string, Field>()

  constructor(name: string) {
    this.name = name
  }

  one(number: number, name: string, type: Scalar | MessageTable): this {
    return this.#add(number, name, type, false)
  }

  many(number: number, name: string, type: Scalar | MessageTable): this {
    return this.#add(number, name, type, true)
  }

  #add(number: number, name: string, of: Scalar | MessageTable, repeated: boolean): this {
    const message = typeof of === 'string' ? undefined : of
    const type = typeof of === 'string' ? of : 'message'
    const field: Field = { number, name, type, repeated, wireType: WIRE_TYPES[type], message }
    // No holes: an array with holes is slow to index.
    while (this.fields.length <= number) this.fields.push(undefined)
    this.fields[number] = field
    this.byName.set(name, field)
    const snake = name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
    if (snake !== name) this.bySnakeName.set(snake, field)
    return this
  }
}

const anyValue = new MessageTable('AnyValue')
const keyValue = new MessageTable('KeyValue').one(1, 'key', 'string').one(2, 'value', anyValue)
const arrayValue = new MessageTable('ArrayValue').many(1, 'values', anyValue)
const keyValueList = new MessageTable('KeyValueList').many(1, 'values', keyValue)
// Fields 8 here and 3 of KeyValue (`…_strindex`) belong to profiles alone and count as absent in logs.
anyValue
  .one(1, 'stringValue', 'string')
  .one(2, 'boolValue', 'bool')
  .one(3, 'intValue', 'int64')
  .one(4, 'doubleValue', 'double')
  .one(5, 'arrayValue', arrayValue)
  .one(6, 'kvlistValue', keyValueList)
  .one(7, 'bytesValue', 'bytes')

const entityRef = new MessageTable('EntityRef')
  .one(1, 'schemaUrl', 'string')
  .one(2, 'type', 'string')
  .many(3, 'idKeys', 'string')
  .many(4, 'descriptionKeys', 'string')

const resource = new MessageTable('Resource')
  .many(1, 'attributes', keyValue)
  .one(2, 'droppedAttributesCount', 'uint32')
  .many(3, 'entityRefs', entityRef)

const scope = new MessageTable('InstrumentationScope')
  .one(1, 'name', 'string')
  .one(2, 'version', 'string')
  .many(3, 'attributes', keyValue)
  .one(4, 'droppedAttributesCount', 'uint32')

const logRecord = new MessageTable('LogRecord')
  .one(1, 'timeUnixNano', 'fixed64')
  .one(2, 'severityNumber', 'enum')
  .one(3, 'severityText', 'string')
  .one(5, 'body', anyValue)
  .many(6, 'attributes', keyValue)
  .one(7, 'droppedAttributesCount', 'uint32')
  .one(8, 'flags', 'fixed32')
  .one(9, 'traceId', 'id')
  .one(10, 'spanId', 'id')
  .one(11, 'observedTimeUnixNano', 'fixed64')
  .one(12, 'eventName', 'string')

const scopeLogs = new MessageTable('ScopeLogs')
  .one(1, 'scope', scope)
  .many(2, 'logRecords', logRecord)
  .one(3, 'schemaUrl', 'string')

const resourceLogs = new MessageTable('ResourceLogs')
  .one(1, 'resource', resource)
  .many(2, 'scopeLogs', scopeLogs)
  .one(3, 'schemaUrl', 'string')

/** Bytes of the longest spelling of a field name: `dropped_attributes_count` with each character as `\\u0064`. */
export const MAX_NAME_BYTES = 24 * 6

export const ANY_VALUE: Message = anyValue
export const LOG_RECORD: Message = logRecord
export const EXPORT_LOGS_SERVICE_REQUEST: Message = new MessageTable('ExportLogsServiceRequest').many(
  1,
  'resourceLogs',
  resourceLogs,
)
