import { RE2JS } from 're2js'
import type { Scanner } from './scanner.ts'

// AWS's own selection of a regular expression (Filter pattern syntax, "Supported regular expressions"). RE2 takes time
// linear in the subject; V8 would backtrack, and one pattern could hold the process for hours. Linear in the pattern too, so
// the two together have a bound (RegexWork).

/** What AWS lists: letters, digits, `: _ # = @ / ; , -` and operators; its own example has a space. */
const ALLOWED = /[A-Za-z0-9:_#=@/;,\- ^$?[\]{}|*+.]/
/** `\d \D \s \S \w \W`, `\xhh`, and any operator or symbol taken for itself. */
const ESCAPE = /\\(?:[dDsSwW]|x[0-9A-Fa-f]{2}|[:_#=@/;,\- ^$?[\]{}|\\*+.])/y

/** Takes `%regex%`. */
export function compileRegex(scanner: Scanner): (text: string) => boolean {
  scanner.take('%')
  let source = ''
  while (!scanner.take('%')) {
    if (scanner.atEnd) throw scanner.invalid('a regular expression is not closed: write % behind it')
    source += takePart(scanner)
  }
  if (source === '') throw scanner.invalid('a regular expression is empty: write one between the % signs')
  try {
    const regex = RE2JS.compile(source)
    const instructions = regex.programSize()
    const { regexWork } = scanner
    return (text) => {
      regexWork.take(source, instructions, text)
      return regex.test(text)
    }
  } catch (error) {
    throw scanner.invalid(
      `%${source}% is not a regular expression: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
}

function takePart(scanner: Scanner): string {
  const next = scanner.peek()
  if (next === '\\') {
    const escape = scanner.takeMatch(ESCAPE)
    if (escape !== undefined) return escape
    throw scanner.invalid(
      'a regular expression may hold \\d \\D \\s \\S \\w \\W, \\xhh and escaped operators, and no other escape',
    )
  }
  if (!ALLOWED.test(next))
    throw scanner.invalid(
      `a regular expression may not hold '${next}': it takes ASCII letters, digits, : _ # = @ / ; , - and the operators ^ $ ? [ ] { } | \\ * + .`,
    )
  scanner.take(next)
  return next
}
