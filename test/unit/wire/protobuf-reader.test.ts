import { describe, expect, test } from 'vitest'
import { I32, I64, LEN, MalformedProtobuf, ProtobufReader, VARINT } from '../../../src/wire/protobuf-reader.ts'

function reading(hex: string): ProtobufReader {
  const reader = new ProtobufReader()
  reader.reset(Buffer.from(hex, 'hex'))
  return reader
}

function int64({ high, low }: ProtobufReader): bigint {
  return BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low))
}

describe('varints', () => {
  test.each([
    ['00', 0n],
    ['7f', 127n],
    ['8001', 128n],
    ['ffffffff0f', 2n ** 32n - 1n],
    ['8080808010', 2n ** 32n],
    ['ffffffffffffffff7f', 2n ** 63n - 1n],
    ['80808080808080808001', -(2n ** 63n)],
    ['ffffffffffffffffff01', -1n],
    ['8000', 0n], // longer than it need be, and legal
  ])('%s is %s', (hex, value) => {
    const reader = reading(hex)
    reader.varint64()
    expect(int64(reader)).toBe(value)
    expect(reader.pos).toBe(hex.length / 2)
  })

  test.each([
    ['an empty message', ''],
    ['one cut short', '80'],
    ['one of eleven bytes', 'ffffffffffffffffffff01'],
    ['one with a bit over 64', 'ffffffffffffffffff02'],
  ])('%s is malformed', (_, hex) => {
    expect(() => reading(hex).varint64()).toThrow(MalformedProtobuf)
  })

  test('uint32 keeps the low 32 bits, as protobuf does for an int32 written in ten bytes', () => {
    expect(reading('feffffffffffffffff01').uint32()).toBe(0xffff_fffe)
  })
})

describe('fixed widths', () => {
  test('fixed64 keeps every bit', () => {
    const reader = reading('efcdab8967452381')
    reader.fixed64()
    expect([reader.high.toString(16), reader.low.toString(16)]).toEqual(['81234567', '89abcdef'])
  })

  test('fixed32 is unsigned', () => expect(reading('ffffffff').fixed32()).toBe(4_294_967_295))

  test.each([
    ['000000000000f03f', 1],
    ['0000000000000080', -0],
    ['ffffffffffffef7f', Number.MAX_VALUE],
    ['0100000000000000', Number.MIN_VALUE],
    ['000000000000f0ff', Number.NEGATIVE_INFINITY],
    ['000000000000f87f', Number.NaN],
  ])('the double %s is %d', (hex, value) => expect(reading(hex).double()).toBe(value))

  test.each(['fixed64', 'fixed32', 'double'] as const)('%s cut short is malformed', (method) => {
    expect(() => reading('000000')[method]()).toThrow(MalformedProtobuf)
  })

  test.each(['fixed64', 'fixed32', 'double', 'varint64'] as const)('%s does not read past its message', (method) => {
    const reader = reading('ffffffffffffff7f')
    reader.end = 3
    expect(() => reader[method]()).toThrow(MalformedProtobuf)
  })
})

describe('lengths and tags', () => {
  test('a length includes all of its bytes', () => {
    const reader = reading('03616263')
    expect([reader.length(), reader.pos]).toEqual([3, 1])
  })

  test('a length over the end of its message is malformed, also where the buffer goes on', () => {
    const reader = reading('0361626364')
    reader.end = 3
    expect(() => reader.length()).toThrow('3 bytes announced, 2 available at byte 0')
  })

  test('a length of more than 32 bits is malformed, and not its low half', () => {
    expect(() => reading('838080801061626364').length()).toThrow(MalformedProtobuf)
  })

  test('a tag of more than 32 bits is malformed, and not its low half', () => {
    expect(() => reading('8a8080801000').tag()).toThrow(MalformedProtobuf)
  })

  test('field number 0 is malformed', () => expect(() => reading('02').tag()).toThrow('field number 0 at byte 0'))
})

describe('skipping', () => {
  test.each([
    ['a varint', VARINT, 'ac02'],
    ['eight bytes', I64, '0102030405060708'],
    ['a length and its bytes', LEN, '03616263'],
    ['four bytes', I32, '01020304'],
  ])('steps over %s', (_, wireType, hex) => {
    const reader = reading(`${hex}ff`)
    reader.skip((99 << 3) | wireType)
    expect(reader.pos).toBe(hex.length / 2)
  })

  test.each([3, 4, 6, 7])('wire type %i is malformed: groups are no part of OTLP', (wireType) => {
    expect(() => reading('00000000').skip((1 << 3) | wireType)).toThrow(`wire type ${wireType} of field 1`)
  })

  test.each([
    [VARINT, '80'],
    [I64, '00'],
    [LEN, '05'],
    [I32, '00'],
  ])('a value of wire type %i that is cut short is malformed', (wireType, hex) => {
    expect(() => reading(hex).skip((1 << 3) | wireType)).toThrow(MalformedProtobuf)
  })
})
