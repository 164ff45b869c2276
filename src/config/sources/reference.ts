/** A `${…}` inside a string. */
export interface Reference {
  readonly start: number
  /** After the closing brace. */
  readonly end: number
  /** `env:NAME:-default`, always with the scheme. */
  readonly uri: string
}

/**
 * Finds the first reference to expand in a string, by the collector's rules (confmap v1.70.0, expand.go). It ends at the first
 * `}` and begins at the last `${` before that, so that an inner reference comes first. An odd number of `$` before the `${`
 * makes it plain text. Without a scheme it is an environment variable.
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
 * Returns the variables whose defaults contain a place: `A` and `B` for `${env:C}` in `${env:A:-x${env:B:-${env:C}}}`.
 * @param start start of the first reference to expand: a reference that begins before it ends after it
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

/** Turns `$$`, the escape for a `$`, into `$`. */
export function unescapeDollars(text: string): string {
  return text.replaceAll('$$', '$')
}

/** Escapes `text` so that expansion gives it back. */
export function escapeDollars(text: string): string {
  return text.replaceAll('$', '$$$$')
}
