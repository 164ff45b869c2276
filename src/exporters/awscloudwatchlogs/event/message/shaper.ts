// Hot path; bench: test/bench/transcode.ts
//
// The parts of an event that `message` changes.

import { fragment, type JsonText, TWICE } from '../../../../wire/json-text.ts'
import type { ProtobufReader } from '../../../../wire/protobuf-reader.ts'
import type { AnyValueWriter } from '../any-value.ts'
import { BodyRange } from '../body-range.ts'
import { type LogRecordFields, RECORD_ATTRIBUTES } from '../log-record.ts'
import { MemberWriter, type Naming, NESTED } from './members.ts'
import { BodyMerger } from './merge-body.ts'
import type { AttributeChoice, MessageShape } from './message-shape.ts'

const COMMA = fragment(',')
const CLOSE = fragment('}')
const ATTRIBUTES = fragment('"attributes":{')
const RESOURCE = fragment('"resource":{')
const SEQUENCE = fragment('"sequence":')
const SCOPE_NAME = fragment('"scope.name":"')
const SCOPE_VERSION = fragment('"scope.version":"')
const QUOTE = fragment('"')

const FLAT_ATTRIBUTES: Naming = { prefix: undefined, reservedPrefix: fragment('attributes.') }
const FLAT_RESOURCE: Naming = { prefix: fragment('resource.'), reservedPrefix: undefined }
const FLAT_SCOPE: Naming = { prefix: fragment('scope.attributes.'), reservedPrefix: undefined }
const ALL: AttributeChoice = { include: undefined, exclude: undefined }
/** Value of `text.counted` after the brace that opens an event or a map. */
const OPENED = 1
/** Sequence numbers of one millisecond. */
const SEQUENCES_A_MS = 1_000

export class Shaper {
  readonly #reader: ProtobufReader
  readonly #shape: MessageShape
  readonly #members: MemberWriter
  readonly #merger: BodyMerger
  readonly #body = new BodyRange()
  readonly hidesResource: boolean
  readonly hidesScope: boolean
  #sequence = 0

  constructor(reader: ProtobufReader, values: AnyValueWriter, shape: MessageShape) {
    this.#reader = reader
    this.#shape = shape
    this.#members = new MemberWriter(reader, values)
    this.#merger = new BodyMerger(reader, this.#members)
    this.hidesResource = shape.hidden.has('resource')
    this.hidesScope = shape.hidden.has('scope')
  }

  get flat(): boolean {
    return this.#shape.flat
  }

  get xrayTraceId(): boolean {
    return this.#shape.xrayTraceId
  }

  /** Removes the fields of a record that are not written. */
  hide(record: LogRecordFields): void {
    const { hidden } = this.#shape
    if (hidden.size === 0) return
    if (hidden.has('body')) record.bodyFrom = -1
    if (hidden.has('severity_number')) record.severityNumber = 0
    if (hidden.has('severity_text')) record.severityTextFrom = -1
    if (hidden.has('dropped_attributes_count')) record.droppedAttributesCount = 0
    if (hidden.has('flags')) record.flags = 0
    if (hidden.has('trace_id')) record.traceIdFrom = -1
    if (hidden.has('span_id')) record.spanIdFrom = -1
    if (hidden.has('event_name')) record.eventNameFrom = -1
    if (hidden.has('attributes')) record.attributesFrom = -1
  }

  /** Writes the members of the body at the top. @returns Returns false if the body remains one member */
  mergesBody(text: JsonText, record: LogRecordFields): boolean {
    if (!this.#shape.mergeBody) return false
    this.#body.read(this.#reader, record.bodyFrom, record.bodyTo)
    return this.#merger.merge(text, this.#body, OPENED)
  }

  attributes(text: JsonText, record: LogRecordFields): void {
    const { attributesFrom: from, attributesTo: to } = record
    const { flat, attributes } = this.#shape
    if (flat) this.#members.write(text, from, to, RECORD_ATTRIBUTES, OPENED, attributes, FLAT_ATTRIBUTES)
    else this.#map(text, ATTRIBUTES, OPENED, from, to, RECORD_ATTRIBUTES, attributes)
  }

  /** Writes the resource without a comma before it. @param tag of its attributes */
  resource(text: JsonText, from: number, to: number, tag: number): void {
    const { flat, resource } = this.#shape
    if (flat) this.#members.write(text, from, to, tag, 0, resource, FLAT_RESOURCE)
    else this.#map(text, RESOURCE, 0, from, to, tag, resource)
  }

  /** Writes a scope flat, without a comma before it. Offsets of an absent name or version are equal. */
  flatScope(
    text: JsonText,
    scope: { readonly from: number; readonly to: number; readonly tag: number },
    name: { readonly from: number; readonly to: number },
    version: { readonly from: number; readonly to: number },
  ): void {
    const { view } = this.#reader
    if (name.from < name.to) {
      text.fragment(SCOPE_NAME)
      text.utf8(view, name.from, name.to, TWICE)
      text.fragment(QUOTE)
    }
    if (version.from < version.to) {
      if (text.counted > 0) text.fragment(COMMA)
      text.fragment(SCOPE_VERSION)
      text.utf8(view, version.from, version.to, TWICE)
      text.fragment(QUOTE)
    }
    this.#members.write(text, scope.from, scope.to, scope.tag, 0, ALL, FLAT_SCOPE)
  }

  /** Writes a map of attributes, and nothing if none of them is written. */
  #map(
    text: JsonText,
    open: typeof ATTRIBUTES,
    opening: number,
    from: number,
    to: number,
    tag: number,
    choice: AttributeChoice,
  ): void {
    const { pos, counted } = text
    if (counted > opening) text.fragment(COMMA)
    text.fragment(open)
    const opened = text.counted
    this.#members.write(text, from, to, tag, opened, choice, NESTED)
    if (text.counted > opened) return text.fragment(CLOSE)
    text.pos = pos
    text.counted = counted
  }

  /**
   * Writes a number that increases from event to event, also over a restart: the time of receipt and 1,000 numbers for each
   * millisecond.
   */
  sequence(text: JsonText, nowMs: number): void {
    if (!this.#shape.sequence) return
    this.#sequence = Math.max(this.#sequence + 1, Math.floor(nowMs) * SEQUENCES_A_MS)
    if (text.counted > OPENED) text.fragment(COMMA)
    text.fragment(SEQUENCE)
    text.decimal(this.#sequence)
  }
}
