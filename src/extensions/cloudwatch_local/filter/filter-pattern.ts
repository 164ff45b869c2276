import { compileFields } from './fields/fields.ts'
import { compileJsonPattern } from './json/json-pattern.ts'
import type { Matcher } from './matcher.ts'
import { compileRegex } from './regex.ts'
import { Scanner } from './scanner.ts'
import { compileTerms } from './terms.ts'

/**
 * Compiles a filter pattern of CloudWatch Logs. Its first character selects one of the four languages:
 * `{ $.member = "text" }` for JSON events, `[field, field = "text"]` for events of words, `%regex%`, and terms.
 * @throws ServiceError InvalidParameterException for a pattern that is not valid
 */
export function compileFilterPattern(pattern: string): Matcher {
  const scanner = new Scanner(pattern)
  scanner.skipSpace()
  if (scanner.atEnd) return () => true
  const matches = compile(scanner)
  return (message) => {
    scanner.regexWork.begin()
    return matches(message)
  }
}

function compile(scanner: Scanner): Matcher {
  switch (scanner.peek()) {
    case '{':
      return compileJsonPattern(scanner)
    case '[':
      return compileFields(scanner)
    case '%':
      return compileStandaloneRegex(scanner)
    default:
      return compileTerms(scanner)
  }
}

function compileStandaloneRegex(scanner: Scanner): Matcher {
  const matches = compileRegex(scanner)
  scanner.skipSpace()
  if (!scanner.atEnd)
    throw scanner.invalid('a regular expression must be the whole pattern: write %one|other%, or only terms')
  return matches
}
