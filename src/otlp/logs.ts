import { ProtobufReader } from '../wire/protobuf-reader.ts'
import { countRecords } from './check.ts'
import { MAX_VALUE_DEPTH } from './schema.ts'

// OTLP logs as objects, for display and comparison. The path from a receiver to CloudWatch creates none.

export interface ResourceLogs {
  readonly resource: Resource
  readonly scopeLogs: readonly ScopeLogs[]
  readonly schemaUrl: string
}

export interface Resource {
  readonly attributes: Attributes
  readonly droppedAttributesCount: number
}

export interface ScopeLogs {
  readonly scope: Scope
  readonly logRecords: readonly LogRecord[]
  readonly schemaUrl: string
}

export interface Scope {
  readonly name: string
  readonly version: string
  readonly attributes: Attributes
  readonly droppedAttributesCount: number
}

export interface LogRecord {
  /** ns since the epoch; 0 is unknown. */
  readonly timeUnixNano: bigint
  readonly observedTimeUnixNano: bigint
  readonly severityNumber: number
  readonly severityText: string
  readonly body: AnyValue
  readonly attributes: Attributes
  readonly droppedAttributesCount: number
  readonly flags: number
  /** 16 bytes; an empty, all-zero or differently sized id means no trace. */
  readonly traceId: Uint8Array
  readonly spanId: Uint8Array
  readonly eventName: string
}

/** By key, in the order of first appearance; the last value of a duplicate key wins. */
export type Attributes = ReadonlyMap<string, AnyValue>

/** int64 as bigint, double as number, kvlist as Map, the empty value as null. */
export type AnyValue = null | string | boolean | bigint | number | Uint8Array | readonly AnyValue[] | Attributes

/** Replaces a value nested deeper than MAX_VALUE_DEPTH. */
export const TOO_DEEP = `[nested deeper than ${MAX_VALUE_DEPTH} values]`

type Changeable<T> = { -readonly [K in keyof T]: T[K] }

/**
 * Decodes an ExportLogsServiceRequest. Invalid UTF-8 becomes U+FFFD; bytes are copies.
 *
 * @throws MalformedProtobuf
 */
export function decodeLogs(bytes: Uint8Array): readonly ResourceLogs[] {
  countRecords(bytes)
  return decodeBeginning(bytes, { fields: Number.POSITIVE_INFINITY, textBytes: Number.POSITIVE_INFINITY }).logs
}

/** Limits on decoding one request. */
export interface DecodeLimits {
  /** Fields of all messages together; each becomes one or a few objects. */
  readonly fields: number
  /** Bytes of all string and bytes values together. */
  readonly textBytes: number
}

/**
 * Decodes checked bytes up to the limits: a request may hold thirty million values, or one of 64 MiB.
 */
export function decodeBeginning(
  bytes: Uint8Array,
  limits: DecodeLimits,
): { readonly logs: readonly ResourceLogs[]; readonly complete: boolean } {
  const decoder = new Decoder(bytes, limits)
  const logs: ResourceLogs[] = []
  decoder.message((field) => {
    if (field !== 1) return false
    logs.push(decoder.resourceLogs())
    return true
  })
  return { logs, complete: decoder.complete }
}

/** Decodes checked bytes, in which every known field has its wire type. */
class Decoder {
  readonly #bytes: Buffer
  readonly #reader = new ProtobufReader()
  #fieldsLeft: number
  #textBytesLeft: number
  /** False once a limit was reached; nothing more is decoded then. */
  complete = true

  constructor(bytes: Uint8Array, { fields, textBytes }: DecodeLimits) {
    this.#fieldsLeft = fields
    this.#textBytesLeft = textBytes
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#reader.reset(bytes)
  }

  /** Calls `take` for each field of the message; it reads the value and returns true, or returns false to skip it. */
  message(take: (field: number) => boolean): void {
    const reader = this.#reader
    while (reader.pos < reader.end) {
      if (--this.#fieldsLeft < 0) this.complete = false
      if (!this.complete) {
        reader.pos = reader.end
        return
      }
      const tag = reader.tag()
      if (!take(tag >>> 3)) reader.skip(tag)
    }
  }

  #nested(take: (field: number) => boolean): void {
    const reader = this.#reader
    const length = reader.length()
    const outerEnd = reader.end
    reader.end = reader.pos + length
    this.message(take)
    reader.end = outerEnd
  }

  resourceLogs(): ResourceLogs {
    let resource: Resource = { attributes: new Map(), droppedAttributesCount: 0 }
    const scopeLogs: ScopeLogs[] = []
    let schemaUrl = ''
    this.#nested((field) => {
      if (field === 1) resource = this.#resource()
      else if (field === 2) scopeLogs.push(this.#scopeLogs())
      else if (field === 3) schemaUrl = this.#text()
      else return false
      return true
    })
    return { resource, scopeLogs, schemaUrl }
  }

  #resource(): Resource {
    const attributes = new Map<string, AnyValue>()
    let droppedAttributesCount = 0
    this.#nested((field) => {
      if (field === 1) this.#keyValue(attributes, 0)
      else if (field === 2) droppedAttributesCount = this.#reader.uint32()
      else return false
      return true
    })
    return { attributes, droppedAttributesCount }
  }

  #scopeLogs(): ScopeLogs {
    let scope: Scope = { name: '', version: '', attributes: new Map(), droppedAttributesCount: 0 }
    const logRecords: LogRecord[] = []
    let schemaUrl = ''
    this.#nested((field) => {
      if (field === 1) scope = this.#scope()
      else if (field === 2) logRecords.push(this.#logRecord())
      else if (field === 3) schemaUrl = this.#text()
      else return false
      return true
    })
    return { scope, logRecords, schemaUrl }
  }

  #scope(): Scope {
    const attributes = new Map<string, AnyValue>()
    const scope: Changeable<Scope> = { name: '', version: '', attributes, droppedAttributesCount: 0 }
    this.#nested((field) => {
      if (field === 1) scope.name = this.#text()
      else if (field === 2) scope.version = this.#text()
      else if (field === 3) this.#keyValue(attributes, 0)
      else if (field === 4) scope.droppedAttributesCount = this.#reader.uint32()
      else return false
      return true
    })
    return scope
  }

  #logRecord(): LogRecord {
    const attributes = new Map<string, AnyValue>()
    const record: Changeable<LogRecord> = {
      timeUnixNano: 0n,
      observedTimeUnixNano: 0n,
      severityNumber: 0,
      severityText: '',
      body: null,
      attributes,
      droppedAttributesCount: 0,
      flags: 0,
      traceId: new Uint8Array(0),
      spanId: new Uint8Array(0),
      eventName: '',
    }
    this.#nested((field) => {
      if (field === 1) record.timeUnixNano = this.#fixed64()
      else if (field === 2) record.severityNumber = this.#reader.uint32() | 0
      else if (field === 3) record.severityText = this.#text()
      else if (field === 5) record.body = this.#anyValue(1)
      else if (field === 6) this.#keyValue(attributes, 0)
      else if (field === 7) record.droppedAttributesCount = this.#reader.uint32()
      else if (field === 8) record.flags = this.#reader.fixed32()
      else if (field === 9) record.traceId = this.#copy()
      else if (field === 10) record.spanId = this.#copy()
      else if (field === 11) record.observedTimeUnixNano = this.#fixed64()
      else if (field === 12) record.eventName = this.#text()
      else return false
      return true
    })
    return record
  }

  /** @param depth number of values around this pair */
  #keyValue(into: Map<string, AnyValue>, depth: number): void {
    let key = ''
    let value: AnyValue = null
    this.#nested((field) => {
      if (field === 1) key = this.#text()
      else if (field === 2) value = this.#anyValue(depth + 1)
      else return false
      return true
    })
    into.set(key, value)
  }

  #anyValue(depth: number): AnyValue {
    if (depth > MAX_VALUE_DEPTH) {
      const length = this.#reader.length()
      this.#reader.pos += length
      return TOO_DEEP
    }
    let value: AnyValue = null
    this.#nested((field) => {
      if (field === 1) value = this.#text()
      else if (field === 2) value = this.#reader.uint32() !== 0
      else if (field === 3) value = this.#int64()
      else if (field === 4) value = this.#reader.double()
      else if (field === 5) value = this.#arrayValue(depth)
      else if (field === 6) value = this.#keyValueList(depth)
      else if (field === 7) value = this.#copy()
      else return false
      return true
    })
    return value
  }

  #arrayValue(depth: number): AnyValue[] {
    const values: AnyValue[] = []
    this.#nested((field) => {
      if (field !== 1) return false
      values.push(this.#anyValue(depth + 1))
      return true
    })
    return values
  }

  #keyValueList(depth: number): Attributes {
    const values = new Map<string, AnyValue>()
    this.#nested((field) => {
      if (field !== 1) return false
      this.#keyValue(values, depth)
      return true
    })
    return values
  }

  #text(): string {
    const length = this.#reader.length()
    const from = this.#reader.pos
    this.#reader.pos += length
    const taken = this.#takeText(length)
    return this.#bytes.toString('utf8', from, from + taken)
  }

  #copy(): Uint8Array {
    const length = this.#reader.length()
    const from = this.#reader.pos
    this.#reader.pos += length
    return Uint8Array.from(this.#bytes.subarray(from, from + this.#takeText(length)))
  }

  #takeText(length: number): number {
    const taken = Math.min(length, this.#textBytesLeft)
    this.#textBytesLeft -= taken
    if (taken < length) this.complete = false
    return taken
  }

  #fixed64(): bigint {
    this.#reader.fixed64()
    return (BigInt(this.#reader.high) << 32n) | BigInt(this.#reader.low)
  }

  #int64(): bigint {
    this.#reader.varint64()
    return BigInt.asIntN(64, (BigInt(this.#reader.high) << 32n) | BigInt(this.#reader.low))
  }
}
