import { escapeLength } from '../wire/json-unescape.ts'

// A cursor over JSON (RFC 8259) in UTF-8, for the JSON mapping: what is asked for is read, the rest is checked and stepped
// over, and no value becomes an object. `JSON.parse` of a 64 MiB body of `{},{},{}…` takes over a gigabyte of heap.

/** The one way a JSON body is refused. */
export class MalformedJson extends Error {
  override readonly name = 'MalformedJson'
  /** Where: `$.resourceLogs[0].scopeLogs[0].logRecords[2].timeUnixNano`. */
  readonly path: string
  constructor(path: string, problem: string) {
    super(`${path}: ${problem}`)
    this.path = path
  }
}

/** A problem before its path is known. */
export class JsonProblem extends Error {}

const QUOTE = 0x22
const COMMA = 0x2c
const MINUS = 0x2d
const COLON = 0x3a
const BACKSLASH = 0x5c
const OPEN_LIST = 0x5b
const CLOSE_LIST = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

/** Deepest nesting inside a value that is stepped over. */
const MAX_SKIPPED_DEPTH = 65_536

export type JsonKind = 'an object' | 'a list' | 'a text' | 'a number' | 'true or false' | 'null'

const NO_BYTES = Buffer.alloc(0)

export class JsonReader {
  #bytes: Buffer = NO_BYTES
  pos = 0
  /** Of the last `string()`: its content between the quotes, as it stands in the body. */
  from = 0
  to = 0
  /** Whether that content has escapes; without any it is the text's UTF-8. */
  escaped = false
  readonly #closers = new Uint8Array(MAX_SKIPPED_DEPTH)

  reset(bytes: Uint8Array): void {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.pos = 0
  }

  /** Keeps no hold of the body: a reader is used again and again, and a body may have 64 MiB. */
  letGo(): void {
    this.#bytes = NO_BYTES
    this.pos = 0
  }

  get bytes(): Buffer {
    return this.#bytes
  }

  /** What the next value is, going by its first byte. */
  kind(): JsonKind {
    const byte = this.#peek()
    if (byte === QUOTE) return 'a text'
    if (byte === OPEN_OBJECT) return 'an object'
    if (byte === OPEN_LIST) return 'a list'
    if (byte === 0x6e) return 'null'
    if (byte === 0x74 || byte === 0x66) return 'true or false'
    if (byte === MINUS || isDigit(byte)) return 'a number'
    throw this.#unexpected('a value')
  }

  /** Steps into an object or list. Returns false when it is empty, and then it is over already. */
  enter(kind: 'an object' | 'a list'): boolean {
    this.pos++
    if (this.#peek() !== (kind === 'an object' ? CLOSE_OBJECT : CLOSE_LIST)) return true
    this.pos++
    return false
  }

  /** Behind a member or an element: true when another follows, false when its object or list is over. */
  another(kind: 'an object' | 'a list'): boolean {
    const byte = this.#peek()
    if (byte !== COMMA && byte !== (kind === 'an object' ? CLOSE_OBJECT : CLOSE_LIST)) {
      throw this.#unexpected(kind === 'an object' ? '"," or "}"' : '"," or "]"')
    }
    this.pos++
    return byte === COMMA
  }

  /** Steps over a member's name and its colon; `from`, `to` and `escaped` tell of the name. */
  key(): void {
    if (this.#peek() !== QUOTE) throw this.#unexpected('a name in quotes')
    this.string()
    if (this.#peek() !== COLON) throw this.#unexpected('":"')
    this.pos++
  }

  /** Checks a text, steps over it and notes where it stands. */
  string(): void {
    const bytes = this.#bytes
    const end = bytes.length
    let at = this.pos + 1
    this.from = at
    this.escaped = false
    while (at < end) {
      const byte = bytes[at] as number
      if (byte === QUOTE) {
        this.to = at
        this.pos = at + 1
        return
      }
      if (byte < 0x20) {
        this.pos = at
        throw this.#unexpected('an escape: control characters stand as \\n or \\u0000 in a text')
      }
      if (byte !== BACKSLASH) {
        at++
        continue
      }
      const length = escapeLength(bytes, at, end)
      if (length === 0) throw new JsonProblem(`an escape in the text at byte ${this.from} is not one of JSON's`)
      this.escaped = true
      at += length
    }
    this.pos = end
    throw this.#unexpected('the closing quote of a text')
  }

  /** The text `string` stepped over, decoded. For short ones: a body may be one text of 64 MiB, too much for the heap. */
  text(): string {
    if (!this.escaped) return this.#bytes.toString('utf8', this.from, this.to)
    return JSON.parse(this.#bytes.toString('utf8', this.from - 1, this.to + 1)) as string
  }

  /** Checks a number, steps over it and notes in `from` and `to` where it stands. */
  number(): void {
    this.from = this.pos
    this.escaped = false
    this.#skipNumber()
    this.to = this.pos
  }

  boolean(): boolean {
    const value = this.#bytes[this.pos] === 0x74
    this.#literal(value ? 'true' : 'false')
    return value
  }

  /** Nothing but blanks may follow the body's one value. */
  finish(): void {
    if (this.#peek() !== -1) throw this.#unexpected('the end of the body')
  }

  /** Checks the next value and steps over it, however deep it is, without recursion. */
  skip(): void {
    const closers = this.#closers
    let depth = 0
    for (;;) {
      const kind = this.kind()
      if (kind === 'an object' || kind === 'a list') {
        if (this.enter(kind)) {
          if (depth === MAX_SKIPPED_DEPTH) throw new JsonProblem(`nested deeper than ${MAX_SKIPPED_DEPTH} levels`)
          closers[depth++] = kind === 'an object' ? CLOSE_OBJECT : CLOSE_LIST
          if (kind === 'an object') this.key()
          continue
        }
      } else this.#skipScalar(kind)
      for (;;) {
        if (depth === 0) return
        const inside = closers[depth - 1] === CLOSE_OBJECT ? 'an object' : 'a list'
        if (this.another(inside)) {
          if (inside === 'an object') this.key()
          break
        }
        depth--
      }
    }
  }

  #skipScalar(kind: JsonKind): void {
    if (kind === 'a text') this.string()
    else if (kind === 'a number') this.#skipNumber()
    else if (kind === 'null') this.#literal('null')
    else this.boolean()
  }

  #skipNumber(): void {
    if (this.#bytes[this.pos] === MINUS) this.pos++
    const leadingZero = this.#bytes[this.pos] === 0x30
    if (this.#digits() > 1 && leadingZero) throw new JsonProblem(`a number starts with 0 before byte ${this.pos}`)
    if (this.#bytes[this.pos] === 0x2e) {
      this.pos++
      this.#digits()
    }
    if (((this.#bytes[this.pos] ?? 0) | 0x20) === 0x65) {
      this.pos++
      const sign = this.#bytes[this.pos]
      if (sign === MINUS || sign === 0x2b) this.pos++
      this.#digits()
    }
  }

  #digits(): number {
    const from = this.pos
    while (isDigit(this.#bytes[this.pos] ?? 0)) this.pos++
    if (this.pos === from) throw this.#unexpected('a digit')
    return this.pos - from
  }

  #literal(word: string): void {
    const { pos } = this
    for (let i = 0; i < word.length; i++) if (this.#bytes[pos + i] !== word.charCodeAt(i)) throw this.#unexpected(word)
    this.pos = pos + word.length
  }

  /** The next byte that is not a blank, or -1 at the end; `pos` stands on it. */
  #peek(): number {
    const bytes = this.#bytes
    let at = this.pos
    while (at < bytes.length) {
      const byte = bytes[at] as number
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) {
        this.pos = at
        return byte
      }
      at++
    }
    this.pos = at
    return -1
  }

  #unexpected(expected: string): JsonProblem {
    const byte = this.#bytes[this.pos]
    const found = byte === undefined ? 'the body ends' : `there is ${JSON.stringify(String.fromCharCode(byte))}`
    return new JsonProblem(`expected ${expected} at byte ${this.pos}, where ${found}`)
  }
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39
}
