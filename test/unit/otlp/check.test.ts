import { describe, expect, test } from 'vitest'
import { countRecords } from '../../../src/otlp/check.ts'
import { MalformedProtobuf } from '../../../src/wire/protobuf-reader.ts'
import { ProtobufWriter } from '../../../src/wire/protobuf-writer.ts'

/** A request of one resource and one scope with `records` log records, each written by `record`. */
function request(records: number, record: (writer: ProtobufWriter) => void): Uint8Array {
  const writer = new ProtobufWriter()
  const resourceLogs = writer.begin(1)
  const scopeLogs = writer.begin(2)
  for (let i = 0; i < records; i++) {
    const at = writer.begin(2)
    record(writer)
    writer.end(at)
  }
  writer.end(scopeLogs)
  writer.end(resourceLogs)
  return writer.view()
}

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

/** An AnyValue nested `depth` times in arrays around `innermost`. */
function nested(depth: number, innermost: Uint8Array): Uint8Array {
  let value: Uint8Array = innermost
  for (let i = 0; i < depth; i++) {
    const writer = new ProtobufWriter(value.length + 32)
    const array = writer.begin(5)
    writer.bytes(1, value)
    writer.end(array)
    value = writer.view()
  }
  return value
}

describe('a valid request', () => {
  test('without a byte has no record', () => expect(countRecords(new Uint8Array(0))).toBe(0))

  test('has its records counted over all resources and scopes', () => {
    const three = request(3, (writer) => writer.string(3, 'INFO'))
    const two = request(2, () => {})
    expect(countRecords(Buffer.concat([three, two]))).toBe(5)
  })

  test('may have unknown fields of every wire type', () => {
    const bytes = request(1, (writer) => {
      writer.uint32(99, 1)
      writer.fixed64(98, 1n)
      writer.fixed32(97, 1)
      writer.string(96, 'later version')
      writer.uint32(536_870_911, 1)
    })
    expect(countRecords(bytes)).toBe(1)
  })

  test('may hold text that is not UTF-8 and ids of any length', () => {
    const bytes = request(1, (writer) => {
      writer.bytes(3, Uint8Array.of(0xff, 0xfe))
      writer.bytes(9, Uint8Array.of(1, 2, 3))
    })
    expect(countRecords(bytes)).toBe(1)
  })

  test('may be nested 10,000 deep: values deeper than 64 are not read', () => {
    const bytes = request(1, (writer) => writer.bytes(5, nested(10_000, hex('ff'))))
    expect(countRecords(bytes)).toBe(1)
  })

  test('is looked at up to 64 values deep', () => {
    const wrong = hex('10 ff')
    expect(countRecords(request(1, (writer) => writer.bytes(5, nested(64, wrong))))).toBe(1)
    expect(() => countRecords(request(1, (writer) => writer.bytes(5, nested(63, wrong))))).toThrow(MalformedProtobuf)
  })
})

describe('malformed bytes', () => {
  const cases: [string, Uint8Array, string][] = [
    ['field number 0', hex('00'), 'field number 0 at byte 0'],
    ['a truncated tag', hex('8a'), 'a varint runs past the end of its message at byte 0'],
    ['a length over the end', hex('0a 05 00'), '5 bytes announced, 1 available at byte 1'],
    ['a varint of eleven bytes', hex('10 ffffffffffffffffffff01'), 'a varint is longer than 64 bits at byte 1'],
    ['a group', hex('0b'), 'ExportLogsServiceRequest.resourceLogs has wire type 3, not 2, at byte 0'],
    ['an unknown group', hex('13'), 'unsupported wire type 3 of field 2 at byte 1'],
    ['a resource that is a number', hex('0a 02 0801'), 'ResourceLogs.resource has wire type 0, not 2, at byte 2'],
    [
      'a time that is a varint',
      request(1, (writer) => writer.uint32(1, 5)),
      'LogRecord.timeUnixNano has wire type 0, not 1, at byte 6',
    ],
    [
      'a value that is a text where a message belongs',
      request(1, (writer) => writer.string(5, 'hello')),
      'unsupported wire type 4 of field 13 at byte 11',
    ],
    [
      'an attribute whose value ends early',
      request(1, (writer) => writer.bytes(6, hex('0a01 61 1203 0a05 61'))),
      '5 bytes announced, 1 available at byte 14',
    ],
    [
      'a scope attribute whose int is a double',
      hex('0a 0d 12 0b 0a 09 1a 07 12 05 19 00000000'),
      'AnyValue.intValue has wire type 1, not 0, at byte 10',
    ],
  ]
  test.each(cases)('%s', (_, bytes, message) => {
    expect(() => countRecords(bytes)).toThrow(MalformedProtobuf)
    expect(() => countRecords(bytes)).toThrow(message)
  })
})

test('every truncation and every flipped bit is counted or malformed, never another error', () => {
  const bytes = Buffer.from(
    request(2, (writer) => {
      writer.fixed64(1, 1_700_000_000_000_000_000n)
      writer.uint32(2, 9)
      writer.bytes(5, nested(3, hex('0a 02 6869')))
      writer.bytes(6, hex('0a01 61 1202 1001'))
      writer.bytes(9, new Uint8Array(16))
    }),
  )
  const outcomes = { counted: 0, malformed: 0 }
  const attempt = (input: Uint8Array) => {
    try {
      expect(countRecords(input)).toBeGreaterThanOrEqual(0)
      outcomes.counted++
    } catch (error) {
      expect(error).toBeInstanceOf(MalformedProtobuf)
      outcomes.malformed++
    }
  }
  for (let length = 0; length < bytes.length; length++) attempt(bytes.subarray(0, length))
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = Buffer.from(bytes)
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    attempt(flipped)
  }
  expect(outcomes.counted).toBeGreaterThan(0)
  expect(outcomes.malformed).toBeGreaterThan(bytes.length)
})
