// Hot path; bench: test/bench/transcode.ts
//
// Writes text inside a JSON string directly from UTF-8 bytes, and counts the bytes of the message as CloudWatch counts them.
//
//   PutLogEvents body   {"logEvents":[{"timestamp":1,"message":"{\"body\":\"say \\\"hi\\\"\"}"}]}
//   the message           {"body":"say \"hi\""}                        <- stored, and counted by CloudWatch
//   the record's body       say "hi"
//
// So a value is escaped twice (`TWICE`), a plain-text message once (`ONCE`), and the structure of the message (quotes,
// braces) is written as pre-escaped fragments. `pos` moves by the bytes written, `counted` by the bytes of the message: the
// same code updates both, so that they cannot diverge.

import { freeBytes } from './free-bytes.ts'

/** The escape of each byte; built once for each depth. */
export interface Escapes {
  /** By byte value. 0: copied. 1: replaced by `text`. 2: starts a multibyte UTF-8 sequence. */
  readonly action: Uint8Array
  readonly text: readonly Uint8Array[]
  /** Bytes of the message that `text` represents. */
  readonly counted: Uint8Array
}

/** JSON string escapes of RFC 8259 section 7: short forms where they exist, \u00XX otherwise. */
const SHORT: Readonly<Record<number, string>> = {
  8: '\\b',
  9: '\\t',
  10: '\\n',
  12: '\\f',
  13: '\\r',
  34: '\\"',
  92: '\\\\',
}

function escapeOf(byte: number): string {
  return SHORT[byte] ?? `\\u${byte.toString(16).padStart(4, '0')}`
}

function buildEscapes(depth: 1 | 2): Escapes {
  const action = new Uint8Array(256).fill(2, 0x80)
  const counted = new Uint8Array(256)
  const text: Uint8Array[] = []
  for (let byte = 0; byte < 0x80; byte++) {
    const special = byte < 0x20 || byte === 34 || byte === 92
    const once = special ? escapeOf(byte) : String.fromCharCode(byte)
    const twice = once.replace(/["\\]/g, '\\$&')
    action[byte] = special ? 1 : 0
    text.push(Buffer.from(depth === 1 ? once : twice))
    counted[byte] = depth === 1 ? 1 : once.length
  }
  return { action, text, counted }
}

export const ONCE = buildEscapes(1)
export const TWICE = buildEscapes(2)

/** A pre-escaped piece of message structure: `\"body\":`. Written four bytes at a time, so it is padded to whole words. */
export interface Fragment {
  readonly words: Int32Array
  readonly length: number
  readonly counted: number
}

/** @param message text as it appears in the message, e.g. `"body":` */
export function fragment(message: string): Fragment {
  const bytes = Buffer.from(JSON.stringify(message).slice(1, -1))
  const padded = Buffer.alloc(Math.ceil(bytes.length / 4) * 4)
  bytes.copy(padded)
  const words = Int32Array.from({ length: padded.length / 4 }, (_, i) => padded.readInt32LE(i * 4))
  return { words, length: bytes.length, counted: Buffer.byteLength(message) }
}

const ZERO = 48

/** Maximum bytes escaped between two checks of the remaining room; a byte becomes at most 7 (`\\u0000`). */
const PIECE_BYTES = 16_384
const MAX_BYTES_A_BYTE = 7
/** Initial buffer size; a buffer that grew beyond `KEPT_BYTES` for a huge request is reset to it. */
const FIRST_BYTES = 1_048_576
const KEPT_BYTES = 8_388_608

/** Thrown when a text would exceed the limit of its `JsonText`. */
export class TextTooLong extends Error {
  override readonly name = 'TextTooLong'
}

export class JsonText {
  bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES)
  /** View of `bytes` for writing whole words. */
  view = viewOf(this.bytes)
  pos = 0
  /** Bytes of the message so far; the caller sets it to 0 at the start of a message. */
  counted = 0
  /** Number of invalid UTF-8 sequences replaced by U+FFFD. */
  repaired = 0
  readonly #limit: number

  /** @param limit bytes; growing the buffer of a longer text throws TextTooLong, so a text stays below about twice that */
  constructor(limit: number) {
    this.#limit = limit
  }

  restart(): void {
    this.pos = 0
    this.counted = 0
    if (this.bytes.length > KEPT_BYTES) this.#use(Buffer.allocUnsafeSlow(FIRST_BYTES))
  }

  #use(bytes: Buffer): void {
    // Otherwise two buffers of the size of a request would wait for a heap collection, which nothing triggers.
    freeBytes(this.bytes)
    this.bytes = bytes
    this.view = viewOf(bytes)
  }

  /** Makes room for `count` more bytes; call it before every direct write to `bytes`. */
  ensure(count: number): void {
    const needed = this.pos + count
    if (needed > this.bytes.length) this.#grow(needed)
  }

  #grow(needed: number): void {
    if (this.pos > this.#limit) throw new TextTooLong(`over ${this.#limit} bytes`)
    const { length } = this.bytes
    // Large buffers grow by half: old and new exist at once, and a small pod has no room for a doubled buffer.
    const ahead = Math.min(Math.ceil(length * (length < KEPT_BYTES ? 2 : 1.5)), this.#limit)
    const bigger = Buffer.allocUnsafeSlow(Math.max(needed, ahead) + PIECE_BYTES * MAX_BYTES_A_BYTE)
    this.bytes.copy(bigger, 0, 0, this.pos)
    this.#use(bigger)
  }

  fragment(piece: Fragment): void {
    const words = piece.words
    this.ensure(words.length * 4)
    const to = this.view
    let pos = this.pos
    for (let i = 0; i < words.length; i++) {
      to.setInt32(pos, words[i] as number, true)
      pos += 4
    }
    this.pos += piece.length
    this.counted += piece.counted
  }

  /** Copies long pre-escaped text: the resource and scope that all records of a ScopeLogs share. */
  copied(bytes: Uint8Array, counted: number): void {
    this.ensure(bytes.length)
    this.bytes.set(bytes, this.pos)
    this.pos += bytes.length
    this.counted += counted
  }

  /** Writes an integer from 0 to 2^53 - 1 in decimal. */
  decimal(value: number): void {
    let digits = 1
    for (let power = 10; value >= power; power *= 10) digits++
    this.ensure(digits)
    const end = this.pos + digits
    // Both halves fit in 32 bits, in which division is cheap.
    const high = Math.floor(value / 1e8)
    const middle = high === 0 ? this.pos : end - 8
    this.#digits(value - high * 1e8, middle, end)
    if (high !== 0) this.#digits(high, this.pos, middle)
    this.pos = end
    this.counted += digits
  }

  #digits(value: number, from: number, to: number): void {
    let rest = value | 0
    for (let pos = to - 1; pos >= from; pos--) {
      const tenth = (rest / 10) | 0
      this.bytes[pos] = ZERO + rest - tenth * 10
      rest = tenth
    }
  }

  /** Writes ASCII text that needs no escapes (digits, hex, base64), at the message's own level. */
  ascii(text: string): void {
    const length = text.length
    this.ensure(length)
    if (length > 64) this.bytes.write(text, this.pos, 'latin1')
    else for (let i = 0; i < length; i++) this.bytes[this.pos + i] = text.charCodeAt(i)
    this.pos += length
    this.counted += length
  }

  /** Writes UTF-8 bytes `from[start..end)`, escaped; invalid UTF-8 becomes U+FFFD as in the WHATWG Encoding Standard. */
  utf8(from: DataView, start: number, end: number, escapes: Escapes): void {
    let at = start
    while (at < end) {
      const pieceEnd = Math.min(end, at + PIECE_BYTES)
      this.ensure((pieceEnd - at) * MAX_BYTES_A_BYTE + 16)
      at = this.#piece(from, at, pieceEnd, end, escapes)
    }
  }

  /** Escapes from `start` to `pieceEnd`, or to the end of a sequence that crosses it. Returns where it stopped. */
  #piece(from: DataView, start: number, pieceEnd: number, end: number, escapes: Escapes): number {
    const to = this.view
    const action = escapes.action
    const lastWord = pieceEnd - 4
    let at = start
    let pos = this.pos
    /** Bytes written that do not count as message bytes. */
    let uncounted = 0
    while (at < pieceEnd) {
      while (at <= lastWord) {
        const word = from.getInt32(at, true)
        if (!isPlain(word)) break
        to.setInt32(pos, word, true)
        pos += 4
        at += 4
      }
      if (at === pieceEnd) break
      const byte = from.getUint8(at)
      const what = action[byte] as number
      if (what === 0) {
        to.setUint8(pos++, byte)
        at++
      } else if (what === 1) {
        const text = escapes.text[byte] as Uint8Array
        for (let i = 0; i < text.length; i++) to.setUint8(pos++, text[i] as number)
        uncounted += text.length - (escapes.counted[byte] as number)
        at++
      } else {
        const length = sequenceLength(from, at, end)
        if (length > 0) {
          for (let i = 0; i < length; i++) to.setUint8(pos++, from.getUint8(at + i))
          at += length
        } else {
          to.setUint8(pos++, 0xef)
          to.setUint8(pos++, 0xbf)
          to.setUint8(pos++, 0xbd)
          at -= length
          this.repaired++
        }
      }
    }
    this.counted += pos - this.pos - uncounted
    this.pos = pos
    return at
  }
}

/** Returns true if no byte of the word is below 0x20, a quote, a backslash or beyond ASCII. May return false needlessly. */
function isPlain(word: number): boolean {
  // Per byte: x - 0x20 sets the high bit below 0x20; (x - 1) & ~x sets it where x is 0 (Warren, Hacker's Delight, 6-1).
  const quote = word ^ 0x22222222
  const backslash = word ^ 0x5c5c5c5c
  const odd = word | (word - 0x20202020) | ((quote - 0x01010101) & ~quote) | ((backslash - 0x01010101) & ~backslash)
  return (odd & 0x80808080) === 0
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}

/**
 * Returns the length of the well-formed multibyte UTF-8 sequence at `at` (Unicode 16, table 3-7), or the negative length of
 * the ill-formed part that one U+FFFD replaces (its maximal subpart).
 */
export function sequenceLength(bytes: DataView, at: number, end: number): number {
  const first = bytes.getUint8(at)
  const second = at + 1 < end ? bytes.getUint8(at + 1) : 0
  if (first < 0xc2 || first > 0xf4) return -1
  if (first < 0xe0) return (second & 0xc0) === 0x80 ? 2 : -1
  const lowest = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80
  const highest = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf
  if (second < lowest || second > highest) return -1
  const third = at + 2 < end ? bytes.getUint8(at + 2) : 0
  if ((third & 0xc0) !== 0x80) return -2
  if (first < 0xf0) return 3
  const fourth = at + 3 < end ? bytes.getUint8(at + 3) : 0
  return (fourth & 0xc0) === 0x80 ? 4 : -3
}
