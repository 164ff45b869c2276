// Finds in the bytes of a JSON object its longest member that is a string. Creates no object per member.

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a

export interface StringMember {
  /** The key with its quotes. */
  readonly keyFrom: number
  readonly keyTo: number
  /** The string between its quotes. */
  readonly from: number
  readonly to: number
}

/** @param json valid JSON. @returns Returns undefined if it is not an object, or has no string member with text */
export function longestMember(json: Uint8Array): StringMember | undefined {
  let depth = 0
  let keyFrom = 0
  let keyTo = 0
  let afterColon = false
  const longest = { keyFrom: -1, keyTo: 0, from: 0, to: 0 }
  for (let at = 0; at < json.length; at++) {
    const byte = json[at] as number
    switch (byte) {
      case QUOTE: {
        const from = at + 1
        at = stringEnd(json, from)
        if (depth !== 1) break
        if (!afterColon) {
          keyFrom = from - 1
          keyTo = at + 1
        } else if (at - from > longest.to - longest.from) {
          longest.keyFrom = keyFrom
          longest.keyTo = keyTo
          longest.from = from
          longest.to = at
        }
        break
      }
      case COLON:
        if (depth === 1) afterColon = true
        break
      case 0x2c: // ,
        if (depth === 1) afterColon = false
        break
      case 0x5b: // [
        // A list at the top has no members.
        if (depth === 0) return undefined
        depth++
        break
      case 0x7b: // {
        depth++
        break
      case 0x5d: // ]
      case 0x7d: // }
        depth--
        break
    }
  }
  return longest.keyFrom < 0 ? undefined : longest
}

/** The place of the closing quote. */
function stringEnd(json: Uint8Array, from: number): number {
  let at = from
  while (json[at] !== QUOTE && at < json.length) at += json[at] === BACKSLASH ? 2 : 1
  return at
}
