// Hot path; bench: test/bench/transcode.ts
//
// Finds the fields of one LogRecord in the request's bytes. Protobuf fields may come in any order, and the event has a fixed
// one, so a record is scanned once before it is written.

import { MalformedProtobuf, type ProtobufReader } from '../../../wire/protobuf-reader.ts'

// Tags of opentelemetry/proto/logs/v1/logs.proto, LogRecord: field << 3 | wire type.
const TIME_UNIX_NANO = (1 << 3) | 1
const SEVERITY_NUMBER = 2 << 3
const SEVERITY_TEXT = (3 << 3) | 2
const BODY = (5 << 3) | 2
export const RECORD_ATTRIBUTES = (6 << 3) | 2
const DROPPED_ATTRIBUTES_COUNT = 7 << 3
const FLAGS = (8 << 3) | 5
const TRACE_ID = (9 << 3) | 2
const SPAN_ID = (10 << 3) | 2
const OBSERVED_TIME_UNIX_NANO = (11 << 3) | 1
const EVENT_NAME = (12 << 3) | 2
const RESERVED = 4
const LAST_FIELD = 12

export const TRACE_ID_BYTES = 16
export const SPAN_ID_BYTES = 8

/** Offsets are -1 if the field is absent. */
export class LogRecordFields {
  timeHigh = 0
  timeLow = 0
  observedHigh = 0
  observedLow = 0
  severityNumber = 0
  severityTextFrom = -1
  severityTextTo = 0
  bodyFrom = -1
  bodyTo = 0
  /** From the first attribute's tag to the end of the last; other fields may be in between. */
  attributesFrom = -1
  attributesTo = 0
  droppedAttributesCount = 0
  flags = 0
  traceIdFrom = -1
  spanIdFrom = -1
  eventNameFrom = -1
  eventNameTo = 0

  /** Reads the record in `[reader.pos, to)`. Leaves `reader.pos` at `to`. */
  read(reader: ProtobufReader, to: number): void {
    this.timeHigh = this.timeLow = this.observedHigh = this.observedLow = 0
    this.severityNumber = this.droppedAttributesCount = this.flags = 0
    this.severityTextFrom = this.bodyFrom = this.attributesFrom = -1
    this.traceIdFrom = this.spanIdFrom = this.eventNameFrom = -1
    const outerEnd = reader.end
    reader.end = to
    while (reader.pos < to) {
      const at = reader.pos
      const tag = reader.tag()
      switch (tag) {
        case TIME_UNIX_NANO:
          reader.fixed64()
          this.timeHigh = reader.high
          this.timeLow = reader.low
          break
        case OBSERVED_TIME_UNIX_NANO:
          reader.fixed64()
          this.observedHigh = reader.high
          this.observedLow = reader.low
          break
        case SEVERITY_NUMBER:
          this.severityNumber = reader.uint32() | 0
          break
        case SEVERITY_TEXT:
          this.severityTextTo = reader.length()
          this.severityTextFrom = reader.pos
          reader.pos = this.severityTextTo += reader.pos
          break
        case BODY:
          this.bodyTo = reader.length()
          this.bodyFrom = reader.pos
          reader.pos = this.bodyTo += reader.pos
          break
        case RECORD_ATTRIBUTES: {
          if (this.attributesFrom < 0) this.attributesFrom = at
          const length = reader.length()
          reader.pos = this.attributesTo = reader.pos + length
          break
        }
        case DROPPED_ATTRIBUTES_COUNT:
          this.droppedAttributesCount = reader.uint32()
          break
        case FLAGS:
          this.flags = reader.fixed32()
          break
        case TRACE_ID:
          this.traceIdFrom = idOffset(reader, TRACE_ID_BYTES)
          break
        case SPAN_ID:
          this.spanIdFrom = idOffset(reader, SPAN_ID_BYTES)
          break
        case EVENT_NAME:
          this.eventNameTo = reader.length()
          this.eventNameFrom = reader.pos
          reader.pos = this.eventNameTo += reader.pos
          break
        default:
          if (tag >>> 3 <= LAST_FIELD && tag >>> 3 !== RESERVED)
            throw new MalformedProtobuf(`LogRecord field ${tag >>> 3} has wire type ${tag & 7}`, at)
          reader.skip(tag)
      }
    }
    reader.end = outerEnd
  }
}

/** Offset of an id, or -1 if it is invalid: all zero or of a wrong length (logs.proto). */
function idOffset(reader: ProtobufReader, size: number): number {
  const length = reader.length()
  const from = reader.pos
  reader.pos = from + length
  if (length !== size) return -1
  for (let i = from; i < from + size; i++) if (reader.bytes[i] !== 0) return from
  return -1
}

/**
 * Converts nanoseconds in two unsigned 32-bit halves to whole milliseconds, exactly: a double alone is off by up to 128 ns at
 * current times, enough to round to the previous millisecond.
 */
export function nanosToMillis(high: number, low: number): number {
  // 2^32 ns = 4,294 ms and 967,296 ns
  return high * 4_294 + Math.floor((high * 967_296 + low) / 1_000_000)
}
