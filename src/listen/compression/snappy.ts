// snappy as OTLP senders use it: Go's gRPC encoding "snappy" is the framing format, HTTP's Content-Encoding "snappy" is one
// block (older Go collectors framed it too), and "x-snappy-framed" is the framing format. The first bytes tell them apart.
//
// Node has no snappy, so it is decoded on the event loop, in steps: other requests and probes are served in between.
import { crc32c } from './crc32c.ts'
import type { DecompressFailure, Decompressed } from './encodings.ts'
import { GrowingBytes } from '../memory/growing-bytes.ts'
import type { Holding } from '../memory/holding.ts'
import { blockLength, decodeElements, type BlockState } from './snappy-block.ts'

/** Output bytes, and chunks, of one step: about 3 ms of the event loop. */
const STEP_BYTES = 1_048_576
const STEP_CHUNKS = 4_096

const STREAM_IDENTIFIER = Buffer.from('\u00ff\u0006\u0000\u0000sNaPpY', 'latin1')
/** Type and length of a chunk; the checksum of its data. */
const HEADER_BYTES = 4
const CHECKSUM_BYTES = 4
/** Maximum uncompressed size of a chunk in the framing format. */
const MAX_CHUNK_BYTES = 65_536
/** Three bytes of a block decode to 64 at most. A block that announces more is refused before a buffer is allocated. */
const MAX_RATIO = 22

const COMPRESSED = 0x00
const UNCOMPRESSED = 0x01
const FIRST_SKIPPABLE = 0x80
const IDENTIFIER = 0xff

interface Decoder {
  /** Does one step. @returns `done` after the last one, or why it failed */
  step(): 'more' | 'done' | DecompressFailure
  view(): Uint8Array
}

/** For the contract see `decompress`. */
export function decompressSnappy(bytes: Uint8Array, limit: number, holding: Holding, done: Decompressed): void {
  const framed = STREAM_IDENTIFIER.equals(bytes.subarray(0, STREAM_IDENTIFIER.length))
  const decoder = framed ? new FramedDecoder(bytes, limit, holding) : new BlockDecoder(bytes, limit, holding)
  const run = () => {
    holding.onRelease(undefined)
    const result = decoder.step()
    if (result === 'done') return done(decoder.view(), undefined)
    if (result !== 'more') return done(undefined, result)
    const next = setImmediate(run)
    holding.onRelease(() => clearImmediate(next))
  }
  run()
}

class FramedDecoder implements Decoder {
  readonly #bytes: Uint8Array
  readonly #limit: number
  readonly #holding: Holding
  readonly #output: GrowingBytes
  #chunk: Buffer | undefined
  #at = 0

  constructor(bytes: Uint8Array, limit: number, holding: Holding) {
    this.#bytes = bytes
    this.#limit = limit
    this.#holding = holding
    this.#output = new GrowingBytes(holding, limit, false)
  }

  view(): Uint8Array {
    return this.#output.view()
  }

  step(): 'more' | 'done' | DecompressFailure {
    const stop = this.#output.length + STEP_BYTES
    for (let chunks = 0; this.#at < this.#bytes.length; chunks++) {
      if (this.#output.length >= stop || chunks === STEP_CHUNKS) return 'more'
      const failure = this.#readChunk()
      if (failure !== undefined) return failure
    }
    return 'done'
  }

  #readChunk(): DecompressFailure | undefined {
    const bytes = this.#bytes
    const start = this.#at + HEADER_BYTES
    if (start > bytes.length) return 'corrupt'
    const type = bytes[this.#at] ?? 0
    const length = (bytes[this.#at + 1] ?? 0) | ((bytes[this.#at + 2] ?? 0) << 8) | ((bytes[this.#at + 3] ?? 0) << 16)
    const end = start + length
    if (end > bytes.length) return 'corrupt'
    this.#at = end
    if (type === COMPRESSED || type === UNCOMPRESSED) return this.#readData(type, start, end)
    if (type === IDENTIFIER)
      return STREAM_IDENTIFIER.equals(bytes.subarray(start - HEADER_BYTES, end)) ? undefined : 'corrupt'
    return type >= FIRST_SKIPPABLE ? undefined : 'corrupt'
  }

  #readData(type: number, start: number, end: number): DecompressFailure | undefined {
    const bytes = this.#bytes
    const from = start + CHECKSUM_BYTES
    if (from > end) return 'corrupt'
    const data = type === COMPRESSED ? this.#decode(from, end) : bytes.subarray(from, end)
    if (typeof data === 'string') return data
    if (data.length > MAX_CHUNK_BYTES || checksum(bytes, start) !== masked(crc32c(data))) return 'corrupt'
    if (this.#output.length + data.length > this.#limit) return 'too_large'
    return this.#output.append(Buffer.from(data.buffer, data.byteOffset, data.length)) === 'full'
      ? 'budget_full'
      : undefined
  }

  #decode(from: number, end: number): Uint8Array | DecompressFailure {
    const announced = blockLength(this.#bytes, from, end)
    if (announced === undefined || announced.length > MAX_CHUNK_BYTES) return 'corrupt'
    this.#chunk ??= this.#holding.borrow(MAX_CHUNK_BYTES)
    if (this.#chunk === undefined) return 'budget_full'
    const { length } = announced
    const state: BlockState = { at: announced.at, end, out: 0, outStart: 0, outEnd: length }
    // An empty block must have no elements.
    if (length === 0 && announced.at !== end) return 'corrupt'
    if (!decodeElements(this.#bytes, this.#chunk, state, length) || state.at !== end || state.out !== length)
      return 'corrupt'
    return this.#chunk.subarray(0, length)
  }
}

/** The framing format stores checksums rotated, and with a constant added. */
function masked(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}

function checksum(bytes: Uint8Array, at: number): number {
  return Buffer.from(bytes.buffer, bytes.byteOffset + at, CHECKSUM_BYTES).readUInt32LE()
}

class BlockDecoder implements Decoder {
  readonly #bytes: Uint8Array
  readonly #limit: number
  readonly #holding: Holding
  #output: Buffer = Buffer.alloc(0)
  #state: BlockState | undefined

  constructor(bytes: Uint8Array, limit: number, holding: Holding) {
    this.#bytes = bytes
    this.#limit = limit
    this.#holding = holding
  }

  view(): Uint8Array {
    return this.#output.subarray(0, this.#state?.out)
  }

  step(): 'more' | 'done' | DecompressFailure {
    const state = (this.#state ??= this.#begin())
    if (state === undefined) return this.#refuse()
    const stop = Math.min(state.outEnd, state.out + STEP_BYTES)
    if (!decodeElements(this.#bytes, this.#output, state, stop)) return 'corrupt'
    if (state.out < state.outEnd) return 'more'
    return state.at === state.end ? 'done' : 'corrupt'
  }

  #begin(): BlockState | undefined {
    const { bytes, announced } = this.#announced()
    if (announced === undefined || announced.length > Math.min(this.#limit, bytes.length * MAX_RATIO)) return undefined
    const { at, length } = announced
    if (length > 0) {
      const buffer = this.#holding.borrow(length)
      if (buffer === undefined) return undefined
      this.#output = buffer
    }
    return { at, end: bytes.length, out: 0, outStart: 0, outEnd: length }
  }

  #refuse(): DecompressFailure {
    const { bytes, announced } = this.#announced()
    if (announced === undefined || announced.length > bytes.length * MAX_RATIO) return 'corrupt'
    return announced.length > this.#limit ? 'too_large' : 'budget_full'
  }

  #announced() {
    const bytes = this.#bytes
    return { bytes, announced: blockLength(bytes, 0, bytes.length) }
  }
}
