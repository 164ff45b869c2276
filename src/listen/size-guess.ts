/** Weight of the last request where it took more than was thought. */
const WEIGHT = 1 / 16
/** Kinds that are kept apart: formats times encodings, which are few, whatever senders write. */
const MAX_KINDS = 16
/** One for each power of two of a request's length: a request of one record is compressed far less than one of hundreds. */
const SIZES = 32

/** What a request will take, in bytes. */
export interface Size {
  /** Of protobuf, once it is decompressed and mapped. */
  readonly protobuf: number
  /** Of the byte budget, while it is received. */
  readonly held: number
}

/**
 * Guesses what a request will take from how many bytes come, and in what form. Learned from those that were read, and rather
 * low: it falls to the least at once and rises slowly, so that a sender whose requests are highly compressible does not keep
 * out the others.
 */
export class SizeGuess {
  readonly #kinds = new Map<string, { readonly protobuf: Float64Array; readonly held: Float64Array }>()

  /** @param kind format and encoding */
  guess(kind: string, bytes: number): Size {
    const place = placeOf(bytes)
    const known = this.#kinds.get(kind)
    return { protobuf: bytes * (known?.protobuf[place] || 1), held: bytes * (known?.held[place] || 1) }
  }

  /** What a request that came as `bytes` took. */
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

/** @param known 0 where nothing is */
function approach(known: number, seen: number): number {
  return known === 0 || seen < known ? seen : known + (seen - known) * WEIGHT
}
