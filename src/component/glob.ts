/**
 * A pattern in which `*` stands for any characters, none included; every other character stands for itself.
 *
 * The pieces between the stars are looked for from left to right, each behind the one before it. Taking the first place of
 * a piece leaves the most room for the next, so nothing is ever tried twice. As a regular expression, `*a*a*a` on a long
 * name of a client's choice tries every way to divide the name.
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

/** Whether one of several patterns matches. */
export function matchesAny(globs: readonly Glob[], text: string): boolean {
  for (const glob of globs) if (glob.matches(text)) return true
  return false
}
