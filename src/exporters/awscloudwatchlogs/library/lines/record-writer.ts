import { ProtobufWriter } from '../../../../wire/protobuf-writer.ts'
import type { Plain, PlainMap } from './plain-value.ts'

// Log calls as an ExportLogsServiceRequest of one resource and one scope. Field numbers are those of opentelemetry-proto
// 1.11 (see src/otlp/schema.ts).

export interface EntryRecord {
  readonly timeMs: number
  /** SeverityNumber of OTLP, 1 to 24; 0 for a level without one. */
  readonly severityNumber: number
  readonly severityText: string
  readonly body: Plain
  readonly attributes: PlainMap
}

/** Buffers beyond this size are freed after use. */
const KEPT_BYTES = 1_048_576
const MIN_INT64 = -(2n ** 63n)
const MAX_INT64 = 2n ** 63n - 1n
/** Bytes from which an encoded length has the maximum size of a tag and a length. */
const FRAME_BYTES = 12

export class RecordWriter {
  readonly #record = new ProtobufWriter()
  readonly #records = new ProtobufWriter()
  readonly #head: Uint8Array
  readonly #scope: Uint8Array
  #count = 0

  /** @param scopeName name of the instrumentation scope */
  constructor(resource: PlainMap, scopeName: string) {
    const writer = new ProtobufWriter()
    const start = writer.begin(1)
    writeAttributes(writer, 1, resource)
    writer.end(start)
    this.#head = Uint8Array.from(writer.view())
    writer.reset()
    const scope = writer.begin(1)
    writer.string(1, scopeName)
    writer.end(scope)
    this.#scope = Uint8Array.from(writer.view())
  }

  get count(): number {
    return this.#count
  }

  /** Bytes of the records so far. */
  get size(): number {
    return this.#records.position
  }

  /** @throws Error if the record cannot be encoded; the records before it are kept */
  add(entry: EntryRecord): void {
    const record = this.#record
    record.reset(KEPT_BYTES)
    record.fixed64(1, BigInt(entry.timeMs) * 1_000_000n)
    if (entry.severityNumber > 0) record.uint32(2, entry.severityNumber)
    record.string(3, entry.severityText)
    const body = record.begin(5)
    writeValue(record, entry.body)
    record.end(body)
    writeAttributes(record, 6, entry.attributes)
    const bytes = record.view()
    this.#records.slice(2, bytes, 0, bytes.length)
    this.#count++
  }

  /** Returns the request and starts the next one. */
  take(): Uint8Array {
    const records = this.#records.view()
    const request = new ProtobufWriter(records.length + this.#head.length + this.#scope.length + 2 * FRAME_BYTES)
    const resourceLogs = request.begin(1)
    request.raw(this.#head, 0, this.#head.length)
    const scopeLogs = request.begin(2)
    request.raw(this.#scope, 0, this.#scope.length)
    request.raw(records, 0, records.length)
    request.end(scopeLogs)
    request.end(resourceLogs)
    this.#records.reset(KEPT_BYTES)
    this.#count = 0
    return request.view()
  }
}

export function writeAttributes(writer: ProtobufWriter, field: number, attributes: PlainMap): void {
  for (const key of Object.keys(attributes)) {
    const start = writer.begin(field)
    writer.string(1, key)
    const value = writer.begin(2)
    writeValue(writer, attributes[key] ?? null)
    writer.end(value)
    writer.end(start)
  }
}

/** Writes the inside of an AnyValue; the depth is that of the copy, which has a bound. */
export function writeValue(writer: ProtobufWriter, value: Plain): void {
  if (value === null) return
  if (typeof value === 'string') writer.string(1, value)
  else if (typeof value === 'boolean') writer.bool(2, value)
  else if (typeof value === 'bigint') writeBigInt(writer, value)
  else if (typeof value === 'number') {
    if (Number.isSafeInteger(value)) writer.int64(3, BigInt(value))
    else writer.double(4, value)
  } else if (value instanceof Uint8Array) writer.bytes(7, value)
  else if (isList(value)) {
    const list = writer.begin(5)
    for (const each of value) {
      const start = writer.begin(1)
      writeValue(writer, each)
      writer.end(start)
    }
    writer.end(list)
  } else {
    const map = writer.begin(6)
    writeAttributes(writer, 1, value)
    writer.end(map)
  }
}

/** An int64, or the digits of a number beyond it. */
function writeBigInt(writer: ProtobufWriter, value: bigint): void {
  if (value >= MIN_INT64 && value <= MAX_INT64) writer.int64(3, value)
  else writer.string(1, String(value))
}

function isList(value: readonly Plain[] | PlainMap): value is readonly Plain[] {
  return Array.isArray(value)
}
