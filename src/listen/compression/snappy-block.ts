// Hot path: runs once for each element of a snappy block, some ten bytes of output each.

/** Position of the decoder in one block. */
export interface BlockState {
  /** Next byte of input, and the end of the block. */
  at: number
  readonly end: number
  /** Next byte of output; where the block's output starts and ends. */
  out: number
  readonly outStart: number
  readonly outEnd: number
}

/** A block's length, before its elements: a varint of 32 bits. */
const MAX_LENGTH_BYTES = 5

/** @returns the output length that a block announces and where its elements begin; undefined if it is not a 32-bit varint */
export function blockLength(
  bytes: Uint8Array,
  at: number,
  end: number,
): { readonly length: number; readonly at: number } | undefined {
  let length = 0
  for (let i = 0; i < MAX_LENGTH_BYTES && at + i < end; i++) {
    const byte = bytes[at + i] ?? 0
    length += (byte & 127) * 2 ** (7 * i)
    if (byte < 128) return length < 2 ** 32 ? { length, at: at + i + 1 } : undefined
  }
  return undefined
}

/**
 * Decodes elements until the block ends or the output reaches `stop`.
 * @returns false if the block is corrupt; `state` is meaningless then
 */
export function decodeElements(src: Uint8Array, dst: Uint8Array, state: BlockState, stop: number): boolean {
  const { end, outStart, outEnd } = state
  let { at, out } = state
  while (at < end && out < stop) {
    const tag = src[at] ?? 0
    at++
    let length = 0
    let offset = 0
    switch (tag & 3) {
      case 0: {
        length = (tag >>> 2) + 1
        if (length > 60) {
          const extra = length - 60
          if (at + extra > end) return false
          length = 1
          for (let i = 0; i < extra; i++) length += (src[at + i] ?? 0) * 2 ** (8 * i)
          at += extra
        }
        if (at + length > end || out + length > outEnd) return false
        if (length > 32) dst.set(src.subarray(at, at + length), out)
        else for (let i = 0; i < length; i++) dst[out + i] = src[at + i] ?? 0
        at += length
        out += length
        continue
      }
      case 1:
        if (at + 1 > end) return false
        length = ((tag >>> 2) & 7) + 4
        offset = ((tag >>> 5) << 8) | (src[at] ?? 0)
        at += 1
        break
      case 2:
        if (at + 2 > end) return false
        length = (tag >>> 2) + 1
        offset = (src[at] ?? 0) | ((src[at + 1] ?? 0) << 8)
        at += 2
        break
      default:
        if (at + 4 > end) return false
        length = (tag >>> 2) + 1
        offset =
          (src[at] ?? 0) + (src[at + 1] ?? 0) * 2 ** 8 + (src[at + 2] ?? 0) * 2 ** 16 + (src[at + 3] ?? 0) * 2 ** 24
        at += 4
    }
    if (offset === 0 || offset > out - outStart || out + length > outEnd) return false
    // Byte by byte: source and target overlap if the offset is shorter than the length.
    for (let i = 0; i < length; i++) dst[out + i] = dst[out + i - offset] ?? 0
    out += length
  }
  state.at = at
  state.out = out
  return at < end || out === outEnd
}
