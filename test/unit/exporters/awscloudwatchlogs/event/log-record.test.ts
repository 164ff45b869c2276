import { describe, expect, test } from 'vitest'
import { LogRecordFields, nanosToMillis } from '../../../../../src/exporters/awscloudwatchlogs/event/log-record.ts'
import { MalformedProtobuf, ProtobufReader } from '../../../../../src/wire/protobuf-reader.ts'

function halves(value: bigint): [high: number, low: number] {
  const bits = BigInt.asUintN(64, value)
  return [Number(bits >> 32n), Number(bits & 0xffff_ffffn)]
}

describe('nanoseconds become whole milliseconds, exactly', () => {
  test.each([
    0n,
    1n,
    999_999n,
    1_000_000n,
    2n ** 32n - 1n,
    2n ** 32n,
    1_767_323_045_000_000_000n,
    1_767_323_045_000_999_999n,
    1_767_323_045_001_000_000n - 1n,
    2n ** 63n - 1n,
    2n ** 64n - 1n,
  ])('%s', (nanos) => expect(nanosToMillis(...halves(nanos))).toBe(Number(nanos / 1_000_000n)))

  test('at every edge of a millisecond of some seconds', () => {
    for (let ms = 1_767_323_045_000n; ms < 1_767_323_048_000n; ms++) {
      expect(nanosToMillis(...halves(ms * 1_000_000n))).toBe(Number(ms))
      expect(nanosToMillis(...halves(ms * 1_000_000n - 1n))).toBe(Number(ms) - 1)
    }
  })
})

describe('a record of other wire types is malformed, by field', () => {
  test.each([
    ['time_unix_nano as a varint', '0801', 'LogRecord field 1 has wire type 0'],
    ['severity_number as bytes', '120141', 'LogRecord field 2 has wire type 2'],
    ['body as a varint', '2801', 'LogRecord field 5 has wire type 0'],
    ['attributes as a varint', '3001', 'LogRecord field 6 has wire type 0'],
    ['flags as a varint', '4001', 'LogRecord field 8 has wire type 0'],
    ['event_name as fixed64', '610102030405060708', 'LogRecord field 12 has wire type 1'],
  ])('%s', (_, hex, problem) => {
    const reader = new ProtobufReader()
    reader.reset(Buffer.from(hex, 'hex'))
    expect(() => new LogRecordFields().read(reader, reader.end)).toThrow(MalformedProtobuf)
    reader.reset(Buffer.from(hex, 'hex'))
    expect(() => new LogRecordFields().read(reader, reader.end)).toThrow(`${problem} at byte 0`)
  })

  test.each([
    ['the reserved field 4', '2001'],
    ['fields of a later version', '6a0141'],
  ])('%s are stepped over', (_, hex) => {
    const reader = new ProtobufReader()
    reader.reset(Buffer.from(hex, 'hex'))
    new LogRecordFields().read(reader, reader.end)
    expect(reader.pos).toBe(hex.length / 2)
  })
})
