/** A `${…}` inside a text, as places in it. */
export interface Reference {
  readonly start: number
  /** After the closing brace. */
  readonly end: number
  /** `env:NAME:-default`, the scheme always written out. */
  readonly uri: string
}

/**
 * The first reference to expand in a text, by the collector's rules (confmap v1.70.0, expand.go): it ends at the first
 * `}` and begins at the last `${` before that, so that of nested ones the inner comes first; an odd number of `$` before
 * the `${` makes it plain text; without a scheme it is a variable of the environment.
 */
export function findReference(text: string): Reference | undefined {
  for (let from = 0, close = text.indexOf('}'); close >= 0; from = close + 1, close = text.indexOf('}', from)) {
    const open = text.lastIndexOf('${', close)
    if (open < from || isEscaped(text, open)) continue
    const inner = text.slice(open + 2, close)
    return { start: open, end: close + 1, uri: inner.includes(':') ? inner : `env:${inner}` }
  }
  return undefined
}

/**
 * The variables in whose defaults a place lies: `A` and `B` for that of `${env:C}` in `${env:A:-x${env:B:-${env:C}}}`.
 * @param start of the first reference to expand: what begins before it ends behind it
 */
export function defaultsAround(text: string, start: number): string[] {
  const begun = text.slice(0, start).matchAll(/\$\{env:(\w+):-/g)
  return [...begun].filter(({ index }) => !isEscaped(text, index)).map(([, name = '']) => name)
}

function isEscaped(text: string, open: number): boolean {
  let dollars = 0
  while (text[open - 1 - dollars] === '$') dollars++
  return dollars % 2 === 1
}

/** `$$` is how a `$` is written. */
export function unescapeDollars(text: string): string {
  return text.replaceAll('$$', '$')
}

/** What reads as `text` again after expansion. */
export function escapeDollars(text: string): string {
  return text.replaceAll('$', '$$$$')
}
