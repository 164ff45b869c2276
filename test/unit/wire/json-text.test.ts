import { describe, expect, test } from 'vitest'
import { type Escapes, fragment, JsonText, ONCE, TextTooLong, TWICE } from '../../../src/wire/json-text.ts'

const LIMIT = 64 * 1_048_576

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}

function escaped(bytes: Uint8Array, escapes: Escapes): JsonText {
  const text = new JsonText(LIMIT)
  text.utf8(viewOf(bytes), 0, bytes.length, escapes)
  return text
}

function written(text: JsonText): string {
  return text.bytes.toString('utf8', 0, text.pos)
}

/** What stands in the text once the outer JSON string is read. */
function message(text: JsonText): string {
  return JSON.parse(`"${written(text)}"`) as string
}

const EVERY_ASCII = Buffer.from(Array.from({ length: 128 }, (_, byte) => byte))

describe('escaping', () => {
  test('ONCE reads back as the string itself, and counts its UTF-8 bytes', () => {
    const text = escaped(EVERY_ASCII, ONCE)
    expect(message(text)).toBe(EVERY_ASCII.toString())
    expect(text.counted).toBe(128)
  })

  test('TWICE reads back as a JSON string of the string, and counts its bytes', () => {
    const text = escaped(EVERY_ASCII, TWICE)
    expect(JSON.parse(`"${message(text)}"`)).toBe(EVERY_ASCII.toString())
    expect(text.counted).toBe(Buffer.byteLength(message(text)))
  })

  test('TWICE writes what JSON.stringify writes', () => {
    const tricky = 'a"b\\c\n\r\t\b\f\u0000\u001f\u007f/<é€😀\u2028'
    expect(message(escaped(Buffer.from(tricky), TWICE))).toBe(JSON.stringify(tricky).slice(1, -1))
  })

  test('characters to escape are found at any position', () => {
    for (const odd of ['"', '\\', '\u0000', '\u001f', '\u0080', '€', '😀']) {
      for (let before = 0; before < 9; before++) {
        for (const plain of [' ', '!', '#', '[', ']', '~', '\u007f']) {
          const original = plain.repeat(before) + odd + plain.repeat(9 - before)
          const text = escaped(Buffer.from(original), TWICE)
          expect(message(text)).toBe(JSON.stringify(original).slice(1, -1))
          expect(text.counted).toBe(Buffer.byteLength(message(text)))
        }
      }
    }
  })

  test('numbers are written as String writes them', () => {
    for (const number of [
      0,
      9,
      10,
      99_999_999,
      100_000_000,
      4_294_967_295,
      1_763_700_000_000,
      Number.MAX_SAFE_INTEGER,
    ]) {
      const text = new JsonText(LIMIT)
      text.decimal(number)
      expect([written(text), text.counted]).toEqual([String(number), String(number).length])
    }
  })

  test.each([ONCE, TWICE])('a long string of nothing but escapes is complete', (escapes) => {
    const original = '\u0000'.repeat(700_000)
    const text = escaped(Buffer.from(original), escapes)
    const read = escapes === ONCE ? message(text) : (JSON.parse(`"${message(text)}"`) as string)
    expect(read === original).toBe(true)
  })

  test('a fragment counts the bytes it is read as', () => {
    const text = new JsonText(LIMIT)
    text.fragment(fragment('{"a":"'))
    expect([written(text), text.counted]).toEqual(['{\\"a\\":\\"', 6])
  })

  test.each([1, 2, 3, 4])('a character of %i bytes over every edge of a piece stays whole', (size) => {
    const character = ['', 'a', 'é', '€', '😀'][size] ?? ''
    for (const shift of [0, 1, 2, 3]) {
      const original = 'x'.repeat(shift) + character.repeat(20_000)
      const text = escaped(Buffer.from(original), ONCE)
      expect(message(text) === original).toBe(true)
      expect(text.counted).toBe(Buffer.byteLength(original))
      expect(text.repaired).toBe(0)
    }
  })
})

describe('invalid UTF-8', () => {
  test.each([
    ['a lone continuation', '80', 1],
    ['two of them', '8080', 2],
    ['C0, which starts nothing', 'c080', 2],
    ['an overlong slash', 'e080af', 3],
    ['a surrogate half', 'eda080', 3],
    ['both halves of a pair in six bytes', 'eda0bdedb880', 6],
    ['over U+10FFFF', 'f4908080', 4],
    ['F5, which starts nothing', 'f5', 1],
    ['two bytes cut at the end', 'c3', 1],
    ['three bytes cut after two', 'e282', 1],
    ['four bytes cut after three', 'f09f98', 1],
    ['a cut sequence before a letter', 'e28261', 1],
    ['a cut sequence before a whole one', 'e282c3a9', 1],
  ])('%s becomes U+FFFD as the Encoding Standard has it, and is counted', (_, hex, repaired) => {
    const bytes = Buffer.from(hex, 'hex')
    const text = escaped(bytes, ONCE)
    expect(message(text)).toBe(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes))
    expect(text.counted).toBe(Buffer.byteLength(message(text)))
    expect(text.repaired).toBe(repaired)
  })

  test('a sequence is not read beyond the end of its value', () => {
    const text = new JsonText(LIMIT)
    const bytes = Buffer.from('é€')
    text.utf8(viewOf(bytes), 0, 1, ONCE)
    expect(message(text)).toBe('\uFFFD')
  })
})

describe('the bound', () => {
  test('a string that grows past it is refused', () => {
    const text = new JsonText(2_000_000)
    expect(() => {
      for (let i = 0; i < 100; i++) escapeMegabyte(text)
    }).toThrow(TextTooLong)
    expect(text.bytes.length).toBeLessThan(5_000_000)
  })

  test('after a refusal the writer can be used again', () => {
    const text = new JsonText(2_000_000)
    expect(() => {
      for (let i = 0; i < 100; i++) escapeMegabyte(text)
    }).toThrow(TextTooLong)
    text.restart()
    text.utf8(viewOf(Buffer.from('again')), 0, 5, ONCE)
    expect([written(text), text.counted]).toEqual(['again', 5])
  })

  test('a giant string does not keep its buffer for the next one', () => {
    const text = new JsonText(LIMIT)
    for (let i = 0; i < 10; i++) escapeMegabyte(text)
    expect(text.bytes.length).toBeGreaterThan(8_388_608)
    text.restart()
    expect(text.bytes.length).toBeLessThanOrEqual(8_388_608)
  })
})

const MEGABYTE = Buffer.alloc(1_000_000, 'x')
function escapeMegabyte(text: JsonText): void {
  text.utf8(viewOf(MEGABYTE), 0, MEGABYTE.length, ONCE)
}
