import { RE2JS } from 're2js'
import type { Scanner } from './scanner.ts'

// AWS's subset of regular expressions (Filter pattern syntax, "Supported regular expressions"). RE2 takes time linear in the
// subject; V8 would backtrack, and one pattern could block the process for hours. RE2 is linear in the pattern too, so the
// product can be bounded (RegexWork).

/** Characters that AWS lists: letters, digits, `: _ # = @ / ; , -` and operators; its own example has a space. */
const ALLOWED = /[A-Za-z0-9:_#=@/;,\- ^$?[\]{}|*+.]/
/** `\d \D \s \S \w \W`, `\xhh`, and any escaped operator or symbol. */
const ESCAPE = /\\(?:[dDsSwW]|x[0-9A-Fa-f]{2}|[:_#=@/;,\- ^$?[\]{}|\\*+.])/y

/** Parses and compiles `%regex%`. */
export function compileRegex(scanner: Scanner): (text: string) => boolean {
  scanner.take('%')
  let source = ''
  while (!scanner.take('%')) {
    if (scanner.atEnd) throw scanner.invalid('a regular expression is not closed: write % after it')
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
      'a regular expression may have only the escapes \\d \\D \\s \\S \\w \\W, \\xhh and escaped operators',
    )
  }
  if (!ALLOWED.test(next))
    throw scanner.invalid(
      `a regular expression may not contain '${next}': it allows ASCII letters, digits, : _ # = @ / ; , - and the operators ^ $ ? [ ] { } | \\ * + .`,
    )
  scanner.take(next)
  return next
}
