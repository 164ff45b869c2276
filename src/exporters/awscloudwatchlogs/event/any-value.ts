// Hot path; bench: test/bench/transcode.ts
//
// Converts OTLP AnyValue and KeyValue from protobuf bytes to the text of an event (JSON inside a JSON string).
//
//   AnyValue      string=1 bool=2 int=3 double=4 array=5 kvlist=6 bytes=7      a oneof: the last one applies
//   ArrayValue    values=1          KeyValueList  values=1          KeyValue  key=1 value=2
//
// Format by the OpenTelemetry specification, common/README.md: bytes as base64, NaN and the infinities as strings,
// an empty value as null, int64 as a JSON number with all its digits.

import { int64Text } from '../../../wire/int64-text.ts'
import { MalformedProtobuf, type ProtobufReader } from '../../../wire/protobuf-reader.ts'
import { fragment, type JsonText, ONCE, TWICE } from '../../../wire/json-text.ts'
import { TOO_DEEP as TOO_DEEP_TEXT } from '../../../otlp/logs.ts'
import { MAX_VALUE_DEPTH } from '../../../otlp/schema.ts'

const QUOTE = fragment('"')
const COMMA_QUOTE = fragment(',"')
const COLON = fragment('":')
const COMMA = fragment(',')
const OPEN_ARRAY = fragment('[')
const CLOSE_ARRAY = fragment(']')
const OPEN_OBJECT = fragment('{')
const CLOSE_OBJECT = fragment('}')
const NULL = fragment('null')
const TRUE = fragment('true')
const FALSE = fragment('false')
const TOO_DEEP = fragment(JSON.stringify(TOO_DEEP_TEXT))

const STRING_VALUE = 10
const BOOL_VALUE = 16
const INT_VALUE = 24
const DOUBLE_VALUE = 33
const ARRAY_VALUE = 42
const KVLIST_VALUE = 50
const BYTES_VALUE = 58
const LAST_VALUE_FIELD = 7
const REPEATED_VALUES = 10
const KEY = 10
const VALUE = 18
const LAST_KEY_VALUE_FIELD = 2
/** A multiple of 3, so that only the last piece has padding. */
const BASE64_PIECE_BYTES = 49_152

export class AnyValueWriter {
  readonly #reader: ProtobufReader
  /** Values that were nested too deep and replaced by a marker. */
  tooDeep = 0

  constructor(reader: ProtobufReader) {
    this.#reader = reader
  }

  /** Writes the AnyValue in `[from, to)` as JSON. Leaves `reader.pos` at `to` and `reader.end` as it was. */
  value(text: JsonText, from: number, to: number): void {
    this.#value(text, from, to, 1, false)
  }

  /** Like `value`, but a top-level string, bytes or NaN has no quotes, as in the collector's `AsString`. Empty: nothing. */
  bare(text: JsonText, from: number, to: number): void {
    this.#value(text, from, to, 1, true)
  }

  #value(text: JsonText, from: number, to: number, depth: number, bare: boolean): void {
    if (depth > MAX_VALUE_DEPTH) {
      this.tooDeep++
      this.#reader.pos = to
      text.fragment(TOO_DEEP)
      return
    }
    const reader = this.#reader
    const outerEnd = reader.end
    reader.pos = from
    reader.end = to
    let kind = 0
    let start = 0
    let end = 0
    let high = 0
    let low = 0
    let number = 0
    while (reader.pos < to) {
      const at = reader.pos
      const tag = reader.tag()
      switch (tag) {
        case STRING_VALUE:
        case ARRAY_VALUE:
        case KVLIST_VALUE:
        case BYTES_VALUE:
          end = reader.length()
          start = reader.pos
          end += start
          reader.pos = end
          break
        case BOOL_VALUE:
        case INT_VALUE:
          reader.varint64()
          high = reader.high
          low = reader.low
          break
        case DOUBLE_VALUE:
          number = reader.double()
          break
        default:
          if (tag >>> 3 <= LAST_VALUE_FIELD)
            throw new MalformedProtobuf(`AnyValue field ${tag >>> 3} has wire type ${tag & 7}`, at)
          reader.skip(tag)
          continue
      }
      kind = tag
    }
    switch (kind) {
      case STRING_VALUE:
        if (bare) text.utf8(reader.view, start, end, ONCE)
        else {
          text.fragment(QUOTE)
          text.utf8(reader.view, start, end, TWICE)
          text.fragment(QUOTE)
        }
        break
      case BOOL_VALUE:
        text.fragment((high | low) === 0 ? FALSE : TRUE)
        break
      case INT_VALUE:
        text.ascii(int64Text(high, low))
        break
      case DOUBLE_VALUE:
        if (Number.isFinite(number)) text.ascii(Object.is(number, -0) ? '-0' : String(number))
        else this.#quoted(text, String(number), bare)
        break
      case ARRAY_VALUE:
        text.fragment(OPEN_ARRAY)
        this.#array(text, start, end, depth)
        text.fragment(CLOSE_ARRAY)
        break
      case KVLIST_VALUE:
        text.fragment(OPEN_OBJECT)
        this.#keyValues(text, start, end, REPEATED_VALUES, depth + 1)
        text.fragment(CLOSE_OBJECT)
        break
      case BYTES_VALUE:
        if (!bare) text.fragment(QUOTE)
        base64(text, reader.bytes, start, end)
        if (!bare) text.fragment(QUOTE)
        break
      default:
        if (!bare) text.fragment(NULL)
    }
    reader.pos = to
    reader.end = outerEnd
  }

  #quoted(text: JsonText, ascii: string, bare: boolean): void {
    if (!bare) text.fragment(QUOTE)
    text.ascii(ascii)
    if (!bare) text.fragment(QUOTE)
  }

  #array(text: JsonText, from: number, to: number, depth: number): void {
    const reader = this.#reader
    reader.pos = from
    reader.end = to
    let first = true
    while (reader.pos < to) {
      const tag = reader.tag()
      if (tag !== REPEATED_VALUES) {
        reader.skip(tag)
        continue
      }
      if (first) first = false
      else text.fragment(COMMA)
      const length = reader.length()
      this.#value(text, reader.pos, reader.pos + length, depth + 1, false)
    }
  }

  /**
   * Writes the KeyValues in field `tag` of the message in `[from, to)`, as the inside of a JSON object. A duplicate key is
   * written twice; JSON readers use the last, as the collector's map does.
   */
  keyValues(text: JsonText, from: number, to: number, tag: number): void {
    this.#keyValues(text, from, to, tag, 1)
  }

  /** @param depth depth of the values: 1 in attributes, as for a body (`MAX_VALUE_DEPTH`) */
  #keyValues(text: JsonText, from: number, to: number, tag: number, depth: number): void {
    const reader = this.#reader
    const outerEnd = reader.end
    reader.pos = from
    reader.end = to
    let first = true
    while (reader.pos < to) {
      const found = reader.tag()
      if (found !== tag) {
        reader.skip(found)
        continue
      }
      text.fragment(first ? QUOTE : COMMA_QUOTE)
      first = false
      const length = reader.length()
      this.#keyValue(text, reader.pos, reader.pos + length, depth)
    }
    reader.end = outerEnd
  }

  /** Writes the KeyValue after the opening quote of its key. */
  #keyValue(text: JsonText, from: number, to: number, depth: number): void {
    const reader = this.#reader
    const outerEnd = reader.end
    reader.end = to
    let keyFrom = from
    let keyTo = from
    let valueFrom = -1
    let valueTo = 0
    while (reader.pos < to) {
      const at = reader.pos
      const tag = reader.tag()
      if (tag === KEY) {
        keyTo = reader.length()
        keyFrom = reader.pos
        keyTo += keyFrom
        reader.pos = keyTo
      } else if (tag === VALUE) {
        valueTo = reader.length()
        valueFrom = reader.pos
        valueTo += valueFrom
        reader.pos = valueTo
      } else {
        if (tag >>> 3 <= LAST_KEY_VALUE_FIELD)
          throw new MalformedProtobuf(`KeyValue field ${tag >>> 3} has wire type ${tag & 7}`, at)
        reader.skip(tag)
      }
    }
    text.utf8(reader.view, keyFrom, keyTo, TWICE)
    text.fragment(COLON)
    if (valueFrom < 0) text.fragment(NULL)
    else this.#value(text, valueFrom, valueTo, depth, false)
    reader.pos = to
    reader.end = outerEnd
  }
}

/** Writes in pieces, since bytes as long as a request would make a string a third longer. */
function base64(text: JsonText, bytes: Uint8Array, start: number, end: number): void {
  const value = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start)
  for (let at = 0; at < value.length; at += BASE64_PIECE_BYTES)
    text.ascii(value.toString('base64', at, at + BASE64_PIECE_BYTES))
}
