/**
 * A pattern in which `*` matches zero or more characters; every other character matches itself.
 *
 * Finds the pieces between the stars from left to right, each after the previous one. Taking the first match of a piece
 * leaves the most room for the next, so there is no backtracking. A regular expression for `*a*a*a` on a long name chosen
 * by a client would try every way to divide the name.
 */
export class Glob {
  readonly #first: string
  readonly #middle: readonly string[]
  /** Undefined for a pattern without a star. */
  readonly #last: string | undefined

  constructor(pattern: string) {
    const [first = '', ...rest] = pattern.split('*')
    this.#first = first
    this.#last = rest.pop()
    this.#middle = rest.filter((piece) => piece !== '')
  }

  matches(text: string): boolean {
    const last = this.#last
    if (last === undefined) return text === this.#first
    let at = this.#first.length
    const end = text.length - last.length
    if (at > end || !text.startsWith(this.#first) || !text.endsWith(last)) return false
    for (const piece of this.#middle) {
      const found = text.indexOf(piece, at)
      if (found < 0) return false
      at = found + piece.length
      if (at > end) return false
    }
    return true
  }
}

/** Returns true if one of several patterns matches. */
export function matchesAny(globs: readonly Glob[], text: string): boolean {
  for (const glob of globs) if (glob.matches(text)) return true
  return false
}
