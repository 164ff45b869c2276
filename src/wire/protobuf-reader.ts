// Hot path; bench: test/bench/transcode.ts
//
// A cursor over protobuf wire format (https://protobuf.dev/programming-guides/encoding/):
//
//   message = { tag value }      tag = varint(field << 3 | wire type)
//   0 VARINT   1 to 10 bytes     1 I64  8 bytes     2 LEN  varint length, bytes     5 I32  4 bytes
//   3, 4 groups: deprecated; no OTLP field uses them, so they are refused
//
// Every read checks its bounds. A violation throws a MalformedProtobuf before anything is acknowledged.

/** The only error for malformed bytes; the message has the problem and the byte offset. */
export class MalformedProtobuf extends Error {
  override readonly name = 'MalformedProtobuf'
  constructor(problem: string, at: number) {
    super(`${problem} at byte ${at}`)
  }
}

export const VARINT = 0
export const I64 = 1
export const LEN = 2
export const I32 = 5

const NO_BYTES = new Uint8Array(0)
const NO_VIEW = new DataView(NO_BYTES.buffer)

export class ProtobufReader {
  bytes: Uint8Array = NO_BYTES
  /** View of `bytes` for reading whole words. */
  view: DataView = NO_VIEW
  /** Offset of the next byte. May be set to return to an earlier position. */
  pos = 0
  /** End of the current message; nested messages narrow it and restore it. */
  end = 0
  /** High and low 32 bits of the last `fixed64` or `varint64`, unsigned. */
  high = 0
  low = 0

  reset(bytes: Uint8Array): void {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    this.pos = 0
    this.end = bytes.length
  }

  /** Drops the reference to the bytes: readers are reused, and a request may have 64 MiB. */
  release(): void {
    this.bytes = NO_BYTES
    this.view = NO_VIEW
    this.pos = this.end = 0
  }

  /** Reads the next tag: `field << 3 | wireType`. Never 0: field numbers start at 1. */
  tag(): number {
    const at = this.pos
    const tag = this.#size()
    if (tag >>> 3 === 0) throw new MalformedProtobuf('field number 0', at)
    return tag
  }

  /** Reads a varint truncated to 32 bits, unsigned, as protobuf does for uint32, int32, bool and enums. */
  uint32(): number {
    const bytes = this.bytes
    const first = this.pos < this.end ? (bytes[this.pos] as number) : 0x80
    if (first < 0x80) {
      this.pos++
      return first
    }
    this.varint64()
    return this.low
  }

  /** Reads a tag or a length: a varint that has to fit in 32 bits, because truncation would change its meaning. */
  #size(): number {
    const at = this.pos
    const first = at < this.end ? (this.bytes[at] as number) : 0x80
    if (first < 0x80) {
      this.pos++
      return first
    }
    this.varint64()
    if (this.high !== 0) throw new MalformedProtobuf('a tag or length is over 32 bits', at)
    return this.low
  }

  /** Reads a varint of up to 64 bits into `high` and `low`. */
  varint64(): void {
    const bytes = this.bytes
    const start = this.pos
    let low = 0
    let high = 0
    for (let i = 0; i < 10; i++) {
      if (this.pos >= this.end) throw new MalformedProtobuf('a varint runs past the end of its message', start)
      const byte = bytes[this.pos++] as number
      const bits = byte & 0x7f
      if (i < 4) low |= bits << (7 * i)
      else if (i === 4) {
        low |= bits << 28
        high |= bits >>> 4
      } else high |= bits << (7 * i - 32)
      if (byte < 0x80) {
        // The tenth byte holds only bit 63.
        if (i === 9 && byte > 1) break
        this.low = low >>> 0
        this.high = high >>> 0
        return
      }
    }
    throw new MalformedProtobuf('a varint is longer than 64 bits', start)
  }

  fixed64(): void {
    const at = this.#take(8)
    this.low = this.view.getUint32(at, true)
    this.high = this.view.getUint32(at + 4, true)
  }

  fixed32(): number {
    return this.view.getUint32(this.#take(4), true)
  }

  double(): number {
    return this.view.getFloat64(this.#take(8), true)
  }

  /** Reads the length of a LEN value and checks that its bytes are complete; `pos` is then at its first byte. */
  length(): number {
    const at = this.pos
    const length = this.#size()
    if (length > this.end - this.pos)
      throw new MalformedProtobuf(`${length} bytes announced, ${this.end - this.pos} available`, at)
    return length
  }

  /** Skips the value of an unused field; unknown fields are not an error. */
  skip(tag: number): void {
    switch (tag & 7) {
      case VARINT:
        this.varint64()
        return
      case I64:
        this.#take(8)
        return
      case LEN: {
        const length = this.length()
        this.pos += length
        return
      }
      case I32:
        this.#take(4)
        return
      default:
        throw new MalformedProtobuf(`unsupported wire type ${tag & 7} of field ${tag >>> 3}`, this.pos)
    }
  }

  #take(count: number): number {
    const at = this.pos
    if (count > this.end - at) throw new MalformedProtobuf(`${count} bytes needed, ${this.end - at} available`, at)
    this.pos = at + count
    return at
  }
}
