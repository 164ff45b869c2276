import type { z } from 'zod'
import { closest } from '../suggest.ts'

/** A zod issue; it has a message only if the author of the schema wrote one. */
export type Issue = z.core.$ZodIssue

export const REDACTED = '[REDACTED]'

const NAMES: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
}

/** The advice for each expected type. */
const REMEDIES: Readonly<Record<string, string>> = {
  string: ': put quotes around it',
  array: ': write [a, b], or one - for each item',
  object: ': write its keys, each on a line of its own, further to the right',
  record: ': write its keys, each on a line of its own, further to the right',
}

/**
 * Returns one sentence about what is wrong with a value and what to write instead.
 * @param secret the value must not be shown
 * @param description the schema's description of the key
 */
export function explainIssue(issue: Issue, secret: boolean, description = ''): string {
  const value = secret ? REDACTED : show(issue.input)
  if (issue.message !== '') return secret ? conceal(issue.message, issue.input) : issue.message
  if (issue.input === undefined) return `is required${description === '' ? '' : `: ${description}`}`
  switch (issue.code) {
    case 'invalid_type':
      return `${value} is not ${wanted(issue)}${REMEDIES[issue.expected] ?? ''}`
    case 'invalid_value':
      return `${value} is not ${wanted(issue)}${secret ? '' : near(issue.input, issue.values)}`
    case 'invalid_union':
      return `${value} is not ${anyOf(issue.errors.flatMap((branch) => branch.map(wanted)))}`
    case 'too_small':
      return `${value} is too ${sizeWord(issue.origin, 'short', 'small')}: write ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}${unit(issue.origin)}`
    case 'too_big':
      return `${value} is too ${sizeWord(issue.origin, 'long', 'large')}: write ${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}${unit(issue.origin)}`
    case 'not_multiple_of':
      return `${value} is not a multiple of ${issue.divisor}`
    case 'invalid_format':
      return `${value} is not of the form ${issue.pattern ?? issue.format}`
    case 'invalid_key':
    case 'invalid_element':
      return issue.issues.map((inner) => explainIssue(inner, secret)).join('; ')
    case 'unrecognized_keys':
      return `unknown key ${anyOf(issue.keys.map(show))}`
    case 'custom':
      return `${value} is not valid here`
  }
}

/** Returns the problems of the intended branch of a union: of those whose kind of value fits, the one with the fewest. */
export function flattenIssue(issue: Issue): Issue[] {
  if (issue.code !== 'invalid_union' || issue.message !== '') return [issue]
  const meant = issue.errors
    .filter((branch) =>
      branch.every(({ code, path }) => path.length > 0 || !['invalid_type', 'invalid_value'].includes(code)),
    )
    .toSorted((a, b) => a.length - b.length)[0]
  return meant?.flatMap((inner) => flattenIssue({ ...inner, path: [...issue.path, ...inner.path] })) ?? [issue]
}

function wanted(issue: Issue): string {
  if (issue.code === 'invalid_value') return anyOf(issue.values.map((value) => show(value)))
  if (issue.code === 'invalid_type') return NAMES[issue.expected] ?? issue.expected
  return 'of another kind'
}

function anyOf(names: readonly string[]): string {
  const unique = [...new Set(names)]
  return unique.length < 2 ? unique.join() : `${unique.slice(0, -1).join(', ')} or ${unique.at(-1)}`
}

function near(input: unknown, values: readonly unknown[]): string {
  const texts = values.filter((value) => typeof value === 'string')
  const suggestion = typeof input === 'string' ? closest(input, texts) : undefined
  return suggestion === undefined ? '' : `; did you mean ${show(suggestion)}?`
}

const MAX_SHOWN = 80

function show(value: unknown): string {
  if (Array.isArray(value)) return 'this list'
  if (typeof value === 'object' && value !== null) return 'this map'
  const text = JSON.stringify(value) ?? String(value)
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)}…`
}

function conceal(message: string, input: unknown): string {
  return typeof input === 'string' && input !== '' ? message.replaceAll(input, REDACTED) : message
}

function sizeWord(origin: string, ofString: string, ofNumber: string): string {
  return origin === 'string' || origin === 'array' ? ofString : ofNumber
}

function unit(origin: string): string {
  if (origin === 'string') return ' characters'
  return origin === 'array' ? ' items' : ''
}
