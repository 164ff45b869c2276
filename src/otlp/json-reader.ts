import { escapeLength } from '../wire/json-unescape.ts'

// A cursor over JSON (RFC 8259) in UTF-8, for the JSON mapping. It reads requested values and checks and skips the others; no
// value becomes an object. `JSON.parse` of a 64 MiB body of `{},{},{}…` takes over a gigabyte of heap.

/** The only error for a refused JSON body. */
export class MalformedJson extends Error {
  override readonly name = 'MalformedJson'
  /** Path of the problem: `$.resourceLogs[0].scopeLogs[0].logRecords[2].timeUnixNano`. */
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

/** Maximum nesting inside a skipped value. */
const MAX_SKIPPED_DEPTH = 65_536

export type JsonKind = 'an object' | 'a list' | 'a string' | 'a number' | 'true or false' | 'null'

const NO_BYTES = Buffer.alloc(0)

export class JsonReader {
  #bytes: Buffer = NO_BYTES
  pos = 0
  /** Range in the body of the content of the last `string()`, without its quotes. */
  from = 0
  to = 0
  /** Whether that content has escapes; without any it is the UTF-8 of the string. */
  escaped = false
  readonly #closers = new Uint8Array(MAX_SKIPPED_DEPTH)

  reset(bytes: Uint8Array): void {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.pos = 0
  }

  /** Drops the reference to the body: the reader is reused, and a body may have 64 MiB. */
  release(): void {
    this.#bytes = NO_BYTES
    this.pos = 0
  }

  get bytes(): Buffer {
    return this.#bytes
  }

  /** Returns the kind of the next value, by its first byte. */
  kind(): JsonKind {
    const byte = this.#peek()
    if (byte === QUOTE) return 'a string'
    if (byte === OPEN_OBJECT) return 'an object'
    if (byte === OPEN_LIST) return 'a list'
    if (byte === 0x6e) return 'null'
    if (byte === 0x74 || byte === 0x66) return 'true or false'
    if (byte === MINUS || isDigit(byte)) return 'a number'
    throw this.#unexpected('a value')
  }

  /** Enters an object or list. Returns false if it is empty; its end has been read then. */
  enter(kind: 'an object' | 'a list'): boolean {
    this.pos++
    if (this.#peek() !== (kind === 'an object' ? CLOSE_OBJECT : CLOSE_LIST)) return true
    this.pos++
    return false
  }

  /** Call after a member or an element. Returns true if another follows, false at the end of the object or list. */
  another(kind: 'an object' | 'a list'): boolean {
    const byte = this.#peek()
    if (byte !== COMMA && byte !== (kind === 'an object' ? CLOSE_OBJECT : CLOSE_LIST)) {
      throw this.#unexpected(kind === 'an object' ? '"," or "}"' : '"," or "]"')
    }
    this.pos++
    return byte === COMMA
  }

  /** Skips a member's name and its colon; `from`, `to` and `escaped` describe the name. */
  key(): void {
    if (this.#peek() !== QUOTE) throw this.#unexpected('a name in quotes')
    this.string()
    if (this.#peek() !== COLON) throw this.#unexpected('":"')
    this.pos++
  }

  /** Checks and skips a string, and notes its range. */
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
        throw this.#unexpected('an escape: control characters are written as \\n or \\u0000 in a string')
      }
      if (byte !== BACKSLASH) {
        at++
        continue
      }
      const length = escapeLength(bytes, at, end)
      if (length === 0) throw new JsonProblem(`the string at byte ${this.from} has an escape that JSON does not have`)
      this.escaped = true
      at += length
    }
    this.pos = end
    throw this.#unexpected('the closing quote of a string')
  }

  /** Returns the last string, decoded. Only for short strings: a string of 64 MiB would be too much for the heap. */
  text(): string {
    if (!this.escaped) return this.#bytes.toString('utf8', this.from, this.to)
    return JSON.parse(this.#bytes.toString('utf8', this.from - 1, this.to + 1)) as string
  }

  /** Checks and skips a number, and notes its range in `from` and `to`. */
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

  /** Returns whether only blanks are left. */
  ended(): boolean {
    return this.#peek() === -1
  }

  /** Checks that only blanks follow the body's one value. */
  finish(): void {
    if (this.#peek() !== -1) throw this.#unexpected('the end of the body')
  }

  /** Checks and skips the next value of any depth, without recursion. */
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
    if (kind === 'a string') this.string()
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

  /** Returns the next byte that is not a blank, or -1 at the end; moves `pos` to it. */
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
