// Hot path; bench: test/bench/transcode.ts
//
// Attributes as members of a JSON object: some of them, and under their own names beside the event's fields.

import { type Fragment, fragment, type JsonText, TWICE } from '../../../../wire/json-text.ts'
import { MalformedProtobuf, type ProtobufReader } from '../../../../wire/protobuf-reader.ts'
import type { AnyValueWriter } from '../any-value.ts'
import { KeyFilter } from './key-filter.ts'
import { type AttributeChoice, FIELDS } from './message-shape.ts'

// Tags of KeyValue, opentelemetry/proto/common/v1/common.proto.
const KEY = 10
const VALUE = 18
const LAST_KEY_VALUE_FIELD = 2

const COMMA = fragment(',')
const QUOTE = fragment('"')
const COLON = fragment('":')
const NULL = fragment('null')

/** Members of an event that are not attributes. Names with these prefixes are reserved, so that no two names become one. */
const OWN_MEMBERS = ['event.id', 'event.split', 'original_timestamp', 'sequence']
const RESERVED_PREFIXES = ['body.*', 'attributes.*', 'resource.*', 'scope.*']
/** Names that a member of the body or an attribute cannot have at the top of an event. */
export const RESERVED = new KeyFilter([...FIELDS, ...OWN_MEMBERS, ...RESERVED_PREFIXES])

export interface Naming {
  /** Before every name; undefined: none. */
  readonly prefix: Fragment | undefined
  /** Before a reserved name; undefined: names cannot be reserved. */
  readonly reservedPrefix: Fragment | undefined
}

export const NESTED: Naming = { prefix: undefined, reservedPrefix: undefined }

export class MemberWriter {
  readonly #reader: ProtobufReader
  readonly #values: AnyValueWriter

  constructor(reader: ProtobufReader, values: AnyValueWriter) {
    this.#reader = reader
    this.#values = values
  }

  /**
   * Writes the KeyValues in field `tag` of the message in `[from, to)` as members, each after a comma except at `opening`.
   * @param opening value of `text.counted` at which no comma is needed
   */
  write(
    text: JsonText,
    from: number,
    to: number,
    tag: number,
    opening: number,
    { include, exclude }: AttributeChoice,
    { prefix, reservedPrefix }: Naming,
  ): void {
    const reader = this.#reader
    const outerEnd = reader.end
    reader.pos = from
    reader.end = to
    while (reader.pos < to) {
      const found = reader.tag()
      if (found !== tag) {
        reader.skip(found)
        continue
      }
      const length = reader.length()
      const end = reader.pos + length
      reader.end = end
      let keyFrom = reader.pos
      let keyTo = reader.pos
      let valueFrom = -1
      let valueTo = 0
      while (reader.pos < end) {
        const at = reader.pos
        const field = reader.tag()
        if (field === KEY) {
          keyTo = reader.length()
          keyFrom = reader.pos
          reader.pos = keyTo += keyFrom
        } else if (field === VALUE) {
          valueTo = reader.length()
          valueFrom = reader.pos
          reader.pos = valueTo += valueFrom
        } else {
          if (field >>> 3 <= LAST_KEY_VALUE_FIELD)
            throw new MalformedProtobuf(`KeyValue field ${field >>> 3} has wire type ${field & 7}`, at)
          reader.skip(field)
        }
      }
      const { bytes } = reader
      const isWritten =
        (include === undefined || include.has(bytes, keyFrom, keyTo)) &&
        (exclude === undefined || !exclude.has(bytes, keyFrom, keyTo))
      if (isWritten) {
        if (text.counted > opening) text.fragment(COMMA)
        text.fragment(QUOTE)
        if (prefix !== undefined) text.fragment(prefix)
        if (reservedPrefix !== undefined && RESERVED.has(bytes, keyFrom, keyTo)) text.fragment(reservedPrefix)
        text.utf8(reader.view, keyFrom, keyTo, TWICE)
        text.fragment(COLON)
        if (valueFrom < 0) text.fragment(NULL)
        else this.#values.value(text, valueFrom, valueTo)
      }
      reader.pos = end
      reader.end = to
    }
    reader.end = outerEnd
  }
}
