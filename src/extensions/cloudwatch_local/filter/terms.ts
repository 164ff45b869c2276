import type { Matcher } from './matcher.ts'
import { takeQuoted, unescaped } from './quoted.ts'
import type { Scanner } from './scanner.ts'

/** "Enclose exact phrases and terms that include non-alphanumeric characters in double quotation marks." */
const BARE = /[A-Za-z0-9_.]+/y

/**
 * Compiles terms: all `term`s, no `-term` and at least one `?term` must be in the message; `"a phrase"` is one term. Terms are
 * case-sensitive. AWS ignores optional terms if there is any other term, so they are ignored here.
 */
export function compileTerms(scanner: Scanner): Matcher {
  const included: string[] = []
  const excluded: string[] = []
  const optional: string[] = []
  while (!scanner.atEnd) {
    const list = scanner.take('?') ? optional : scanner.take('-') ? excluded : included
    if (list === excluded) scanner.skipSpace()
    list.push(takeTerm(scanner))
    if (!scanner.atEnd && !/\s/.test(scanner.peek()))
      throw scanner.invalid(`'${scanner.peek()}' is not allowed in a term: write the term in double quotation marks`)
    scanner.skipSpace()
  }
  if (included.length + excluded.length === 0) return (message) => optional.some((term) => message.includes(term))
  return (message) =>
    included.every((term) => message.includes(term)) && !excluded.some((term) => message.includes(term))
}

function takeTerm(scanner: Scanner): string {
  const quoted = takeQuoted(scanner)
  if (quoted !== undefined) return unescaped(quoted)
  const bare = scanner.takeMatch(BARE)
  if (bare !== undefined) return bare
  if (scanner.atEnd) throw scanner.invalid('a term is missing')
  throw scanner.invalid(`'${scanner.peek()}' is not allowed in a term: write the term in double quotation marks`)
}
