import { takeComparison, type Value } from '../comparison.ts'
import { type Condition, PatternLimits, takeConditions } from '../conditions.ts'
import type { Matcher } from '../matcher.ts'
import type { Scanner } from '../scanner.ts'
import { Words } from './words.ts'

const NAME = /[A-Za-z_][A-Za-z0-9_]*/y

/** The condition of a field; undefined if any text matches. */
type Field = Condition<Value> | undefined

interface Fields {
  /** The first fields of an event. */
  readonly head: Field[]
  /** The last fields of an event, after an ellipsis; undefined without one. */
  tail: Field[] | undefined
}

/** Compiles `[ip, user, ..., status = 4* && status != 404, bytes > 1000]`, for events of fields separated by spaces. */
export function compileFields(scanner: Scanner): Matcher {
  scanner.take('[')
  if (!scanner.text.endsWith(']')) throw scanner.invalid("if a filter pattern starts with '[' it must end with ']'")
  const { head, tail } = takeFields(scanner)
  if (!scanner.atEnd) throw scanner.invalid('nothing may follow the ]')
  if (tail === undefined) return (message) => matchesWhole(new Words(message), message, head)
  return (message) => {
    const words = new Words(message)
    return matchesHead(words, message, head, head.length) && matchesTail(words, message, tail)
  }
}

function takeFields(scanner: Scanner): Fields {
  const fields: Fields = { head: [], tail: undefined }
  const names = new Set<string>()
  const limits = new PatternLimits()
  scanner.skipSpace()
  if (scanner.take(']')) return fields
  do {
    scanner.skipSpace()
    if (scanner.take('...')) {
      if (fields.tail !== undefined) throw scanner.invalid('a pattern may hold one ellipsis')
      fields.tail = []
    } else (fields.tail ?? fields.head).push(takeField(scanner, names, limits))
    scanner.skipSpace()
  } while (scanner.take(','))
  if (!scanner.take(']'))
    throw scanner.invalid('a comma or ] is missing; text with other characters goes in double quotation marks')
  return fields
}

/** Parses a name with or without conditions; an empty place between two commas is a field without a name. */
function takeField(scanner: Scanner, names: Set<string>, limits: PatternLimits): Field {
  if (scanner.peek() === ',' || scanner.peek() === ']') return undefined
  const name = scanner.takeMatch(NAME)
  if (name === undefined) throw scanner.invalid('the name of a field is missing: names are of letters, digits and _')
  if (names.has(name)) throw scanner.invalid(`two fields have the name ${name}`)
  names.add(name)
  scanner.skipSpace()
  if (scanner.peek() === ',' || scanner.peek() === ']') return undefined
  let first = true
  return takeConditions(scanner, () => {
    if (!first && scanner.takeMatch(NAME) !== name)
      throw scanner.invalid(`the conditions of a field begin with its name: write ${name}`)
    first = false
    scanner.skipSpace()
    return takeComparison(scanner, limits)
  })
}

function matchesHead(words: Words, message: string, fields: readonly Field[], count: number): boolean {
  for (let index = 0; index < count; index += 1) {
    if (!words.next()) return false
    const condition = fields[index]
    if (condition !== undefined && !condition(message.slice(words.start, words.end))) return false
  }
  return true
}

/** The last field is the rest of the line: `[w1=ERROR, w2]` matches a line of any length. No fields match anything. */
function matchesWhole(words: Words, message: string, fields: readonly Field[]): boolean {
  if (fields.length === 0) return true
  if (!matchesHead(words, message, fields, fields.length - 1)) return false
  if (!words.next()) return false
  const condition = fields.at(-1)
  return condition === undefined || condition(words.rest())
}

/** Keeps only the places of the last fields while it reads: an event of 1 MB has half a million fields. */
function matchesTail(words: Words, message: string, fields: readonly Field[]): boolean {
  const count = fields.length
  if (count === 0) return true
  const places = new Uint32Array(count * 2)
  let read = 0
  for (; words.next(); read += 1) places.set([words.start, words.end], (read % count) * 2)
  if (read < count) return false
  return fields.every((condition, index) => {
    const place = ((read + index) % count) * 2
    return condition === undefined || condition(message.slice(places[place], places[place + 1]))
  })
}
