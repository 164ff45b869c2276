import { SeverityNumber } from '@opentelemetry/api-logs'
import { unescapeJson } from '../wire/json-unescape.ts'
import type { ProtobufWriter } from '../wire/protobuf-writer.ts'
import { decodeBase64, decodeHex } from '../wire/text-codings.ts'
import { exactInteger, isDecimal, MAX_NUMBER_BYTES } from './json-number.ts'
import { JsonProblem, JsonReader, MalformedJson, type JsonKind } from './json-reader.ts'
import { NotUnderstood } from './not-understood.ts'
import {
  ANY_VALUE,
  EXPORT_LOGS_SERVICE_REQUEST,
  LOG_RECORD,
  MAX_NAME_BYTES,
  MAX_VALUE_DEPTH,
  type Field,
  type Message,
} from './schema.ts'

// Shared by all mappings, as a mapping never yields.
const reader = new JsonReader()

/**
 * Maps an ExportLogsServiceRequest from OTLP/JSON to protobuf, bytes to bytes (OTLP 1.11, "JSON Protobuf Encoding"):
 * ids in hexadecimal of either case, 64-bit integers as decimal strings or numbers, exactly; other bytes in base64; unknown
 * fields ignored; null counts as absent. Lenient: enum names, NaN and infinities as strings.
 *
 * The snake_case spelling of a field is refused: ignoring it as unknown would drop its records.
 *
 * No value becomes an object, and nothing but escapes is read twice: a body of 64 MiB may be one number, one string or
 * twenty million lists.
 *
 * @param writer reset first; holds the request afterwards, never longer than `json`
 * @returns a warning for the sender about records without a field of OTLP; empty for none
 * @throws MalformedJson, and nothing else, for any bytes
 */
export function jsonToProtobuf(json: Uint8Array, writer: ProtobufWriter): string {
  writer.reset()
  reader.reset(json)
  const mapping = new Mapping(writer)
  try {
    mapping.expect('an object')
    mapping.members(EXPORT_LOGS_SERVICE_REQUEST, 0)
    reader.finish()
    return mapping.notUnderstood.warning()
  } catch (error) {
    if (error instanceof JsonProblem) throw new MalformedJson(mapping.path(), error.message)
    throw error
  } finally {
    reader.release()
  }
}

class Mapping {
  readonly #writer: ProtobufWriter
  readonly notUnderstood = new NotUnderstood()
  /** The path of the value being read: by level its field's name, and its index if it is in a list, else -1. */
  readonly #names: string[] = []
  readonly #places: number[] = []
  #level = 0

  constructor(writer: ProtobufWriter) {
    this.#writer = writer
  }

  path(): string {
    let path = '$'
    for (let level = 0; level < this.#level; level++) {
      const place = this.#places[level] ?? -1
      path += place < 0 ? `.${this.#names[level]}` : `.${this.#names[level]}[${place}]`
    }
    return path
  }

  expect(kind: JsonKind): void {
    const found = reader.kind()
    if (found !== kind) throw new JsonProblem(`expected ${kind}, not ${found}`)
  }

  /** Maps an object's members. Recursion is bounded: only values nest, at most MAX_VALUE_DEPTH deep. */
  members(message: Message, valueDepth: number): void {
    let known = 0
    let unknown = 0
    if (reader.enter('an object')) {
      do {
        reader.key()
        const field = fieldNamed(message)
        if (field === undefined) {
          this.#unknown(message, message === LOG_RECORD && known + unknown === 0)
          unknown++
          continue
        }
        known++
        this.#names[this.#level] = field.name
        this.#places[this.#level] = -1
        this.#level++
        if (reader.kind() === 'null') reader.skip()
        else if (field.repeated) this.#list(field, valueDepth)
        else this.#value(field, valueDepth)
        this.#level--
      } while (reader.another('an object'))
    }
    if (message === LOG_RECORD) this.notUnderstood.record(known > 0 || unknown === 0)
  }

  #unknown(message: Message, firstOfRecord: boolean): void {
    if (maySnakeCase()) refuseSnakeCase(message, reader.text())
    const { notUnderstood } = this
    if (notUnderstood.wants(firstOfRecord)) notUnderstood.unknown({ name: excerpt(), path: this.path() }, firstOfRecord)
    reader.skip()
  }

  #list(field: Field, valueDepth: number): void {
    this.expect('a list')
    if (!reader.enter('a list')) return
    const level = this.#level - 1
    let place = 0
    do {
      this.#places[level] = place++
      this.#value(field, valueDepth)
    } while (reader.another('a list'))
  }

  #value(field: Field, valueDepth: number): void {
    if (field.message !== undefined) return this.#message(field, field.message, valueDepth)
    switch (field.type) {
      case 'string':
        return this.#string(field.number)
      case 'bytes':
        return this.#coded(field.number, decodeBase64, 'is not base64')
      case 'id':
        return this.#coded(field.number, decodeHex, NOT_HEX)
      case 'bool':
        this.expect('true or false')
        return this.#writer.bool(field.number, reader.boolean())
      case 'double':
        return this.#writer.double(field.number, this.#double())
      case 'enum':
        return this.#varint(field.number, this.#severity())
      case 'int32':
        return this.#varint(field.number, this.#integer(-(2n ** 31n), 2n ** 31n - 1n))
      case 'uint32':
        return this.#varint(field.number, this.#integer(0n, 2n ** 32n - 1n))
      case 'int64':
        return this.#intValue(field)
      case 'fixed32':
        return this.#writer.fixed32(field.number, Number(this.#integer(0n, 2n ** 32n - 1n)))
      case 'fixed64':
        return this.#writer.fixed64(field.number, this.#integer(0n, 2n ** 64n - 1n))
      case 'message':
        throw new Error(`schema: ${field.name} is a message without fields`)
    }
  }

  #message(field: Field, message: Message, valueDepth: number): void {
    this.expect('an object')
    const depth = message === ANY_VALUE ? valueDepth + 1 : valueDepth
    const start = this.#writer.begin(field.number)
    // A list or map in the first value that is too deep: its kind is kept, not its content.
    if (depth > MAX_VALUE_DEPTH && message !== ANY_VALUE) reader.skip()
    else this.members(message, depth)
    this.#writer.end(start)
  }

  #string(field: number): void {
    this.expect('a string')
    reader.string()
    if (!reader.escaped) return this.#writer.slice(field, reader.bytes, reader.from, reader.to)
    const start = this.#writer.begin(field)
    this.#content()
    this.#writer.end(start)
  }

  /** Writes the last string without its escapes. */
  #content(): void {
    const writer = this.#writer
    const { bytes, from, to, escaped } = reader
    if (escaped) writer.position = unescapeJson(bytes, from, to, writer.room(to - from), writer.position)
    else writer.raw(bytes, from, to)
  }

  #coded(field: number, decode: typeof decodeHex, problem: string): void {
    this.expect('a string')
    reader.string()
    const writer = this.#writer
    const start = writer.begin(field)
    this.#content()
    const end = decode(writer.room(0), start, writer.position)
    if (end < 0) throw new JsonProblem(`${quoted()} ${problem}`)
    writer.position = end
    writer.end(start)
  }

  #double(): number {
    const text = this.#numeric()
    const named = NOT_FINITE.get(text)
    if (named !== undefined) return named
    if (!isDecimal(text)) {
      throw new JsonProblem(`${quoted()} is not a number: write one, or "NaN", "Infinity" or "-Infinity"`)
    }
    return finite(text)
  }

  #severity(): bigint {
    const text = this.#numeric()
    return SEVERITIES.get(text) ?? asInteger(text, -(2n ** 31n), 2n ** 31n - 1n)
  }

  #integer(min: bigint, max: bigint): bigint {
    return asInteger(this.#numeric(), min, max)
  }

  /**
   * Maps an AnyValue's int, the only int64 of OTLP logs. JavaScript SDKs send any number without a fraction as one, 1.5e300
   * too: a number beyond int64 becomes the double it was, instead of a refusal that loses the whole request.
   */
  #intValue(field: Field): void {
    const bare = reader.kind() === 'a number'
    const text = this.#numeric()
    const value = exactInteger(text)
    if (bare && value !== undefined && !isInt64(value)) this.#writer.double(DOUBLE_VALUE, finite(text))
    else this.#varint(field.number, asInteger(text, MIN_INT64, MAX_INT64))
  }

  /** Returns a number as written, or a string in its place. */
  #numeric(): string {
    const kind = reader.kind()
    if (kind === 'a number') reader.number()
    else if (kind === 'a string') reader.string()
    else throw new JsonProblem(`expected a number, not ${kind}`)
    const length = reader.to - reader.from
    if (length > MAX_NUMBER_BYTES) {
      const rule = `a number has at most ${MAX_NUMBER_BYTES} characters, and a 64-bit integer 20`
      throw new JsonProblem(`${quoted()} has ${length} characters: ${rule}`)
    }
    return reader.text()
  }

  #varint(field: number, value: bigint): void {
    if (value >= 0n && value <= 0xffff_ffffn) this.#writer.uint32(field, Number(value))
    else this.#writer.int64(field, value)
  }
}

function isInt64(value: bigint | number): boolean {
  return value >= MIN_INT64 && value <= MAX_INT64
}

/** Returns whether the last name may be a field in snake_case, without creating a string for most names. */
function maySnakeCase(): boolean {
  const { bytes, from, to, escaped } = reader
  if (to - from > MAX_NAME_BYTES) return false
  if (escaped) return true
  for (let at = from; at < to; at++) if (bytes[at] === UNDERSCORE) return true
  return false
}

function refuseSnakeCase(message: Message, name: string): void {
  const meant = message.bySnakeName.get(name)
  if (meant === undefined) return
  throw new JsonProblem(`"${name}" is not a field of OTLP/JSON, which spells it "${meant.name}": write "${meant.name}"`)
}

/** Returns the field of the last name. Names are compared byte by byte: a string for each costs half the mapping time. */
function fieldNamed(message: Message): Field | undefined {
  if (reader.escaped) return reader.to - reader.from > MAX_NAME_BYTES ? undefined : message.byName.get(reader.text())
  const bytes = reader.bytes
  const from = reader.from
  const length = reader.to - from
  for (const field of message.fields) {
    if (field === undefined || field.name.length !== length) continue
    let at = 0
    while (at < length && field.name.charCodeAt(at) === bytes[from + at]) at++
    if (at === length) return field
  }
  return undefined
}

function asInteger(text: string, min: bigint, max: bigint): bigint {
  const value = exactInteger(text)
  if (value === undefined) throw new JsonProblem(`${quoted()} is not an integer`)
  if (value < min || value > max) throw new JsonProblem(`${quoted()} is not between ${min} and ${max}`)
  // Not an infinity, which the range check refused.
  return value as bigint
}

function finite(text: string): number {
  const value = Number(text)
  if (!Number.isFinite(value)) throw new JsonProblem(`${quoted()} is too large for a double`)
  return value
}

/** Returns the beginning of the last string or number. */
function excerpt(): string {
  const { bytes, from, to } = reader
  if (to - from <= MAX_NAME_BYTES) return shortened(reader.text())
  return shortened(bytes.toString('utf8', from, from + MAX_NAME_BYTES))
}

function shortened(text: string): string {
  return text.length > MAX_EXCERPT ? `${text.slice(0, MAX_EXCERPT).toWellFormed()}…` : text
}

function quoted(): string {
  return JSON.stringify(excerpt())
}

/** Maximum characters of a sender's text in an error. */
const MAX_EXCERPT = 64
const UNDERSCORE = 0x5f
const NOT_HEX = 'is not hexadecimal: OTLP/JSON writes ids as 32 or 16 hex digits, not in base64'
const MIN_INT64 = -(2n ** 63n)
const MAX_INT64 = 2n ** 63n - 1n
/** AnyValue.double_value. */
const DOUBLE_VALUE = 4

const NOT_FINITE: ReadonlyMap<string, number> = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
])

/** SeverityNumber's names: OTLP forbids them in JSON, but senders write them and the collector accepts them. */
const SEVERITIES: ReadonlyMap<string, bigint> = new Map(
  Object.entries(SeverityNumber).flatMap(([name, number]): [string, bigint][] =>
    typeof number === 'number' ? [[`SEVERITY_NUMBER_${name}`, BigInt(number)]] : [],
  ),
)
