import { describe, expect, test } from 'vitest'
import { ProtobufReader } from '../../../src/wire/protobuf-reader.ts'
import { ProtobufWriter } from '../../../src/wire/protobuf-writer.ts'

function written(write: (writer: ProtobufWriter) => void): string {
  const writer = new ProtobufWriter(1)
  write(writer)
  return Buffer.from(writer.view()).toString('hex')
}

describe('the bytes of protobuf.dev/programming-guides/encoding', () => {
  const cases: [string, (writer: ProtobufWriter) => void, string][] = [
    ['a varint in two bytes', (w) => w.uint32(1, 150), '089601'],
    ['the largest uint32', (w) => w.uint32(1, 0xffff_ffff), '08ffffffff0f'],
    ['true', (w) => w.bool(2, true), '1001'],
    ['minus two in ten bytes', (w) => w.int64(1, -2n), '08feffffffffffffffff01'],
    ['the largest int64', (w) => w.int64(1, 2n ** 63n - 1n), '08ffffffffffffffff7f'],
    ['a text', (w) => w.string(2, 'testing'), '120774657374696e67'],
    ['a lone surrogate as U+FFFD', (w) => w.string(1, '\ud800'), '0a03efbfbd'],
    ['bytes', (w) => w.bytes(1, Uint8Array.of(1, 255)), '0a0201ff'],
    ['fixed32', (w) => w.fixed32(8, 0xfedc_ba98), '4598badcfe'],
    ['fixed64', (w) => w.fixed64(1, 2n ** 64n - 1n), '09ffffffffffffffff'],
    ['a double', (w) => w.double(4, 1.5), '21000000000000f83f'],
    ['a field number over 15', (w) => w.uint32(16, 1), '800101'],
  ]
  test.each(cases)('%s', (_, write, hex) => expect(written(write)).toBe(hex))
})

test.each([
  [0, 1],
  [127, 1],
  [128, 2],
  [16_383, 2],
  [16_384, 3],
  [3_000_000, 4],
])('a nested message of %i bytes gets a length of %i bytes', (size, lengthBytes) => {
  const writer = new ProtobufWriter()
  const outer = writer.begin(1)
  writer.uint32(1, 7)
  const inner = writer.begin(2)
  writer.raw(new Uint8Array(size).fill(0x61), 0, size)
  writer.end(inner)
  writer.uint32(3, 9)
  writer.end(outer)

  const reader = new ProtobufReader()
  reader.reset(writer.view())
  expect(reader.tag()).toBe((1 << 3) | 2)
  const length = reader.length()
  expect(length).toBe(reader.end - reader.pos)
  expect([reader.tag(), reader.uint32()]).toEqual([1 << 3, 7])
  expect(reader.tag()).toBe((2 << 3) | 2)
  const from = reader.pos
  expect(reader.length()).toBe(size)
  expect(reader.pos - from).toBe(lengthBytes)
  const content = writer.view().subarray(reader.pos, reader.pos + size)
  expect(Buffer.alloc(size, 'a').equals(content)).toBe(true)
  reader.pos += size
  expect([reader.tag(), reader.uint32(), reader.pos]).toEqual([3 << 3, 9, reader.end])
})

test('reset starts afresh and releases a buffer that grew past the kept size', () => {
  const writer = new ProtobufWriter(16)
  writer.string(1, 'x'.repeat(1000))
  writer.reset(100)
  expect(writer.view()).toHaveLength(0)
  expect(writer.view().buffer.byteLength).toBe(16)
  writer.bool(1, true)
  expect(Buffer.from(writer.view()).toString('hex')).toBe('0801')
})

test('lengths of all sizes in sibling and nested messages', () => {
  const nested = (depth: number, size: number): Buffer =>
    depth === 0 ? Buffer.alloc(size, 'x') : Buffer.concat([tagged(nested(depth - 1, size)), tagged(Buffer.from('y'))])
  const tagged = (content: Buffer): Buffer => {
    const head = new ProtobufWriter()
    head.bytes(1, content)
    return Buffer.from(head.view())
  }
  const write = (to: ProtobufWriter, depth: number, size: number): void => {
    if (depth === 0) return to.raw(Buffer.alloc(size, 'x'), 0, size)
    const inner = to.begin(1)
    write(to, depth - 1, size)
    to.end(inner)
    const sibling = to.begin(1)
    to.byte('y'.charCodeAt(0))
    to.end(sibling)
  }
  const writer = new ProtobufWriter(1)
  const shapes = [0, 1, 120, 127, 128, 16_380, 16_384, 70_000].flatMap((size) =>
    [0, 1, 2, 9, 130].map((depth) => [depth, size]),
  )
  for (const [depth = 0, size = 0] of shapes) write(writer, depth, size)
  const expected = Buffer.concat(shapes.map(([depth = 0, size = 0]) => nested(depth, size)))
  expect(expected.equals(writer.view())).toBe(true)
})
