import type { LogGroup } from '../store/store.ts'
import { Input, wrongType } from './input.ts'
import { TAG_KEY } from './tags.ts'

const MAX_FILTERS = 5
const MAX_VALUES = 5
const VALUE = {
  max: 259,
  pattern: /^!?\*?[\p{L}\p{Z}\p{N}_.:/=+\-@]*\*?$/u,
  printed: '^!?\\*?([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)\\*?$',
}

/** Reads `logGroupTags`: a group needs every key, with one of its values if any are given. Calls `input.check()`. */
export function readTagFilters(input: Input): (group: LogGroup) => boolean {
  const sent = input.raw('logGroupTags')
  if (sent !== undefined && !Array.isArray(sent)) throw wrongType('logGroupTags', sent, 'a list')
  const list: readonly unknown[] = sent ?? []
  if (sent !== undefined && list.length < 1)
    input.violates('logGroupTags', '[]', 'Member must have length greater than or equal to 1')
  if (list.length > MAX_FILTERS)
    input.violates(
      'logGroupTags',
      `${list.length} members`,
      `Member must have length less than or equal to ${MAX_FILTERS}`,
    )
  input.check()
  const filters = list.map((each, index) => {
    const filter = new Input(each, `logGroupTags.${index + 1}.member`)
    const key = filter.requiredText('key', TAG_KEY)
    const values = filter.texts('values', { min: 0, max: MAX_VALUES }, VALUE) ?? []
    filter.check()
    return { key, values }
  })
  return ({ tags }) =>
    filters.every(({ key, values }) => {
      const tag = tags.get(key)
      return tag !== undefined && (values.length === 0 || values.some((value) => matchesValue(tag, value)))
    })
}

/** `!` negates, `*` at the start or end matches any text. "Exact matching and negation are case-sensitive. Wildcard matching is case-insensitive." */
function matchesValue(tag: string, value: string): boolean {
  if (value.startsWith('!')) return !matchesValue(tag, value.slice(1))
  const open = value.startsWith('*')
  const close = value.endsWith('*')
  if (!open && !close) return tag === value
  const text = value.slice(open ? 1 : 0, close && value.length > 1 ? -1 : undefined).toLowerCase()
  const lower = tag.toLowerCase()
  if (open && close) return lower.includes(text)
  return open ? lower.endsWith(text) : lower.startsWith(text)
}
