import { endianness } from 'node:os'
import { freeBytes } from './free-bytes.ts'
import { I32, I64, LEN, VARINT } from './protobuf-reader.ts'

/** Below this size, a loop is faster than a view and `set`. */
const SHORT_COPY_BYTES = 64
/** Initial capacity for long lengths, and maximum capacity kept between two messages. */
const FIRST_LONG = 64
const KEPT_LONG = 65_536
/** Index of the low and the high half of a 64-bit word. */
const LOW = endianness() === 'LE' ? 0 : 1
const HIGH = 1 - LOW
/** A 64-bit word and its halves: bigint arithmetic would allocate at each step. */
const WORD = new BigInt64Array(1)
const HALVES = new Uint32Array(WORD.buffer)

/**
 * Writes protobuf wire format into one growing buffer. A nested message is written between `begin` and `end`: its length
 * gets one byte at first. `view` makes room for the lengths that need more, so the encoding is always the shortest. It does
 * so for all lengths in one pass: moving the content at each `end` would move a text inside 64 values 130 times.
 *
 * Fields are written even if they have their default: only the caller may omit one, since in a `oneof` 0, false and the
 * empty string are values.
 */
export class ProtobufWriter {
  #bytes: Buffer<ArrayBuffer>
  #pos = 0
  /** Lengths of two bytes and more: position of the length byte and length, in one word that sorts by position. */
  #long = new BigUint64Array(FIRST_LONG)
  #longHalves = new Uint32Array(this.#long.buffer)
  #longCount = 0
  /** Bytes that the lengths so far need in addition to the one that each has. */
  #extra = 0
  /** `#extra` at each `begin` without its `end`. */
  readonly #extraBefore: number[] = []
  readonly #initialCapacity: number

  /** @param initialCapacity bytes; the buffer doubles from there */
  constructor(initialCapacity = 1024) {
    this.#initialCapacity = initialCapacity
    this.#bytes = Buffer.allocUnsafeSlow(initialCapacity)
  }

  /** Returns a view of the written bytes: valid until the next write or `reset`, which may free it. */
  view(): Uint8Array<ArrayBuffer> {
    if (this.#longCount > 0) this.#insertLengths()
    return this.#bytes.subarray(0, this.#pos)
  }

  /** Clears the buffer for reuse; a buffer larger than `keepCapacity` bytes is freed. */
  reset(keepCapacity = Number.POSITIVE_INFINITY): void {
    this.#pos = 0
    this.#forgetLengths()
    if (this.#bytes.length <= keepCapacity) return
    freeBytes(this.#bytes)
    this.#bytes = Buffer.allocUnsafeSlow(this.#initialCapacity)
  }

  /** Starts a LEN value of unknown length. Returns the argument for `end`. */
  begin(field: number): number {
    this.#tag(field, LEN)
    this.#reserve(1)
    this.#extraBefore.push(this.#extra)
    return ++this.#pos
  }

  end(start: number): void {
    const length = this.#pos - start + this.#extra - (this.#extraBefore.pop() ?? 0)
    if (length < 0x80) {
      this.#bytes[start - 1] = length
      return
    }
    this.#extra += varintSize(length) - 1
    if (this.#longCount === this.#long.length) this.#growLong()
    this.#longHalves[2 * this.#longCount + LOW] = length
    this.#longHalves[2 * this.#longCount++ + HIGH] = start - 1
  }

  #growLong(): void {
    const grown = new BigUint64Array(this.#long.length * 2)
    grown.set(this.#long)
    this.#long = grown
    this.#longHalves = new Uint32Array(grown.buffer)
  }

  /** Moves all content to its final position, from the end, and writes each long length before its content. */
  #insertLengths(): void {
    // 5 more, because `#varint` reserves the maximum.
    this.#reserve(this.#extra + 5)
    const bytes = this.#bytes
    const places = this.#longHalves
    this.#long.subarray(0, this.#longCount).sort()
    const total = this.#pos + this.#extra
    let from = this.#pos
    let to = total
    for (let i = this.#longCount - 1; i >= 0; i--) {
      const place = places[2 * i + HIGH] as number
      const length = places[2 * i + LOW] as number
      to -= from - place - 1
      bytes.copyWithin(to, place + 1, from)
      to -= varintSize(length)
      this.#pos = to
      this.#varint(length)
      from = place
    }
    this.#pos = total
    this.#forgetLengths()
  }

  #forgetLengths(): void {
    this.#longCount = 0
    this.#extra = 0
    this.#extraBefore.length = 0
    if (this.#long.length > KEPT_LONG) {
      this.#long = new BigUint64Array(FIRST_LONG)
      this.#longHalves = new Uint32Array(this.#long.buffer)
    }
  }

  /** Writes a uint32, an enum or a nonnegative int32: 0 to 2^32 - 1. */
  uint32(field: number, value: number): void {
    this.#tag(field, VARINT)
    this.#varint(value >>> 0)
  }

  bool(field: number, value: boolean): void {
    this.uint32(field, value ? 1 : 0)
  }

  /** Writes an int64, or a negative int32 or enum (protobuf writes those in 64 bits). */
  int64(field: number, value: bigint): void {
    this.#tag(field, VARINT)
    this.#reserve(10)
    WORD[0] = value
    let low = HALVES[LOW] as number
    let high = HALVES[HIGH] as number
    while (high !== 0 || low > 0x7f) {
      this.#bytes[this.#pos++] = (low & 0x7f) | 0x80
      low = ((low >>> 7) | (high << 25)) >>> 0
      high >>>= 7
    }
    this.#bytes[this.#pos++] = low
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

  /** Writes UTF-8; an unpaired surrogate becomes U+FFFD. */
  string(field: number, text: string): void {
    const start = this.begin(field)
    this.text(text)
    this.end(start)
  }

  bytes(field: number, value: Uint8Array): void {
    this.slice(field, value, 0, value.length)
  }

  /** Writes `source[from..to)` as a LEN value: bytes, or text in UTF-8. */
  slice(field: number, source: Uint8Array, from: number, to: number): void {
    this.#tag(field, LEN)
    this.#varint(to - from)
    this.raw(source, from, to)
  }

  /** Between `begin` and `end`: writes text as UTF-8. */
  text(text: string): void {
    // At most 3 bytes a UTF-16 unit.
    this.#reserve(text.length * 3)
    this.#pos += this.#bytes.write(text, this.#pos)
  }

  /**
   * Between `begin` and `end`: returns the buffer itself, with room for `count` bytes from `position` on. The caller writes
   * there and sets `position` to the end of its bytes; valid until the next write.
   */
  room(count: number): Buffer {
    this.#reserve(count)
    return this.#bytes
  }

  get position(): number {
    return this.#pos
  }

  set position(position: number) {
    this.#pos = position
  }

  /** Between `begin` and `end`: writes one byte. */
  byte(value: number): void {
    this.#reserve(1)
    this.#bytes[this.#pos++] = value
  }

  /** Between `begin` and `end`: writes `source[from..to)`. */
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
    freeBytes(this.#bytes)
    this.#bytes = grown
  }
}

function varintSize(value: number): number {
  let size = 1
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 0x80)) size++
  return size
}
