// Splits an event over the limit into numbered parts, each of them valid JSON. Rare. Works on the message's bytes and creates
// no object per part: a record of 30 MB may have 100,000 of them.
//
//   {"body":"aaaabbbb","severity_text":"INFO"}        the longest string member is most of the message: its pieces joined
//                                                     are the whole string, and all other members are in every part
//   ──▶ {"event.split":{"id":"7f…-1","part":1,"parts":2,"member":"body"},"body":"aaaa","severity_text":"INFO"}
//       {"event.split":{"id":"7f…-1","part":2,"parts":2,"member":"body"},"body":"bbbb","severity_text":"INFO"}
//
//   anything else                                     the pieces of "text" joined are the whole message
//   ──▶ {"event.split":{"id":"7f…-2","part":1,"parts":2},"text":"plain te"}
//       {"event.split":{"id":"7f…-2","part":2,"parts":2},"text":"xt"}

import { type JsonText, ONCE, sequenceLength, TWICE } from '../../../../wire/json-text.ts'
import { stringBoundary } from './cut.ts'
import { longestMember } from './longest-member.ts'

/** Room for `part` and `parts`: a request's text has at most 2^30 bytes, so a message has fewer than 10^8 parts. */
const MAX_COUNT_DIGITS = 8

const HEAD = '{"event.split":{"id":"'
const PART = '","part":'
const PARTS = ',"parts":'
const MEMBER = ',"member":'
const TEXT = '},"text":"'
const TEXT_END = '"}'
const FIXED_BYTES = HEAD.length + PART.length + PARTS.length + 2 * MAX_COUNT_DIGITS

const NOTHING = Buffer.alloc(0)
const NO_VIEW = new DataView(new ArrayBuffer(0))

/** One message and its pieces; reused, since one message is split at a time. */
export class Split {
  #message: Buffer = NOTHING
  #view: DataView = NO_VIEW
  #id = ''
  /** The range that is split: the inside of the longest string member, or the whole message. */
  #from = 0
  #to = 0
  /** The key with its quotes, as in the message; empty if the whole message is split. */
  #key = ''
  /** Maximum bytes of a piece as it is written. */
  #room = 0
  #part = 0
  #at = 0
  parts = 0

  /**
   * @param message its bytes must not change until the last part is written
   * @param json whether it is valid JSON
   * @param limit maximum bytes of a part, at least 256
   */
  begin(message: Buffer, json: boolean, limit: number, id: string): void {
    this.#message = message
    this.#view = new DataView(message.buffer, message.byteOffset, message.length)
    this.#id = id
    this.#part = 0
    const member = json ? longestMember(message) : undefined
    const key = member === undefined ? '' : message.toString('utf8', member.keyFrom, member.keyTo)
    const around = FIXED_BYTES + id.length
    const repeated =
      member === undefined
        ? 0
        : around +
          MEMBER.length +
          (member.keyTo - member.keyFrom) +
          '},'.length +
          message.length -
          (member.to - member.from)
    // With more than half of each part repeated, pieces of the whole message are shorter in total.
    if (member !== undefined && repeated <= limit / 2) {
      this.#key = key
      this.#from = member.from
      this.#to = member.to
      this.#room = limit - repeated
    } else {
      this.#key = ''
      this.#from = 0
      this.#to = message.length
      this.#room = limit - around - TEXT.length - TEXT_END.length
    }
    this.#at = this.#from
    this.parts = 0
    for (let at = this.#from; at < this.#to; at = this.#pieceEnd(at)) this.parts++
  }

  /** Writes the next part's message. @returns Returns false after the last one */
  write(text: JsonText): boolean {
    if (this.#at >= this.#to) return false
    const end = this.#pieceEnd(this.#at)
    plain(text, HEAD)
    text.ascii(this.#id)
    plain(text, PART)
    text.decimal(++this.#part)
    plain(text, PARTS)
    text.decimal(this.parts)
    if (this.#key === '') {
      plain(text, TEXT)
      text.utf8(this.#view, this.#at, end, TWICE)
      plain(text, TEXT_END)
    } else {
      plain(text, `${MEMBER}${this.#key}},`)
      const open = this.#message.indexOf('{') + 1
      text.utf8(this.#view, open, this.#from, ONCE)
      text.utf8(this.#view, this.#at, end, ONCE)
      text.utf8(this.#view, this.#to, this.#message.length, ONCE)
    }
    this.#at = end
    return true
  }

  /** Releases the message. */
  end(): void {
    this.#message = NOTHING
    this.#view = NO_VIEW
  }

  /** The end of the piece that begins at `at`; never inside a character or an escape. */
  #pieceEnd(at: number): number {
    if (this.#key !== '')
      return this.#to - at <= this.#room ? this.#to : stringBoundary(this.#message, at, at + this.#room)
    let room = this.#room
    let end = at
    while (end < this.#to) {
      const byte = this.#message[end] as number
      const length = byte < 0x80 ? 1 : Math.max(1, sequenceLength(this.#view, end, this.#to))
      room -= byte < 0x80 ? (TWICE.counted[byte] as number) : length
      if (room < 0) break
      end += length
    }
    return end
  }
}

/** Writes structure, whose quotes need an escape inside of the request. */
function plain(text: JsonText, structure: string): void {
  const bytes = Buffer.from(structure)
  text.utf8(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length, ONCE)
}
