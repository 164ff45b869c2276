// Unescapes the content of a JSON string from bytes to bytes. A text may have 64 MiB: as a JavaScript string it would take
// up to twice that on the heap, which a small pod does not have.

const BACKSLASH = 0x5c
const LETTER_U = 0x75

/** Below this size, a loop is faster than a view. */
const MIN_PIECE_BYTES = 1_024

/** The unescaped character, by the character after the backslash; 0 if it is not a valid escape. */
const SHORT = new Uint8Array(256)
for (const [letter, character] of Object.entries({
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
}))
  SHORT[letter.charCodeAt(0)] = character.charCodeAt(0)

/**
 * Returns the length of the escape whose backslash is at `at`: 2, or 6 for `\uXXXX`; 0 if it is not an escape of JSON
 * (RFC 8259, section 7).
 */
export function escapeLength(bytes: Uint8Array, at: number, end: number): number {
  const letter = at + 1 < end ? (bytes[at + 1] as number) : 0
  if (letter !== LETTER_U) return SHORT[letter] === 0 ? 0 : 2
  return at + 6 <= end && codeUnit(bytes, at) >= 0 ? 6 : 0
}

/**
 * Writes the unescaped text of `source[from..to)` to `target` as UTF-8; an unpaired surrogate becomes U+FFFD. The result is
 * never longer than the source, so `target` may be `source` with `at` at or before `from`.
 *
 * @param source bytes with only valid JSON escapes: `escapeLength` is above 0 for each
 * @returns the end of the text in `target`
 */
export function unescapeJson(source: Uint8Array, from: number, to: number, target: Uint8Array, at: number): number {
  // Move the text before the first escape in one piece; most texts have no escape.
  const plain = to - from < MIN_PIECE_BYTES ? 0 : plainLength(source, from, to)
  if (plain > 0 && (target !== source || at !== from)) target.set(source.subarray(from, from + plain), at)
  let read = from + plain
  let write = at + plain
  while (read < to) {
    const byte = source[read] as number
    if (byte !== BACKSLASH) {
      target[write++] = byte
      read++
      continue
    }
    const letter = source[read + 1] as number
    if (letter !== LETTER_U) {
      target[write++] = SHORT[letter] as number
      read += 2
      continue
    }
    let code = codeUnit(source, read)
    read += 6
    if (code >= 0xd800 && code < 0xe000) {
      const pairs = code < 0xdc00 && read + 6 <= to && source[read] === BACKSLASH && source[read + 1] === LETTER_U
      const low = pairs ? codeUnit(source, read) : 0
      if (low >= 0xdc00 && low < 0xe000) {
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00)
        read += 6
      } else code = 0xfffd
    }
    write = writeCodePoint(code, target, write)
  }
  return write
}

function plainLength(source: Uint8Array, from: number, to: number): number {
  const length = source.subarray(from, to).indexOf(BACKSLASH)
  return length < 0 ? to - from : length
}

/** Returns the code unit of `\uXXXX` at `at`; negative if one of the four is not a hexadecimal digit. */
function codeUnit(bytes: Uint8Array, at: number): number {
  return (
    (hexDigit(bytes[at + 2] as number) << 12) |
    (hexDigit(bytes[at + 3] as number) << 8) |
    (hexDigit(bytes[at + 4] as number) << 4) |
    hexDigit(bytes[at + 5] as number)
  )
}

/** Returns -1 if the byte is not a hexadecimal digit: the result stays negative when it is shifted and combined. */
export function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const letter = byte | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}

function writeCodePoint(code: number, target: Uint8Array, at: number): number {
  let write = at
  if (code < 0x80) target[write++] = code
  else if (code < 0x800) {
    target[write++] = 0xc0 | (code >> 6)
    target[write++] = 0x80 | (code & 0x3f)
  } else if (code < 0x10000) {
    target[write++] = 0xe0 | (code >> 12)
    target[write++] = 0x80 | ((code >> 6) & 0x3f)
    target[write++] = 0x80 | (code & 0x3f)
  } else {
    target[write++] = 0xf0 | (code >> 18)
    target[write++] = 0x80 | ((code >> 12) & 0x3f)
    target[write++] = 0x80 | ((code >> 6) & 0x3f)
    target[write++] = 0x80 | (code & 0x3f)
  }
  return write
}
