import { takeComparison, type Value } from '../comparison.ts'
import { type Condition, PatternLimits, takeConditions } from '../conditions.ts'
import type { Matcher } from '../matcher.ts'
import type { Scanner } from '../scanner.ts'
import { someSelected, takeSelector } from './selector.ts'

const KEYWORD = /[A-Za-z]+/y
const CONSTANTS: ReadonlyMap<string, null | boolean> = new Map([
  ['NULL', null],
  ['TRUE', true],
  ['FALSE', false],
])

/** Compiles `{ $.a = "x" && ($.b > 5 || $.c IS NULL || $.d NOT EXISTS) }`, for events that are a JSON object. */
export function compileJsonPattern(scanner: Scanner): Matcher {
  scanner.take('{')
  if (!scanner.text.endsWith('}')) throw scanner.invalid("if a filter pattern starts with '{' it must end with '}'")
  const limits = new PatternLimits()
  const matches = takeConditions(scanner, () => takeOperand(scanner, limits))
  if (!scanner.take('}'))
    throw scanner.invalid('&&, || or } is missing; text with other characters goes in double quotation marks')
  if (!scanner.atEnd) throw scanner.invalid('nothing may follow the }')
  return (message) => {
    const document = parseObject(message)
    return document !== undefined && matches(document)
  }
}

function takeOperand(scanner: Scanner, limits: PatternLimits): Condition<object> {
  if (scanner.take('(')) {
    const inner = takeConditions(scanner, () => takeOperand(scanner, limits))
    if (!scanner.take(')')) throw scanner.invalid('&&, || or ) is missing')
    return inner
  }
  const selector = takeSelector(scanner)
  if (selector.wildcard) limits.countWildcardSelector(scanner)
  scanner.skipSpace()
  const keyword = scanner.takeMatch(KEYWORD)
  scanner.skipSpace()
  if (keyword === 'NOT') {
    if (scanner.takeMatch(KEYWORD) !== 'EXISTS') throw scanner.invalid('NOT must be followed by EXISTS')
    return (document) => !someSelected(document, selector, () => true)
  }
  if (keyword === 'IS') {
    const constant = CONSTANTS.get(scanner.takeMatch(KEYWORD) ?? '')
    if (constant === undefined) throw scanner.invalid('IS must be followed by NULL, TRUE or FALSE')
    return (document) => someSelected(document, selector, (value) => value === constant)
  }
  if (keyword !== undefined)
    throw scanner.invalid(
      keyword === 'EXISTS'
        ? 'AWS has no EXISTS, only NOT EXISTS: write = "*" for a member with a value'
        : `'${keyword}' is not an operator: write a comparison, IS NULL, IS TRUE, IS FALSE or NOT EXISTS`,
    )
  const compare = takeComparison(scanner, limits)
  return (document) => someSelected(document, selector, (value) => isValue(value) && compare(value))
}

/** "The selector must point to a value node (string or number)"; anything else satisfies no comparison, not even `!=`. */
function isValue(value: unknown): value is Value {
  return typeof value === 'string' || typeof value === 'number'
}

function parseObject(message: string): object | undefined {
  if (!/^\s*\{/.test(message)) return undefined
  try {
    return JSON.parse(message) as object
  } catch {
    return undefined // an event that is not JSON matches no JSON pattern
  }
}
