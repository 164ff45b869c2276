import { SeverityNumber } from '@opentelemetry/api-logs'
import type { ProtobufWriter } from '../wire/protobuf-writer.ts'
import { JsonProblem, JsonReader, MalformedJson, type JsonKind } from './json-reader.ts'
import { ANY_VALUE, EXPORT_LOGS_SERVICE_REQUEST, MAX_VALUE_DEPTH, type Field, type Message } from './schema.ts'

// One for all: a mapping never yields.
const reader = new JsonReader()

/**
 * Maps an ExportLogsServiceRequest from OTLP/JSON to protobuf, bytes to bytes (OTLP 1.11, "JSON Protobuf Encoding"):
 * ids in hexadecimal of either case, 64-bit integers as decimal texts or numbers, exactly; other bytes in base64; unknown
 * fields ignored; null counts as absent. Leniently: enum names, NaN and infinities as texts.
 *
 * The snake_case spelling of a field is refused: as an unknown field it would be swallowed, and its records with it.
 *
 * @param writer is reset; what it holds afterwards is the request, never longer than `json`
 * @throws MalformedJson, and nothing else, whatever the bytes are
 */
export function jsonToProtobuf(json: Uint8Array, writer: ProtobufWriter): void {
  writer.reset()
  reader.reset(json)
  const mapping = new Mapping(writer)
  try {
    mapping.expect('an object')
    mapping.members(EXPORT_LOGS_SERVICE_REQUEST, 0)
    reader.finish()
  } catch (error) {
    if (error instanceof JsonProblem) throw new MalformedJson(mapping.path(), error.message)
    throw error
  }
}

class Mapping {
  readonly #writer: ProtobufWriter
  /** The way to the value being read: by level its field's name, and its place if it stands in a list, else -1. */
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

  /** An object's members. Recursion is bounded: only values nest, and those by MAX_VALUE_DEPTH. */
  members(message: Message, valueDepth: number): void {
    if (!reader.enter('an object')) return
    do {
      reader.key()
      const field = fieldNamed(message)
      if (field === undefined) {
        this.#refuseSnakeCase(message, reader.text())
        reader.skip()
        continue
      }
      this.#names[this.#level] = field.name
      this.#places[this.#level] = -1
      this.#level++
      if (reader.kind() === 'null') reader.skip()
      else if (field.repeated) this.#list(field, valueDepth)
      else this.#value(field, valueDepth)
      this.#level--
    } while (reader.another('an object'))
  }

  #refuseSnakeCase(message: Message, name: string): void {
    const meant = message.bySnakeName.get(name)
    if (meant === undefined) return
    throw new JsonProblem(
      `"${name}" is not a field of OTLP/JSON, which spells it "${meant.name}": write "${meant.name}"`,
    )
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
        return this.#writer.bytes(field.number, this.#base64())
      case 'id':
        return this.#writer.bytes(field.number, this.#hex())
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
    // A list or map in the first value nobody looks at: that it is one is kept, not what is in it.
    if (depth > MAX_VALUE_DEPTH && message !== ANY_VALUE) reader.skip()
    else this.members(message, depth)
    this.#writer.end(start)
  }

  #string(field: number): void {
    this.expect('a text')
    reader.string()
    if (reader.escaped) this.#writer.string(field, reader.text())
    else this.#writer.slice(field, reader.bytes, reader.from, reader.to)
  }

  #text(): string {
    this.expect('a text')
    reader.string()
    return reader.text()
  }

  #base64(): Uint8Array {
    const text = this.#text()
    if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(text)) throw new JsonProblem(`${shown(text)} is not base64`)
    return Buffer.from(text, 'base64')
  }

  #hex(): Uint8Array {
    const text = this.#text()
    if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) {
      throw new JsonProblem(
        `${shown(text)} is not hexadecimal: OTLP/JSON writes ids as 32 or 16 hex digits, not in base64`,
      )
    }
    return Buffer.from(text, 'hex')
  }

  #double(): number {
    const text = this.#numeric()
    const named = NOT_FINITE.get(text)
    if (named !== undefined) return named
    if (!DECIMAL.test(text)) {
      throw new JsonProblem(`${shown(text)} is not a number: write one, or "NaN", "Infinity" or "-Infinity"`)
    }
    const value = Number(text)
    if (!Number.isFinite(value)) throw new JsonProblem(`${shown(text)} is too large for a double`)
    return value
  }

  #severity(): bigint {
    if (reader.kind() !== 'a text') return this.#integer(-(2n ** 31n), 2n ** 31n - 1n)
    const name = this.#text()
    const severity = SEVERITIES.get(name)
    if (severity !== undefined) return severity
    return asInteger(name, -(2n ** 31n), 2n ** 31n - 1n)
  }

  #integer(least: bigint, most: bigint): bigint {
    return asInteger(this.#numeric(), least, most)
  }

  /**
   * An AnyValue's int, the only int64 of OTLP logs. SDKs in JavaScript send any number without a fraction as one, 1.5e300
   * too: what no int64 can hold is the double it was, instead of a refusal that loses the whole request.
   */
  #intValue(field: Field): void {
    const number = reader.kind() === 'a number' ? this.#numeric() : undefined
    // 2^63 as a double is also what the greatest int64 rounds to: that one is told apart by its digits.
    if (number !== undefined && Math.abs(Number(number)) >= 2 ** 63 && !isInt64(number)) {
      const value = Number(number)
      if (!Number.isFinite(value)) throw new JsonProblem(`${shown(number)} is too large for a double`)
      return this.#writer.double(DOUBLE_VALUE, value)
    }
    this.#varint(field.number, asInteger(number ?? this.#numeric(), LEAST_INT64, MOST_INT64))
  }

  #numeric(): string {
    const kind = reader.kind()
    if (kind === 'a number') return reader.number()
    if (kind === 'a text') return this.#text()
    throw new JsonProblem(`expected a number, not ${kind}`)
  }

  #varint(field: number, value: bigint): void {
    if (value >= 0n && value <= 0xffff_ffffn) this.#writer.uint32(field, Number(value))
    else this.#writer.int64(field, value)
  }
}

function isInt64(text: string): boolean {
  if (!/^-?\d+$/.test(text)) return false
  const value = BigInt(text)
  return value >= LEAST_INT64 && value <= MOST_INT64
}

/** The field whose name was just read. Names are compared byte by byte: making a text of each costs half the mapping. */
function fieldNamed(message: Message): Field | undefined {
  if (reader.escaped) return message.byName.get(reader.text())
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

const INTEGER = /^-?\d+$/
const DECIMAL = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/
/** No 64-bit integer has more digits; making a bigint of a long text takes quadratic time. */
const MOST_DIGITS = 20

/** `1e3` and `1.0` are integers in protobuf's JSON too. */
function asInteger(text: string, least: bigint, most: bigint): bigint {
  let value: bigint | undefined
  if (INTEGER.test(text)) value = text.length <= MOST_DIGITS + 1 ? BigInt(text) : most + 1n
  else if (DECIMAL.test(text) && Number.isSafeInteger(Number(text))) value = BigInt(Number(text))
  if (value === undefined) throw new JsonProblem(`${shown(text)} is not an integer`)
  if (value < least || value > most) throw new JsonProblem(`${shown(text)} is not between ${least} and ${most}`)
  return value
}

function shown(text: string): string {
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text)
}

const LEAST_INT64 = -(2n ** 63n)
const MOST_INT64 = 2n ** 63n - 1n
/** AnyValue.double_value. */
const DOUBLE_VALUE = 4

const NOT_FINITE: ReadonlyMap<string, number> = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
])

/** SeverityNumber's names: OTLP forbids them in JSON, senders write them all the same, and the collector takes them. */
const SEVERITIES: ReadonlyMap<string, bigint> = new Map(
  Object.entries(SeverityNumber).flatMap(([name, number]): [string, bigint][] =>
    typeof number === 'number' ? [[`SEVERITY_NUMBER_${name}`, BigInt(number)]] : [],
  ),
)
