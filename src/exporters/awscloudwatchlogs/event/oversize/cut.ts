// Cuts an event over the limit so that its JSON stays valid: the longest strings first, down to one common length, each
// marked. Rare. Works on the message's bytes, so that numbers keep all digits, and creates no object per value: a message
// may be a list of twenty million empty strings.
//
//   {"body":"aaaaaaaaaaaa…","attributes":{"k":"bbb"}}   ──▶   {"body":"aaaa[cut 1048577 bytes]","attributes":{"k":"bbb"}}

/** Room for the mark after a cut string: `[cut 1048576 bytes]`. */
const MARK_BYTES = 24
/** Shorter strings are not cut: the mark would be longer than the saving. */
const MIN_CUT_BYTES = 64

/**
 * @param message the message as JSON in UTF-8, or any text if `json` is false
 * @param limit maximum bytes of the result
 * @returns Returns at most `limit` bytes in the same form
 */
export function cutMessage(message: Buffer, limit: number, json: boolean): Buffer {
  if (message.length <= limit) return message
  if (!json) return cutText(message, limit)
  const strings = longStrings(message)
  const level = cutLevel(strings, message.length - limit)
  // Its size is in numbers, keys or nesting: only the beginning remains, as one string.
  if (level === undefined)
    return Buffer.from(JSON.stringify({ cut: cutText(message, Math.floor(limit / 2) - MARK_BYTES).toString() }))
  return cutStrings(message, strings, level, limit)
}

/** The strings that may be cut, as pairs of offsets between their quotes. */
class Spans {
  #offsets = new Uint32Array(64)
  count = 0

  add(from: number, to: number): void {
    const at = 2 * this.count++
    if (at === this.#offsets.length) {
      const grown = new Uint32Array(at * 2)
      grown.set(this.#offsets)
      this.#offsets = grown
    }
    this.#offsets[at] = from
    this.#offsets[at + 1] = to
  }

  from(span: number): number {
    return this.#offsets[2 * span] as number
  }

  to(span: number): number {
    return this.#offsets[2 * span + 1] as number
  }

  /** Lengths in ascending order. */
  lengths(): Uint32Array {
    return Uint32Array.from({ length: this.count }, (_, span) => this.to(span) - this.from(span)).sort()
  }
}

/** The length to which to cut the longest strings to save `excess` bytes; undefined if even 0 is not enough. */
function cutLevel(strings: Spans, excess: number): number | undefined {
  const lengths = strings.lengths()
  const saved = (level: number) => {
    let bytes = 0
    for (let i = lengths.length - 1; i >= 0; i--) {
      const length = lengths[i] as number
      if (length <= level + MARK_BYTES) break
      bytes += length - level - MARK_BYTES
    }
    return bytes
  }
  if (saved(0) < excess) return undefined
  let low = 0
  let high = lengths.at(-1) ?? 0
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (saved(middle) >= excess) low = middle
    else high = middle - 1
  }
  return low
}

function cutStrings(message: Buffer, strings: Spans, level: number, limit: number): Buffer {
  const shorter = Buffer.allocUnsafeSlow(limit)
  let at = 0
  let end = 0
  for (let span = 0; span < strings.count; span++) {
    const from = strings.from(span)
    const to = strings.to(span)
    if (to - from <= level + MARK_BYTES) continue
    const cutAt = stringBoundary(message, from, from + level)
    end += message.copy(shorter, end, at, cutAt)
    end += shorter.write(`[cut ${to - cutAt} bytes]`, end, 'latin1')
    at = to
  }
  end += message.copy(shorter, end, at)
  return shorter.subarray(0, end)
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a

/** The string values of valid JSON. A string followed by a colon is a key and is not cut. */
function longStrings(json: Buffer): Spans {
  const spans = new Spans()
  const { length } = json
  let at = 0
  while (at < length) {
    if (json[at++] !== QUOTE) continue
    const from = at
    while (json[at] !== QUOTE) at += json[at] === BACKSLASH ? 2 : 1
    const to = at++
    if (to - from >= MIN_CUT_BYTES && !isKey(json, at)) spans.add(from, to)
  }
  return spans
}

/** Whether a colon follows, after white space, which raw JSON may contain. */
function isKey(json: Buffer, after: number): boolean {
  let at = after
  while (json[at] === 0x20 || json[at] === 0x0a || json[at] === 0x0d || json[at] === 0x09) at++
  return json[at] === COLON
}

/** The last offset at or before `at` that is not inside an escape or a UTF-8 sequence. */
export function stringBoundary(json: Buffer, from: number, at: number): number {
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
