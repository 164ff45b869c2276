// Hot path; bench: test/bench/transcode.ts
//
// The kind and content of a record's body, found without decoding it.

import type { ProtobufReader } from '../../../wire/protobuf-reader.ts'

// Tags of AnyValue, opentelemetry/proto/common/v1/common.proto.
export const STRING_VALUE = 10
export const KVLIST_VALUE = 50
const LENGTH_DELIMITED = 2

/** Reused for each record. */
export class BodyRange {
  /** The tag of the value, the last one of a oneof; 0 if there is none. */
  kind = 0
  /** The content of a string, map, list or bytes. */
  from = 0
  to = 0

  /** Reads the AnyValue in `[from, to)`. */
  read(reader: ProtobufReader, from: number, to: number): void {
    const outerPos = reader.pos
    const outerEnd = reader.end
    this.kind = 0
    if (from < 0) return
    reader.pos = from
    reader.end = to
    while (reader.pos < to) {
      this.kind = reader.tag()
      if ((this.kind & 7) === LENGTH_DELIMITED) {
        const length = reader.length()
        this.from = reader.pos
        reader.pos = this.to = this.from + length
      } else reader.skip(this.kind)
    }
    reader.pos = outerPos
    reader.end = outerEnd
  }
}

/** The first byte that is not JSON's white space; -1 if there is none. */
export function firstByte(bytes: Uint8Array, from: number, to: number): number {
  let at = from
  while (at < to && (bytes[at] === 0x20 || bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0x09)) at++
  return at < to ? (bytes[at] as number) : -1
}
