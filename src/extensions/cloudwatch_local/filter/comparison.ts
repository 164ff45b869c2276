import type { Condition, PatternLimits } from './conditions.ts'
import { takeQuoted, unescaped } from './quoted.ts'
import type { Scanner } from './scanner.ts'

// The operator and value after a selector or a field name.

/** A JSON string or number, or a word of an event. */
export type Value = string | number

const OPERATOR = /!=|<=|>=|[=<>]/y
/** Text that needs no quotation marks, such as 123.123.*, kms.amazonaws.com and *.html* in AWS's examples. */
const BARE = /[A-Za-z0-9_.*+-]+/y
const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/

/** Parses `= value` and the like. */
export function takeComparison(scanner: Scanner, limits: PatternLimits): Condition<Value> {
  const operator = scanner.takeMatch(OPERATOR)
  if (operator === undefined) throw scanner.invalid('one of = != < > <= >= is missing')
  scanner.skipSpace()
  const equality = operator === '=' || operator === '!='
  if (!equality) return takeOrder(scanner, operator)
  const equals = takeEquality(scanner, limits)
  return operator === '=' ? equals : (value) => !equals(value)
}

function takeOrder(scanner: Scanner, operator: string): Condition<Value> {
  const bare = scanner.takeMatch(BARE)
  if (bare === undefined || !NUMBER.test(bare))
    throw scanner.invalid(`${operator} compares with a number: write one, such as 400 or 1e3`)
  const bound = Number(bare)
  switch (operator) {
    case '<':
      return (value) => numberOf(value) < bound
    case '<=':
      return (value) => numberOf(value) <= bound
    case '>':
      return (value) => numberOf(value) > bound
    default:
      return (value) => numberOf(value) >= bound
  }
}

function takeEquality(scanner: Scanner, limits: PatternLimits): Condition<Value> {
  if (scanner.peek() === '%') {
    const matches = limits.takeRegex(scanner)
    return (value) => matches(String(value))
  }
  const quoted = takeQuoted(scanner)
  if (quoted !== undefined) return equalsText(quoted)
  const bare = scanner.takeMatch(BARE)
  if (bare === undefined) throw scanner.invalid('a value is missing: write a number, text, "text" or %regex%')
  if (!NUMBER.test(bare)) return equalsText(bare)
  const wanted = Number(bare)
  return (value) => value === bare || numberOf(value) === wanted
}

/** Returns NaN for text that is not a number, so that every comparison fails. */
function numberOf(value: Value): number {
  if (typeof value === 'number') return value
  return NUMBER.test(value) ? Number(value) : NaN
}

/**
 * Asterisks at the start and the end match any text; one within matches itself ("Ev*ent will only match the actual string
 * Ev*ent"). A number is compared as written: `4*` matches 404.
 * @param body still escaped: `\*` is a literal asterisk
 */
function equalsText(body: string): Condition<Value> {
  let start = 0
  while (body.charAt(start) === '*') start += 1
  let end = body.length
  while (end > start && body.charAt(end - 1) === '*' && !isEscaped(body, end - 1)) end -= 1
  const text = unescaped(body.slice(start, end))
  const open = start > 0
  const close = end < body.length
  if (open && (close || text === '')) return (value) => String(value).includes(text)
  if (open) return (value) => String(value).endsWith(text)
  if (close) return (value) => String(value).startsWith(text)
  return (value) => String(value) === text
}

function isEscaped(body: string, at: number): boolean {
  let backslashes = 0
  while (body.charAt(at - 1 - backslashes) === '\\') backslashes += 1
  return backslashes % 2 === 1
}
