import { I32, I64, LEN, VARINT } from './protobuf-reader.ts'

/** Below this a loop is faster than a view and `set`. */
const SHORT_COPY_BYTES = 64

/**
 * Writes protobuf wire format into one growing buffer. A nested message is written between `begin` and `end`: its length
 * gets one byte, and the content moves up where that is not enough, so the bytes are always the shortest there are.
 *
 * Fields are written whatever their value is: leaving out a default is the caller's decision, since in a `oneof` 0, false
 * and the empty text are values.
 */
export class ProtobufWriter {
  #bytes: Buffer<ArrayBuffer>
  #pos = 0
  readonly #initialCapacity: number

  /** @param initialCapacity bytes; the buffer doubles from there */
  constructor(initialCapacity = 1024) {
    this.#initialCapacity = initialCapacity
    this.#bytes = Buffer.allocUnsafeSlow(initialCapacity)
  }

  /** What was written, as a view: good until the next write or `reset`. */
  view(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#pos)
  }

  /** Starts anew in the same buffer; one that grew past `keepCapacity` bytes is let go. */
  reset(keepCapacity = Number.POSITIVE_INFINITY): void {
    this.#pos = 0
    if (this.#bytes.length > keepCapacity) this.#bytes = Buffer.allocUnsafeSlow(this.#initialCapacity)
  }

  /** Starts a LEN value whose length is not known yet. Returns what `end` wants to be given. */
  begin(field: number): number {
    this.#tag(field, LEN)
    this.#reserve(1)
    return ++this.#pos
  }

  end(start: number): void {
    const length = this.#pos - start
    if (length < 0x80) {
      this.#bytes[start - 1] = length
      return
    }
    const extra = varintSize(length) - 1
    this.#reserve(extra)
    this.#bytes.copyWithin(start + extra, start, this.#pos)
    this.#pos = start - 1
    this.#varint(length)
    this.#pos += length
  }

  /** uint32, enums and int32 of 0 and more: 0 to 2^32 - 1. */
  uint32(field: number, value: number): void {
    this.#tag(field, VARINT)
    this.#varint(value >>> 0)
  }

  bool(field: number, value: boolean): void {
    this.uint32(field, value ? 1 : 0)
  }

  /** int64, and negative int32 and enums (protobuf writes those in 64 bits). */
  int64(field: number, value: bigint): void {
    this.#tag(field, VARINT)
    let rest = BigInt.asUintN(64, value)
    this.#reserve(10)
    while (rest > 0x7fn) {
      this.#bytes[this.#pos++] = Number(rest & 0x7fn) | 0x80
      rest >>= 7n
    }
    this.#bytes[this.#pos++] = Number(rest)
  }

  fixed32(field: number, value: number): void {
    this.#tag(field, I32)
    this.#reserve(4)
    this.#pos = this.#bytes.writeUInt32LE(value, this.#pos)
  }

  fixed64(field: number, value: bigint): void {
    this.#tag(field, I64)
    this.#reserve(8)
    this.#pos = this.#bytes.writeBigUInt64LE(value, this.#pos)
  }

  double(field: number, value: number): void {
    this.#tag(field, I64)
    this.#reserve(8)
    this.#pos = this.#bytes.writeDoubleLE(value, this.#pos)
  }

  /** UTF-8; a lone surrogate becomes U+FFFD. */
  string(field: number, text: string): void {
    const start = this.begin(field)
    this.text(text)
    this.end(start)
  }

  bytes(field: number, value: Uint8Array): void {
    this.slice(field, value, 0, value.length)
  }

  /** `source` from `from` up to `to` as a LEN value: bytes, or text that is UTF-8 already. */
  slice(field: number, source: Uint8Array, from: number, to: number): void {
    this.#tag(field, LEN)
    this.#varint(to - from)
    this.raw(source, from, to)
  }

  /** Between `begin` and `end`: text as UTF-8. */
  text(text: string): void {
    // At most 3 bytes a UTF-16 unit.
    this.#reserve(text.length * 3)
    this.#pos += this.#bytes.write(text, this.#pos)
  }

  /** Between `begin` and `end`: one byte. */
  byte(value: number): void {
    this.#reserve(1)
    this.#bytes[this.#pos++] = value
  }

  /** Between `begin` and `end`: `source` from `from` up to `to`. */
  raw(source: Uint8Array, from: number, to: number): void {
    this.#reserve(to - from)
    if (to - from < SHORT_COPY_BYTES) {
      for (let at = from; at < to; at++) this.#bytes[this.#pos++] = source[at] as number
    } else {
      this.#bytes.set(source.subarray(from, to), this.#pos)
      this.#pos += to - from
    }
  }

  #tag(field: number, wireType: number): void {
    this.#varint(((field << 3) | wireType) >>> 0)
  }

  #varint(value: number): void {
    this.#reserve(5)
    let rest = value
    while (rest > 0x7f) {
      this.#bytes[this.#pos++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    this.#bytes[this.#pos++] = rest
  }

  #reserve(count: number): void {
    const needed = this.#pos + count
    if (needed <= this.#bytes.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2))
    grown.set(this.#bytes.subarray(0, this.#pos))
    this.#bytes = grown
  }
}

function varintSize(value: number): number {
  let size = 1
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 0x80)) size++
  return size
}
