// Hot path; bench: test/bench/transcode.ts
//
// Writes text that stands inside a JSON string, straight from UTF-8 bytes, and counts it as the receiver will see it.
//
//   PutLogEvents body   {"logEvents":[{"timestamp":1,"message":"{\"body\":\"say \\\"hi\\\"\"}"}]}
//   the message           {"body":"say \"hi\""}                        <- what is stored, and what CloudWatch counts
//   the record's body       say "hi"
//
// So a value is escaped twice (`TWICE`), a message that is plain text once (`ONCE`), and the structure of the message
// (quotes, braces) is written with fragments that are escaped already. `pos` moves by the bytes written, `counted` by the
// bytes of the message: one place does both, so that they cannot drift apart.

/** What a byte becomes; built once for each depth. */
export interface Escapes {
  /** 0: as it is. 1: `text`. 2: starts a UTF-8 sequence of several bytes. By byte value. */
  readonly action: Uint8Array
  readonly text: readonly Uint8Array[]
  /** Bytes of the message that `text` stands for. */
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

/** A piece of message structure, escaped already: `\"body\":`. */
export interface Fragment {
  readonly bytes: Uint8Array
  readonly counted: number
}

/** @param message as it shall read in the message, e.g. `"body":` */
export function fragment(message: string): Fragment {
  return { bytes: Buffer.from(JSON.stringify(message).slice(1, -1)), counted: Buffer.byteLength(message) }
}

/** Longest piece escaped between two checks of the room left; a byte becomes at most 7 (`\\u0000`). */
const PIECE_BYTES = 16_384
const MOST_BYTES_A_BYTE = 7
/** A new buffer starts here, and one that grew beyond `KEPT_BYTES` for a giant request goes back to it. */
const FIRST_BYTES = 1_048_576
const KEPT_BYTES = 8_388_608

/** A text would grow past the bound given to `JsonText`. */
export class TextTooLong extends Error {
  override readonly name = 'TextTooLong'
}

export class JsonText {
  bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES)
  pos = 0
  /** Bytes of message so far; the caller sets it to 0 where a message starts. */
  counted = 0
  /** Invalid UTF-8 sequences that became U+FFFD. */
  repaired = 0
  readonly #limit: number

  /** @param limit bytes; a text past it gets no bigger buffer but TextTooLong, so it stays below about twice that */
  constructor(limit: number) {
    this.#limit = limit
  }

  restart(): void {
    this.pos = 0
    this.counted = 0
    if (this.bytes.length > KEPT_BYTES) this.bytes = Buffer.allocUnsafeSlow(FIRST_BYTES)
  }

  /** Makes room for `count` more bytes; every direct write to `bytes` comes after it. */
  ensure(count: number): void {
    const needed = this.pos + count
    if (needed > this.bytes.length) this.#grow(needed)
  }

  #grow(needed: number): void {
    if (this.pos > this.#limit) throw new TextTooLong(`over ${this.#limit} bytes`)
    const bigger = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2))
    this.bytes.copy(bigger, 0, 0, this.pos)
    this.bytes = bigger
  }

  fragment(piece: Fragment): void {
    const from = piece.bytes
    const length = from.length
    this.ensure(length)
    const to = this.bytes
    let pos = this.pos
    for (let i = 0; i < length; i++) to[pos++] = from[i] as number
    this.pos = pos
    this.counted += piece.counted
  }

  /** A long fragment: the resource and scope that all records of a ScopeLogs share. */
  longFragment(piece: Fragment): void {
    this.ensure(piece.bytes.length)
    this.bytes.set(piece.bytes, this.pos)
    this.pos += piece.bytes.length
    this.counted += piece.counted
  }

  /** Text of ASCII without anything to escape (digits, hex, base64), at the message's own level. */
  ascii(text: string): void {
    const length = text.length
    this.ensure(length)
    if (length > 64) this.bytes.write(text, this.pos, 'latin1')
    else for (let i = 0; i < length; i++) this.bytes[this.pos + i] = text.charCodeAt(i)
    this.pos += length
    this.counted += length
  }

  /** UTF-8 bytes `from[start..end)`, escaped; what is not UTF-8 becomes U+FFFD as the WHATWG Encoding Standard has it. */
  utf8(from: Uint8Array, start: number, end: number, escapes: Escapes): void {
    let at = start
    while (at < end) {
      const pieceEnd = Math.min(end, at + PIECE_BYTES)
      this.ensure((pieceEnd - at) * MOST_BYTES_A_BYTE + 16)
      at = this.#piece(from, at, pieceEnd, end, escapes)
    }
  }

  /** Escapes from `at` until `pieceEnd` is reached or passed by a sequence that began before it. Returns where it stopped. */
  #piece(from: Uint8Array, start: number, pieceEnd: number, end: number, escapes: Escapes): number {
    const to = this.bytes
    const action = escapes.action
    let at = start
    let pos = this.pos
    let counted = this.counted
    while (at < pieceEnd) {
      const byte = from[at] as number
      const what = action[byte] as number
      if (what === 0) {
        to[pos++] = byte
        counted++
        at++
      } else if (what === 1) {
        const text = escapes.text[byte] as Uint8Array
        for (let i = 0; i < text.length; i++) to[pos++] = text[i] as number
        counted += escapes.counted[byte] as number
        at++
      } else {
        const length = sequenceLength(from, at, end)
        if (length > 0) {
          for (let i = 0; i < length; i++) to[pos++] = from[at + i] as number
          counted += length
          at += length
        } else {
          to[pos++] = 0xef
          to[pos++] = 0xbf
          to[pos++] = 0xbd
          counted += 3
          at -= length
          this.repaired++
        }
      }
    }
    this.pos = pos
    this.counted = counted
    return at
  }
}

/**
 * Length of the well-formed UTF-8 sequence of several bytes at `at` (Unicode 16, table 3-7), or the negative length of
 * the ill-formed part that one U+FFFD stands for (its maximal subpart).
 */
export function sequenceLength(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at] as number
  const second = at + 1 < end ? (bytes[at + 1] as number) : 0
  if (first < 0xc2 || first > 0xf4) return -1
  if (first < 0xe0) return (second & 0xc0) === 0x80 ? 2 : -1
  const lowest = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80
  const highest = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf
  if (second < lowest || second > highest) return -1
  const third = at + 2 < end ? (bytes[at + 2] as number) : 0
  if ((third & 0xc0) !== 0x80) return -2
  if (first < 0xf0) return 3
  const fourth = at + 3 < end ? (bytes[at + 3] as number) : 0
  return (fourth & 0xc0) === 0x80 ? 4 : -3
}
