// Decodes base64 and hexadecimal in place, from bytes to bytes: a value may have 64 MiB, too much for a JavaScript string.

import { hexDigit } from './json-unescape.ts'

const PAD = 0x3d
const INVALID = 64

/** Value of each base64 character, of either alphabet (RFC 4648, 4 and 5). */
const SIXTETS = new Uint8Array(256).fill(INVALID)
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
for (let value = 0; value < ALPHABET.length; value++) SIXTETS[ALPHABET.charCodeAt(value)] = value
SIXTETS['-'.charCodeAt(0)] = 62
SIXTETS['_'.charCodeAt(0)] = 63

/** Decodes base64 `bytes[from..to)` in place, padded or not. Returns the end of the result; -1 if it is not base64. */
export function decodeBase64(bytes: Uint8Array, from: number, to: number): number {
  let end = to
  while (end > from && to - end < 2 && bytes[end - 1] === PAD) end--
  let write = from
  let held = 0
  let bits = 0
  for (let read = from; read < end; read++) {
    const sixtet = SIXTETS[bytes[read] as number] as number
    if (sixtet === INVALID) return -1
    held = ((held << 6) | sixtet) & 0xffff
    bits += 6
    if (bits < 8) continue
    bits -= 8
    bytes[write++] = held >> bits
  }
  return write
}

/** Decodes hexadecimal digits of either case in place, like `decodeBase64`. */
export function decodeHex(bytes: Uint8Array, from: number, to: number): number {
  if ((to - from) % 2 !== 0) return -1
  let write = from
  for (let read = from; read < to; read += 2) {
    const byte = (hexDigit(bytes[read] as number) << 4) | hexDigit(bytes[read + 1] as number)
    if (byte < 0) return -1
    bytes[write++] = byte
  }
  return write
}
