import { compileRegex } from './regex.ts'
import type { Scanner } from './scanner.ts'

/** "There is a limit of 2 regex for each filter pattern when creating a delimited or JSON filter pattern." */
const MAX_REGEXES = 2
/** "one wildcard in a selector, three such selectors in a pattern" */
const MAX_WILDCARD_SELECTORS = 3

export type Condition<Subject> = (subject: Subject) => boolean

/** Enforces AWS's limits on a whole pattern. */
export class PatternLimits {
  #regexes = 0
  #wildcardSelectors = 0

  takeRegex(scanner: Scanner): (text: string) => boolean {
    this.#regexes += 1
    if (this.#regexes > MAX_REGEXES)
      throw scanner.invalid(`a pattern may hold at most ${MAX_REGEXES} regular expressions: join some with |`)
    return compileRegex(scanner)
  }

  countWildcardSelector(scanner: Scanner): void {
    this.#wildcardSelectors += 1
    if (this.#wildcardSelectors > MAX_WILDCARD_SELECTORS)
      throw scanner.invalid(`a pattern may hold at most ${MAX_WILDCARD_SELECTORS} selectors with a wildcard`)
  }
}

/**
 * Parses operands joined by `&&` and `||`; `&&` binds more tightly.
 * @param takeOperand parses one operand, including parentheses where allowed
 */
export function takeConditions<Subject>(scanner: Scanner, takeOperand: () => Condition<Subject>): Condition<Subject> {
  const alternatives: Condition<Subject>[] = []
  do alternatives.push(takeConjunction(scanner, takeOperand))
  while (scanner.take('||'))
  const [only] = alternatives
  if (alternatives.length === 1 && only !== undefined) return only
  return (subject) => alternatives.some((condition) => condition(subject))
}

function takeConjunction<Subject>(scanner: Scanner, takeOperand: () => Condition<Subject>): Condition<Subject> {
  const all: Condition<Subject>[] = []
  do {
    scanner.skipSpace()
    all.push(takeOperand())
    scanner.skipSpace()
  } while (scanner.take('&&'))
  const [only] = all
  if (all.length === 1 && only !== undefined) return only
  return (subject) => all.every((condition) => condition(subject))
}
