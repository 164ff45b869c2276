import type { Scanner } from './scanner.ts'

const BODY = /(?:[^"\\]|\\.)*/sy

/** Takes `"text"`, in which a backslash quotes the next character. Returns what is between the quotes, still escaped. */
export function takeQuoted(scanner: Scanner): string | undefined {
  if (!scanner.take('"')) return undefined
  const body = scanner.takeMatch(BODY) ?? ''
  if (!scanner.take('"')) throw scanner.invalid('a double quotation mark is not closed: write another one')
  return body
}

export function unescaped(body: string): string {
  return body.replaceAll(/\\(.)/gs, '$1')
}
