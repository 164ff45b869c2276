// Hot path; bench: test/bench/transcode.ts
//
// The members of a body that is a map, or a string with a JSON object, at the top of the event.

import { JsonProblem, JsonReader } from '../../../../otlp/json-reader.ts'
import { fragment, type JsonText, ONCE } from '../../../../wire/json-text.ts'
import { unescapeJson } from '../../../../wire/json-unescape.ts'
import type { ProtobufReader } from '../../../../wire/protobuf-reader.ts'
import { type BodyRange, firstByte, KVLIST_VALUE, STRING_VALUE } from '../body-range.ts'
import { type MemberWriter, type Naming, RESERVED } from './members.ts'
import type { AttributeChoice } from './message-shape.ts'

const COMMA = fragment(',')
const QUOTE = fragment('"')
const COLON = fragment('":')
const RESERVED_PREFIX = fragment('body.')
const NAMING: Naming = { prefix: undefined, reservedPrefix: RESERVED_PREFIX }
const ALL: AttributeChoice = { include: undefined, exclude: undefined }
/** The values of a KeyValueList. */
const VALUES = 10
const OPEN_OBJECT = 0x7b
/** A longer name with escapes is no reserved one. */
const MAX_NAME_BYTES = 1_024

export class BodyMerger {
  readonly #reader: ProtobufReader
  readonly #members: MemberWriter
  readonly #json = new JsonReader()
  readonly #name = Buffer.alloc(MAX_NAME_BYTES)

  constructor(reader: ProtobufReader, members: MemberWriter) {
    this.#reader = reader
    this.#members = members
  }

  /** Writes the members. @returns Returns false if the body has none to merge; nothing is written then */
  merge(text: JsonText, body: BodyRange, opening: number): boolean {
    if (body.kind === KVLIST_VALUE) {
      this.#members.write(text, body.from, body.to, VALUES, opening, ALL, NAMING)
      return true
    }
    const { bytes } = this.#reader
    if (body.kind !== STRING_VALUE || firstByte(bytes, body.from, body.to) !== OPEN_OBJECT) return false
    const json = this.#json
    json.reset(bytes.subarray(body.from, body.to))
    const isObject = this.#isJson()
    if (isObject) this.#writeMembers(text, body.from, opening)
    json.release()
    return isObject
  }

  #isJson(): boolean {
    const json = this.#json
    try {
      json.skip()
      json.finish()
      json.pos = 0
      return true
    } catch (error) {
      // Invalid JSON is a result here, not a failure.
      if (error instanceof JsonProblem) return false
      throw error
    }
  }

  #writeMembers(text: JsonText, offset: number, opening: number): void {
    const json = this.#json
    const { view } = this.#reader
    json.kind()
    if (!json.enter('an object')) return
    do {
      json.key()
      if (text.counted > opening) text.fragment(COMMA)
      text.fragment(QUOTE)
      if (this.#isReserved()) text.fragment(RESERVED_PREFIX)
      text.utf8(view, offset + json.from, offset + json.to, ONCE)
      text.fragment(COLON)
      json.kind()
      const from = json.pos
      json.skip()
      text.utf8(view, offset + from, offset + json.pos, ONCE)
    } while (json.another('an object'))
  }

  /** Whether the last key read is a reserved name. */
  #isReserved(): boolean {
    const { bytes, from, to, escaped } = this.#json
    if (!escaped) return RESERVED.has(bytes, from, to)
    if (to - from > MAX_NAME_BYTES) return false
    return RESERVED.has(this.#name, 0, unescapeJson(bytes, from, to, this.#name, 0))
  }
}
