// Hot path; bench: test/bench/transcode.ts
//
// One LogRecord as the JSON of its event. Equal as JSON to what the collector's awscloudwatchlogs exporter writes:
//
//   {"body":…,"severity_number":9,"severity_text":"INFO","dropped_attributes_count":1,"flags":1,"trace_id":"…","span_id":"…",
//    "event_name":"…","attributes":{…},"event.id":"…","scope":{"name":"…","version":"…","attributes":{…}},"resource":{…}}
//
// Absent, empty and 0 fields are omitted; a body of "" is written. In addition to the collector: `event_name`, the version
// and attributes of a scope without a name, and with `event_id` 16 random digits of this writer and the record's number.
// The id is part of the event from here on, so a repeated put repeats it, also after a crash.

import { randomBytes } from 'node:crypto'
import type { ProtobufReader } from '../../../wire/protobuf-reader.ts'
import { type Fragment, fragment, JsonText, TWICE } from '../../../wire/json-text.ts'
import type { AnyValueWriter } from './any-value.ts'
import type { MessageShape } from './message/message-shape.ts'
import { Shaper } from './message/shaper.ts'
import { type LogRecordFields, RECORD_ATTRIBUTES, SPAN_ID_BYTES, TRACE_ID_BYTES } from './log-record.ts'

const OPEN = fragment('{')
const CLOSE = fragment('}')
const COMMA = fragment(',')
const QUOTE = fragment('"')
const XRAY_VERSION = fragment('1-')
const HYPHEN = fragment('-')
/** The part of an X-Ray trace id that is a time. */
const XRAY_SECONDS_BYTES = 4
const ORIGINAL_TIMESTAMP = fragment('"original_timestamp":')
const BODY = fragment('"body":')
const SEVERITY_NUMBER = fragment('"severity_number":')
const SEVERITY_TEXT = fragment('"severity_text":"')
const DROPPED_ATTRIBUTES_COUNT = fragment('"dropped_attributes_count":')
const FLAGS = fragment('"flags":')
const TRACE_ID = fragment('"trace_id":"')
const SPAN_ID = fragment('"span_id":"')
const EVENT_NAME = fragment('"event_name":"')
const EVENT_ID = '"event.id":"'
const ATTRIBUTES = fragment('"attributes":{')
const SCOPE = fragment('"scope":{')
const NAME = fragment('"name":"')
const VERSION = fragment('"version":"')
const RESOURCE = fragment('"resource":{')

// Tags of opentelemetry/proto/common/v1/common.proto, InstrumentationScope, and resource.proto, Resource.
const SCOPE_NAME = (1 << 3) | 2
const SCOPE_VERSION = (2 << 3) | 2
export const SCOPE_ATTRIBUTES = (3 << 3) | 2
export const RESOURCE_ATTRIBUTES = (1 << 3) | 2

interface Tail {
  readonly bytes: Uint8Array
  readonly counted: number
}
const NO_TAIL: Tail = { bytes: new Uint8Array(0), counted: 0 }

/** The two hex digits of each byte. */
const HEX = Uint16Array.from({ length: 256 }, (_, byte) =>
  Buffer.from(byte.toString(16).padStart(2, '0')).readUInt16LE(),
)

export class EventJson {
  readonly #reader: ProtobufReader
  readonly #values: AnyValueWriter
  /** The resource, rendered once for all its scopes. `#shared`: a scope with its resource. */
  readonly #resource: JsonText
  readonly #shared: JsonText
  /** Undefined: the event is the collector's. */
  readonly #shaper: Shaper | undefined
  /** The prefix of event ids; undefined: no ids. */
  readonly #id: Fragment | undefined
  #written = 0
  /** Scope and resource of the records that follow, without the comma before them; rendered once for all of them. */
  #tail: Tail = NO_TAIL
  #resourceRendered = false
  #rendered = false
  #scopeFrom = -1
  #scopeTo = 0
  #resourceFrom = -1
  #resourceTo = 0

  /**
   * @param limit maximum bytes of a scope and its resource together
   * @param eventId whether each event gets a unique id
   * @param shape differences from the collector's event
   */
  constructor(
    reader: ProtobufReader,
    values: AnyValueWriter,
    limit: number,
    eventId: boolean,
    shape: MessageShape | undefined,
  ) {
    this.#reader = reader
    this.#values = values
    this.#shaper = shape === undefined ? undefined : new Shaper(reader, values, shape)
    this.#id = eventId ? fragment(`${EVENT_ID}${randomBytes(8).toString('hex')}-`) : undefined
    this.#resource = new JsonText(limit)
    this.#shared = new JsonText(limit)
  }

  /** Invalid UTF-8 sequences in scopes and resources that became U+FFFD, once for all the records that share them. */
  get repaired(): number {
    return this.#shared.repaired + this.#resource.repaired
  }

  /**
   * Sets the resource that the records of one ResourceLogs share. It is rendered once, with the first record written: a
   * request may hold half a million ScopeLogs of one resource, and a resource of many megabytes.
   * Offsets are those in the request; -1 if there is no resource.
   */
  shareResource(from: number, to: number): void {
    this.#resourceRendered = false
    this.#resourceFrom = this.#shaper?.hidesResource === true ? -1 : from
    this.#resourceTo = to
  }

  /** Sets the scope of one ScopeLogs of that resource. */
  shareScope(from: number, to: number): void {
    this.#rendered = false
    this.#scopeFrom = this.#shaper?.hidesScope === true ? -1 : from
    this.#scopeTo = to
  }

  /** Releases the scope and resource of the last request. */
  release(): void {
    this.#tail = NO_TAIL
    this.#resource.restart()
    this.#shared.restart()
  }

  #render(): void {
    if (!this.#resourceRendered) this.#renderResource()
    const resource = this.#resource
    const text = this.#shared
    text.restart()
    if (this.#scopeFrom >= 0) this.#scope(text, this.#scopeFrom, this.#scopeTo)
    let all = resource
    if (text.counted > 0) {
      all = text
      if (resource.counted > 0) {
        text.fragment(COMMA)
        text.copied(resource.bytes.subarray(0, resource.pos), resource.counted)
      }
    }
    this.#tail = { bytes: all.bytes.subarray(0, all.pos), counted: all.counted }
    this.#rendered = true
  }

  #renderResource(): void {
    const text = this.#resource
    const from = this.#resourceFrom
    const to = this.#resourceTo
    text.restart()
    if (from >= 0 && hasField(this.#reader, from, to, RESOURCE_ATTRIBUTES)) {
      if (this.#shaper !== undefined) this.#shaper.resource(text, from, to, RESOURCE_ATTRIBUTES)
      else {
        text.fragment(RESOURCE)
        this.#values.keyValues(text, from, to, RESOURCE_ATTRIBUTES)
        text.fragment(CLOSE)
      }
    }
    this.#resourceRendered = true
  }

  #scope(text: JsonText, from: number, to: number): void {
    const reader = this.#reader
    const outerEnd = reader.end
    let nameFrom = 0
    let nameTo = 0
    let versionFrom = 0
    let versionTo = 0
    let attributes = false
    reader.pos = from
    reader.end = to
    while (reader.pos < to) {
      const tag = reader.tag()
      if (tag === SCOPE_NAME) {
        nameTo = reader.length()
        nameFrom = reader.pos
        reader.pos = nameTo += nameFrom
      } else if (tag === SCOPE_VERSION) {
        versionTo = reader.length()
        versionFrom = reader.pos
        reader.pos = versionTo += versionFrom
      } else {
        if (tag === SCOPE_ATTRIBUTES) attributes = true
        reader.skip(tag)
      }
    }
    reader.end = outerEnd
    if (nameFrom === nameTo && versionFrom === versionTo && !attributes) return
    if (this.#shaper?.flat === true) {
      const name = { from: nameFrom, to: nameTo }
      return this.#shaper.flatScope(text, { from, to, tag: SCOPE_ATTRIBUTES }, name, {
        from: versionFrom,
        to: versionTo,
      })
    }
    text.fragment(SCOPE)
    if (nameFrom < nameTo) {
      text.fragment(NAME)
      text.utf8(reader.view, nameFrom, nameTo, TWICE)
      text.fragment(QUOTE)
    }
    if (versionFrom < versionTo) {
      if (nameFrom < nameTo) text.fragment(COMMA)
      text.fragment(VERSION)
      text.utf8(reader.view, versionFrom, versionTo, TWICE)
      text.fragment(QUOTE)
    }
    if (attributes) {
      if (nameFrom < nameTo || versionFrom < versionTo) text.fragment(COMMA)
      text.fragment(ATTRIBUTES)
      this.#values.keyValues(text, from, to, SCOPE_ATTRIBUTES)
      text.fragment(CLOSE)
    }
    text.fragment(CLOSE)
  }

  /**
   * Writes the message of one record. Expects `text.counted` to be 0.
   * @param originalTime ms since the epoch, of an event that is stored under another time; below 0: none
   * @param nowMs the time of receipt
   * @param mayMerge false: the body is one member, whatever the shape says
   */
  write(text: JsonText, record: LogRecordFields, originalTime: number, nowMs: number, mayMerge: boolean): void {
    const { bytes, view } = this.#reader
    const shaper = this.#shaper
    shaper?.hide(record)
    text.fragment(OPEN)
    if (originalTime >= 0) {
      text.fragment(ORIGINAL_TIMESTAMP)
      text.ascii(String(originalTime))
    }
    // A body without a value (an empty AnyValue) is omitted, like the collector's nil.
    if (record.bodyFrom >= 0 && record.bodyTo > record.bodyFrom) {
      if (shaper === undefined || !mayMerge || !shaper.mergesBody(text, record)) {
        this.#next(text, BODY)
        this.#values.value(text, record.bodyFrom, record.bodyTo)
      }
    }
    if (record.severityNumber !== 0) {
      this.#next(text, SEVERITY_NUMBER)
      text.ascii(String(record.severityNumber))
    }
    if (record.severityTextFrom >= 0 && record.severityTextTo > record.severityTextFrom) {
      this.#next(text, SEVERITY_TEXT)
      text.utf8(view, record.severityTextFrom, record.severityTextTo, TWICE)
      text.fragment(QUOTE)
    }
    if (record.droppedAttributesCount !== 0) {
      this.#next(text, DROPPED_ATTRIBUTES_COUNT)
      text.ascii(String(record.droppedAttributesCount))
    }
    if (record.flags !== 0) {
      this.#next(text, FLAGS)
      text.ascii(String(record.flags))
    }
    if (record.traceIdFrom >= 0) {
      this.#next(text, TRACE_ID)
      if (shaper?.xrayTraceId === true) {
        // 1-<seconds since the epoch>-<random>, as X-Ray writes the same 16 bytes.
        text.fragment(XRAY_VERSION)
        hex(text, bytes, record.traceIdFrom, XRAY_SECONDS_BYTES)
        text.fragment(HYPHEN)
        hex(text, bytes, record.traceIdFrom + XRAY_SECONDS_BYTES, TRACE_ID_BYTES - XRAY_SECONDS_BYTES)
      } else hex(text, bytes, record.traceIdFrom, TRACE_ID_BYTES)
      text.fragment(QUOTE)
    }
    if (record.spanIdFrom >= 0) {
      this.#next(text, SPAN_ID)
      hex(text, bytes, record.spanIdFrom, SPAN_ID_BYTES)
      text.fragment(QUOTE)
    }
    if (record.eventNameFrom >= 0 && record.eventNameTo > record.eventNameFrom) {
      this.#next(text, EVENT_NAME)
      text.utf8(view, record.eventNameFrom, record.eventNameTo, TWICE)
      text.fragment(QUOTE)
    }
    if (record.attributesFrom >= 0) {
      if (shaper !== undefined) shaper.attributes(text, record)
      else {
        this.#next(text, ATTRIBUTES)
        this.#values.keyValues(text, record.attributesFrom, record.attributesTo, RECORD_ATTRIBUTES)
        text.fragment(CLOSE)
      }
    }
    shaper?.sequence(text, nowMs)
    if (this.#id !== undefined) {
      this.#next(text, this.#id)
      text.decimal(++this.#written)
      text.fragment(QUOTE)
    }
    if (!this.#rendered) this.#render()
    if (this.#tail.counted > 0) {
      if (text.counted > OPEN.counted) text.fragment(COMMA)
      text.copied(this.#tail.bytes, this.#tail.counted)
    }
    text.fragment(CLOSE)
  }

  #next(text: JsonText, key: Fragment): void {
    if (text.counted > OPEN.counted) text.fragment(COMMA)
    text.fragment(key)
  }
}

function hex(text: JsonText, bytes: Uint8Array, from: number, count: number): void {
  text.ensure(count * 2)
  const to = text.view
  let pos = text.pos
  for (let i = from; i < from + count; i++) {
    to.setUint16(pos, HEX[bytes[i] as number] as number, true)
    pos += 2
  }
  text.pos = pos
  text.counted += count * 2
}

function hasField(reader: ProtobufReader, from: number, to: number, wanted: number): boolean {
  const outerEnd = reader.end
  reader.pos = from
  reader.end = to
  let found = false
  while (reader.pos < to) {
    const tag = reader.tag()
    if (tag === wanted) found = true
    reader.skip(tag)
  }
  reader.end = outerEnd
  return found
}
