// A small snappy encoder: runs of one byte become copies, everything else is stored. Go's own output is in testdata/snappy.ts.
import { crc32c } from '../../src/listen/compression/crc32c.ts'

const IDENTIFIER = Buffer.from('ff060000734e61507059', 'hex')
const MAX_CHUNK_BYTES = 65_536
/** A literal's length, less one, in one byte behind its tag. */
const LITERAL_1 = 60 << 2
const MAX_LITERAL_BYTES = 256
/** A copy with an offset of two bytes; its length, less one, is in the tag. */
const COPY_2 = 2
const MAX_COPY_BYTES = 64

export function snappyBlock(bytes: Uint8Array): Buffer {
  const parts: Buffer[] = [Buffer.from(varint(bytes.length))]
  for (let at = 0; at < bytes.length;) {
    const run = runAt(bytes, at)
    if (run > 1) {
      parts.push(Buffer.from([((run - 1) << 2) | COPY_2, 1, 0]))
      at += run
      continue
    }
    let end = at + 1
    while (end < bytes.length && end - at < MAX_LITERAL_BYTES && runAt(bytes, end) < 4) end++
    parts.push(Buffer.from([LITERAL_1, end - at - 1]), Buffer.from(bytes.subarray(at, end)))
    at = end
  }
  return Buffer.concat(parts)
}

export function snappyFrames(bytes: Uint8Array): Buffer {
  const parts: Buffer[] = [IDENTIFIER]
  for (let at = 0; at < bytes.length; at += MAX_CHUNK_BYTES) {
    const data = bytes.subarray(at, at + MAX_CHUNK_BYTES)
    const block = snappyBlock(data)
    const head = Buffer.alloc(8)
    head.writeUIntLE(block.length + 4, 1, 3)
    const crc = crc32c(data)
    head.writeUInt32LE((((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0, 4)
    parts.push(head, block)
  }
  return Buffer.concat(parts)
}

/** Bytes from here on that are the byte before, as far as a copy reaches. */
function runAt(bytes: Uint8Array, at: number): number {
  if (at === 0) return 0
  const end = Math.min(bytes.length, at + MAX_COPY_BYTES)
  let next = at
  while (next < end && bytes[next] === bytes[at - 1]) next++
  return next - at
}

function varint(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 128; rest >>>= 7) bytes.push((rest & 127) | 128)
  return [...bytes, rest]
}
