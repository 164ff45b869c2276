// Reads a few attributes from protobuf bytes as strings, without decoding the others.

import type { ProtobufReader } from '../../../wire/protobuf-reader.ts'
import { int64Text } from '../../../wire/int64-text.ts'
import { MAX_NAME_LENGTH } from '../limits.ts'

const KEY = 10
const VALUE = 18
const STRING_VALUE = 10
const BOOL_VALUE = 16
const INT_VALUE = 24
const DOUBLE_VALUE = 33
const ARRAY_VALUE = 42
/** The values of an ArrayValue. */
const VALUES = 10

/** Maximum bytes of a value that are used in a name: a value may have megabytes, a name has at most 512 characters. */
const MAX_TEXT_BYTES = MAX_NAME_LENGTH * 4

/** Offsets of the values of some attributes in a request; -1 for missing ones. */
export class FoundValues {
  readonly from: Int32Array
  readonly to: Int32Array

  constructor(names: number) {
    this.from = new Int32Array(names).fill(-1)
    this.to = new Int32Array(names)
  }

  clear(): void {
    this.from.fill(-1)
  }

  /** Whether the values equal those of `other`, byte for byte. Both must be of the same request. */
  equals(other: FoundValues, bytes: Uint8Array): boolean {
    for (let i = 0; i < this.from.length; i++) {
      const from = this.from[i] as number
      const otherFrom = other.from[i] as number
      if (from < 0 || otherFrom < 0) {
        if (from !== otherFrom) return false
        continue
      }
      const length = (this.to[i] as number) - from
      if (length !== (other.to[i] as number) - otherFrom) return false
      for (let at = 0; at < length; at++) if (bytes[from + at] !== bytes[otherFrom + at]) return false
    }
    return true
  }

  copy(other: FoundValues): void {
    this.from.set(other.from)
    this.to.set(other.to)
  }
}

/**
 * Finds the value of each key `names[i]` among the KeyValues in field `tag` of `[from, to)`, and stores its offsets in
 * `found`. The last of duplicate keys applies.
 */
export function findAttributes(
  reader: ProtobufReader,
  from: number,
  to: number,
  tag: number,
  names: readonly Uint8Array[],
  found: FoundValues,
): void {
  const outerPos = reader.pos
  const outerEnd = reader.end
  reader.pos = from
  reader.end = to
  while (reader.pos < to) {
    const here = reader.tag()
    if (here !== tag) {
      reader.skip(here)
      continue
    }
    const length = reader.length()
    const end = reader.pos + length
    reader.end = end
    let name = -1
    let valueFrom = -1
    let valueTo = 0
    while (reader.pos < end) {
      const field = reader.tag()
      if (field === KEY) {
        const size = reader.length()
        name = place(names, reader.bytes, reader.pos, size)
        reader.pos += size
      } else if (field === VALUE) {
        valueTo = reader.length()
        valueFrom = reader.pos
        valueTo += valueFrom
        reader.pos = valueTo
      } else reader.skip(field)
    }
    if (name >= 0) {
      found.from[name] = valueFrom
      found.to[name] = valueTo
    }
    reader.pos = end
    reader.end = to
  }
  reader.pos = outerPos
  reader.end = outerEnd
}

function place(names: readonly Uint8Array[], bytes: Uint8Array, at: number, length: number): number {
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as Uint8Array
    if (name.length !== length) continue
    let same = 0
    while (same < length && name[same] === bytes[at + same]) same++
    if (same === length) return i
  }
  return -1
}

/**
 * A string, number or boolean AnyValue as a string, truncated if it is long; undefined for other values.
 * @param orFirst use the first value of a list
 */
export function scalarText(reader: ProtobufReader, from: number, to: number, orFirst = false): string | undefined {
  const outerPos = reader.pos
  const outerEnd = reader.end
  reader.pos = from
  reader.end = to
  // A oneof: the last one applies, and the others are not decoded.
  let kind = 0
  let start = 0
  let length = 0
  let high = 0
  let low = 0
  let number = 0
  while (reader.pos < to) {
    const tag = reader.tag()
    switch (tag) {
      case STRING_VALUE:
      case ARRAY_VALUE:
        length = reader.length()
        start = reader.pos
        reader.pos += length
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
        reader.skip(tag)
        continue
    }
    kind = tag
  }
  reader.pos = outerPos
  reader.end = outerEnd
  switch (kind) {
    case STRING_VALUE: {
      const { bytes } = reader
      const size = Math.min(length, MAX_TEXT_BYTES)
      return Buffer.from(bytes.buffer, bytes.byteOffset + start, size).toString('utf8')
    }
    case BOOL_VALUE:
      return (high | low) === 0 ? 'false' : 'true'
    case INT_VALUE:
      return int64Text(high, low)
    case DOUBLE_VALUE:
      return String(number)
    case ARRAY_VALUE:
      return orFirst ? firstText(reader, start, start + length) : undefined
    default:
      return undefined
  }
}

/** The first value of the ArrayValue in `[from, to)` as a string; undefined for a list in a list. */
function firstText(reader: ProtobufReader, from: number, to: number): string | undefined {
  const outerPos = reader.pos
  const outerEnd = reader.end
  reader.pos = from
  reader.end = to
  let text: string | undefined
  while (reader.pos < to) {
    const tag = reader.tag()
    if (tag !== VALUES) {
      reader.skip(tag)
      continue
    }
    const length = reader.length()
    text = scalarText(reader, reader.pos, reader.pos + length)
    break
  }
  reader.pos = outerPos
  reader.end = outerEnd
  return text
}
