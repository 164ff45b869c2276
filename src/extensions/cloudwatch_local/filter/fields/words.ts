const SPACE = 0x20
const QUOTE = 0x22

/** Reads a message field by field: fields are separated by spaces; text in "" or [] is one field. */
export class Words {
  readonly #message: string
  /** The last field, without its quotes or brackets. */
  start = 0
  end = 0
  /** Start of the last field with its quote or bracket. */
  #from = 0
  #at = 0
  // Cached places of the next closing characters: a search for each opening one would take quadratic time on `[ [ [`.
  #closing = { quote: -1, bracket: -1 }

  constructor(message: string) {
    this.#message = message
  }

  /** Reads the next field; false at the end. */
  next(): boolean {
    const message = this.#message
    let at = this.#at
    while (at < message.length && message.charCodeAt(at) <= SPACE) at += 1
    if (at >= message.length) return false
    this.#from = at
    const close = this.#closingOf(message.charCodeAt(at), at + 1)
    if (close >= 0 && !(message.charCodeAt(close + 1) > SPACE)) {
      this.start = at + 1
      this.end = close
      this.#at = close + 1
      return true
    }
    this.start = at
    while (at < message.length && message.charCodeAt(at) > SPACE) at += 1
    this.end = at
    this.#at = at
    return true
  }

  /** Returns the last field and everything after it. */
  rest(): string {
    const { start, end } = this
    const from = this.#from
    return this.next() ? this.#message.slice(from).trimEnd() : this.#message.slice(start, end)
  }

  /** Returns where a field that opens with this character closes; -1 if it does not open or close one. */
  #closingOf(open: number, from: number): number {
    if (open === QUOTE) return this.#find('quote', '"', from)
    return open === 0x5b ? this.#find('bracket', ']', from) : -1
  }

  #find(kind: 'quote' | 'bracket', character: string, from: number): number {
    if (this.#closing[kind] < from) {
      const found = this.#message.indexOf(character, from)
      this.#closing[kind] = found < 0 ? Infinity : found
    }
    return this.#closing[kind] === Infinity ? -1 : this.#closing[kind]
  }
}
