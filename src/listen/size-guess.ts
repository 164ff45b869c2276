/** Weight of the last request if it needed more than the guess. */
const WEIGHT = 1 / 16
/** Maximum kinds to keep: formats times encodings, which are few, whatever senders write. */
const MAX_KINDS = 16
/** One class for each power of two of a request's length: one record compresses far less than hundreds of records. */
const SIZES = 32

/** Memory that a request needs, in bytes. */
export interface Size {
  /** Bytes of protobuf, once it is decompressed and mapped. */
  readonly protobuf: number
  /** Bytes of the byte budget while it is received. */
  readonly held: number
}

/**
 * Guesses the memory of a request from its length and kind, learning from earlier requests. The guess is low on purpose: it
 * falls to the minimum at once and rises slowly, so that a sender of highly compressible requests does not get the others
 * refused.
 */
export class SizeGuess {
  readonly #kinds = new Map<string, { readonly protobuf: Float64Array; readonly held: Float64Array }>()

  /** @param kind format and encoding */
  guess(kind: string, bytes: number): Size {
    const place = placeOf(bytes)
    const known = this.#kinds.get(kind)
    return { protobuf: bytes * (known?.protobuf[place] || 1), held: bytes * (known?.held[place] || 1) }
  }

  /** Learns the size in memory of a request received as `bytes`. */
  learn(kind: string, bytes: number, { protobuf, held }: Size): void {
    if (bytes === 0) return
    let known = this.#kinds.get(kind)
    if (known === undefined) {
      if (this.#kinds.size >= MAX_KINDS) return
      known = { protobuf: new Float64Array(SIZES), held: new Float64Array(SIZES) }
      this.#kinds.set(kind, known)
    }
    const place = placeOf(bytes)
    known.protobuf[place] = approach(known.protobuf[place] ?? 0, protobuf / bytes)
    known.held[place] = approach(known.held[place] ?? 0, held / bytes)
  }
}

function placeOf(bytes: number): number {
  return Math.min(SIZES - 1, 32 - Math.clz32(bytes))
}

/** @param known 0 for no value yet */
function approach(known: number, seen: number): number {
  return known === 0 || seen < known ? seen : known + (seen - known) * WEIGHT
}
