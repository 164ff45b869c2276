// An event over the limit is cut so that its JSON stays valid: the longest strings first, down to one common length, each
// marked. Rare and slow; works on the message's text, so that numbers keep all their digits.
//
//   {"body":"aaaaaaaaaaaa…","attributes":{"k":"bbb"}}   ──▶   {"body":"aaaa[cut 1048577 bytes]","attributes":{"k":"bbb"}}

/** A JSON string value (not a key) in the text: the offsets between its quotes. */
interface Span {
  readonly from: number
  readonly to: number
}

/** Room for the mark behind a cut string: `[cut 1048576 bytes]`. */
const MARK_BYTES = 24
/** A string shorter than this is left alone: its mark would be longer than what it saves. */
const LEAST_CUT_BYTES = 64

/**
 * @param message JSON text of the message, as UTF-8, or any text with `json` false
 * @param limit most bytes it may have
 * @returns at most `limit` bytes of the same form
 */
export function cutMessage(message: Buffer, limit: number, json: boolean): Buffer {
  if (message.length <= limit) return message
  if (!json) return cutText(message, limit)
  const spans = stringValues(message)
  const level = cutLevel(spans, message.length - limit)
  // Its size is in numbers, keys or nesting: what is left is the beginning, as one string.
  if (level === undefined)
    return Buffer.from(JSON.stringify({ cut: cutText(message, Math.floor(limit / 2) - MARK_BYTES).toString() }))
  const pieces: Buffer[] = []
  let at = 0
  for (const span of spans) {
    const length = span.to - span.from
    if (length <= level + MARK_BYTES || length < LEAST_CUT_BYTES) continue
    const end = stringBoundary(message, span.from, span.from + level)
    pieces.push(message.subarray(at, end), Buffer.from(`[cut ${span.to - end} bytes]`))
    at = span.to
  }
  pieces.push(message.subarray(at))
  return Buffer.concat(pieces)
}

/** The length to which the longest strings are cut so that `excess` bytes go; undefined if even 0 is not enough. */
function cutLevel(spans: readonly Span[], excess: number): number | undefined {
  const lengths = spans.map((span) => span.to - span.from).sort((a, b) => b - a)
  const saved = (level: number) => {
    let bytes = 0
    for (const length of lengths) {
      if (length <= level + MARK_BYTES || length < LEAST_CUT_BYTES) break
      bytes += length - level - MARK_BYTES
    }
    return bytes
  }
  if (saved(0) < excess) return undefined
  let low = 0
  let high = lengths[0] ?? 0
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (saved(middle) >= excess) low = middle
    else high = middle - 1
  }
  return low
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a

/** The string values of a JSON text that is known to be valid. A string followed by a colon is a key and stays. */
function stringValues(json: Buffer): Span[] {
  const spans: Span[] = []
  let at = json.indexOf(QUOTE)
  while (at >= 0) {
    let end = at + 1
    while (json[end] !== QUOTE) end += json[end] === BACKSLASH ? 2 : 1
    if (json[end + 1] !== COLON) spans.push({ from: at + 1, to: end })
    at = json.indexOf(QUOTE, end + 1)
  }
  return spans
}

/** The last place at or before `at` that is neither inside an escape nor inside a UTF-8 sequence. */
function stringBoundary(json: Buffer, from: number, at: number): number {
  let pos = from
  while (pos < at) {
    const step = stepLength(json, pos)
    if (pos + step > at) break
    pos += step
  }
  // A surrogate pair is two escapes; the first alone would be half a character.
  if (pos - 6 >= from && /^\\u[dD][89abAB]/.test(json.toString('latin1', pos - 6, pos))) return pos - 6
  return pos
}

function stepLength(json: Buffer, pos: number): number {
  const byte = json[pos] as number
  if (byte === BACKSLASH) return json[pos + 1] === 0x75 ? 6 : 2
  return byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4
}

function cutText(text: Buffer, limit: number): Buffer {
  let end = Math.max(0, limit - MARK_BYTES)
  while (end > 0 && ((text[end] as number) & 0xc0) === 0x80) end--
  return Buffer.concat([text.subarray(0, end), Buffer.from(`[cut ${text.length - end} bytes]`)])
}
