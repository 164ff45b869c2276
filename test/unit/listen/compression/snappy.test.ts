import { describe, expect, test } from 'vitest'
import { ByteBudget } from '../../../../src/component/byte-budget.ts'
import { crc32c } from '../../../../src/listen/compression/crc32c.ts'
import { decompress } from '../../../../src/listen/compression/decompress.ts'
import { Holding } from '../../../../src/listen/memory/holding.ts'
import { GO_BLOCK, GO_FRAMED, SNAPPY_TEXT } from '../../../testdata/snappy.ts'

const MIB = 1024 * 1024
const IDENTIFIER = Buffer.from('ff060000734e61507059', 'hex')

function undo(bytes: Uint8Array, limit = 64 * MIB, budget = new ByteBudget(256 * MIB)) {
  const holding = new Holding(budget)
  return new Promise<{ text: string | undefined; failure: string | undefined }>((resolve) => {
    decompress('snappy', bytes, limit, holding, (output, failure) => {
      const text = output === undefined ? undefined : Buffer.from(output).toString()
      holding.release()
      resolve({ text, failure })
    })
  })
}

function varint(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest & 127) | 128)
  return [...bytes, rest]
}

/** `length` times the letter x, as one literal and copies of 64 bytes: three bytes each. */
function blockOf(length: number): Buffer {
  const head = Buffer.from([...varint(length), 0, 0x78])
  const copies = Math.floor((length - 1) / 64)
  const rest = (length - 1) % 64
  const tail = rest === 0 ? [] : [((rest - 1) << 2) | 2, 1, 0]
  return Buffer.concat([head, Buffer.alloc(3 * copies, Buffer.from([(63 << 2) | 2, 1, 0])), Buffer.from(tail)])
}

function chunk(type: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(4)
  head[0] = type
  head.writeUIntLE(payload.length, 1, 3)
  return Buffer.concat([head, payload])
}

function masked(data: Uint8Array): Buffer {
  const crc = crc32c(data)
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32LE((((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0)
  return checksum
}

/** A chunk of `length` letters x. */
function compressedChunk(length: number): Buffer {
  return chunk(0, Buffer.concat([masked(Buffer.alloc(length, 'x')), blockOf(length)]))
}

test('the checksum is the one of RFC 3720', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
  expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa)
})

test.each([
  ['frames', GO_FRAMED],
  ['a block', GO_BLOCK],
])('Go’s text comes out of %s', async (_, bytes) => {
  expect(await undo(bytes)).toEqual({ text: SNAPPY_TEXT, failure: undefined })
})

test.each([
  ['a stored chunk', [chunk(1, Buffer.concat([masked(Buffer.from('abc')), Buffer.from('abc')]))], 'abc'],
  ['no chunk', [], ''],
  ['an empty block in a chunk', [chunk(0, Buffer.concat([masked(Buffer.alloc(0)), Buffer.from([0])]))], ''],
  [
    'padding, skippable chunks and a second identifier',
    [chunk(0xfe, Buffer.alloc(9)), chunk(0x80, Buffer.alloc(3)), IDENTIFIER, compressedChunk(3)],
    'xxx',
  ],
])('frames with %s', async (_, chunks, text) => {
  expect(await undo(Buffer.concat([IDENTIFIER, ...chunks]))).toEqual({ text, failure: undefined })
})

test('an empty block', async () => {
  expect(await undo(Buffer.from([0]))).toEqual({ text: '', failure: undefined })
})

describe('corrupt', () => {
  const wrongChecksum = Buffer.from(GO_FRAMED)
  wrongChecksum[14] = (wrongChecksum[14] ?? 0) ^ 1
  test.each([
    ['frames that end early', GO_FRAMED.subarray(0, -5)],
    ['frames that end in a head', Buffer.concat([GO_FRAMED, Buffer.from([0, 1])])],
    ['a wrong checksum', wrongChecksum],
    ['trailing data behind frames', Buffer.concat([GO_FRAMED, Buffer.from('trail')])],
    ['a chunk that must not be skipped', Buffer.concat([IDENTIFIER, chunk(2, Buffer.alloc(4))])],
    ['a chunk without a checksum', Buffer.concat([IDENTIFIER, chunk(1, Buffer.alloc(3))])],
    ['a chunk over 64 KiB', Buffer.concat([IDENTIFIER, compressedChunk(65_537)])],
    ['a block that ends early', GO_BLOCK.subarray(0, -5)],
    ['trailing data behind a block', Buffer.concat([GO_BLOCK, Buffer.from('trail')])],
    ['a block that announces what it cannot hold', Buffer.from([...varint(60 * MIB), 0, 0x78])],
    ['a length without an end', Buffer.alloc(6, 0xff)],
    ['a copy from before the start', Buffer.from([4, 0, 0x78, 2, 9, 0])],
    ['a copy of offset 0', Buffer.from([4, 0, 0x78, (2 << 2) | 2, 0, 0])],
    ['a literal longer than the block', Buffer.from([2, 4, 0x78])],
    ['no snappy', Buffer.from('a message that is not compressed')],
  ])('%s', async (_, bytes) => {
    expect(await undo(bytes)).toEqual({ text: undefined, failure: 'corrupt' })
  })

  test('every single damaged byte of frames is noticed', async () => {
    for (let at = 0; at < GO_FRAMED.length; at += 7) {
      const damaged = Buffer.from(GO_FRAMED)
      damaged[at] = (damaged[at] ?? 0) ^ 0x10
      expect((await undo(damaged)).text === SNAPPY_TEXT, `byte ${at}`).toBe(false)
    }
  })
})

describe.each([
  ['frames', Buffer.concat([IDENTIFIER, ...Array.from({ length: 64 }, () => compressedChunk(65_536))])],
  ['a block', blockOf(4 * MIB)],
])('4 MiB in %s', (_, bomb) => {
  test('are decompressed in steps, and the event loop runs in between', async () => {
    let turns = 0
    const turn = () => {
      turns++
      pending = setImmediate(turn)
    }
    let pending = setImmediate(turn)
    const { text } = await undo(bomb)
    clearImmediate(pending)
    expect(text === 'x'.repeat(4 * MIB)).toBe(true)
    expect(turns).toBeGreaterThan(1)
  })

  test('stop at the limit', async () => {
    expect(await undo(bomb, 3 * MIB)).toEqual({ text: undefined, failure: 'too_large' })
  })

  test('stop where the budget is full, and give everything back', async () => {
    const budget = new ByteBudget(3 * MIB)
    expect(await undo(bomb, 64 * MIB, budget)).toEqual({ text: undefined, failure: 'budget_full' })
    expect(budget.used).toBe(0)
  })

  test('stop when the request ends, and nothing is reported', async () => {
    const budget = new ByteBudget(256 * MIB)
    const holding = new Holding(budget)
    let reported = false
    decompress('snappy', bomb, 64 * MIB, holding, () => (reported = true))
    holding.release()
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
    expect(reported).toBe(false)
    expect(budget.used).toBe(0)
  })
})
