import type { Scanner } from './scanner.ts'

const BODY = /(?:[^"\\]|\\.)*/sy

/** Parses `"text"`, in which a backslash escapes the next character. Returns the text between the quotes, still escaped. */
export function takeQuoted(scanner: Scanner): string | undefined {
  if (!scanner.take('"')) return undefined
  const body = scanner.takeMatch(BODY) ?? ''
  if (!scanner.take('"')) throw scanner.invalid('the closing double quotation mark is missing')
  return body
}

export function unescaped(body: string): string {
  return body.replaceAll(/\\(.)/gs, '$1')
}
