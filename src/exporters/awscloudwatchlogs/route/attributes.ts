// Reads a few attributes out of protobuf bytes, as text, without making the rest of them.

import type { ProtobufReader } from '../../../wire/protobuf-reader.ts'
import { int64Text } from '../event/any-value.ts'

const KEY = 10
const VALUE = 18

/**
 * Looks through the KeyValues in field `tag` of `[from, to)` and puts the text of each value whose key is `names[i]` into
 * `found[i]`. Strings, numbers and booleans have a text; what has parts is looked over. A key that comes twice: the last.
 */
export function findAttributes(
  reader: ProtobufReader,
  from: number,
  to: number,
  tag: number,
  names: readonly Uint8Array[],
  found: (string | undefined)[],
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
    if (name >= 0) found[name] = valueFrom < 0 ? undefined : scalarText(reader, valueFrom, valueTo)
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

function scalarText(reader: ProtobufReader, from: number, to: number): string | undefined {
  reader.pos = from
  reader.end = to
  let text: string | undefined
  while (reader.pos < to) {
    const tag = reader.tag()
    switch (tag) {
      case 10: {
        const length = reader.length()
        const bytes = reader.bytes
        text = Buffer.from(bytes.buffer, bytes.byteOffset + reader.pos, length).toString('utf8')
        reader.pos += length
        break
      }
      case 16:
        reader.varint64()
        text = (reader.high | reader.low) === 0 ? 'false' : 'true'
        break
      case 24:
        reader.varint64()
        text = int64Text(reader.high, reader.low)
        break
      case 33:
        text = String(reader.double())
        break
      default:
        reader.skip(tag)
    }
  }
  return text
}
