import type { Input, TextRule } from './input.ts'
import { invalidParameter, ServiceError } from '../answer/service-error.ts'

const MAX_TAGS = 50
export const TAG_KEY: TextRule = {
  min: 1,
  max: 128,
  pattern: /^([\p{L}\p{Z}\p{N}_.:/=+\-@]+)$/u,
  printed: '^([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+)$',
}
const VALUE: TextRule = {
  max: 256,
  pattern: /^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$/u,
  printed: '^([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)$',
}

/** Reads `tags`; broken limits are collected in `input`. */
export function readTags(input: Input): Map<string, string> | undefined {
  const tags = input.textMap('tags', { min: 1, max: MAX_TAGS, key: TAG_KEY, value: VALUE })
  for (const key of tags?.keys() ?? []) {
    if (key.toLowerCase().startsWith('aws:'))
      throw invalidParameter('aws: prefixed tag key names are not allowed for external use.')
  }
  return tags
}

export function readTagKeys(input: Input): string[] {
  if (input.raw('tagKeys') === undefined) input.missing('tagKeys')
  return input.texts('tagKeys', { min: 0, max: MAX_TAGS }, TAG_KEY) ?? []
}

/** Adds or replaces tags of a group: all or none. */
export function addTags(current: Map<string, string>, added: ReadonlyMap<string, string>): void {
  const merged = new Map([...current, ...added])
  if (merged.size > MAX_TAGS)
    throw new ServiceError('TooManyTagsException', `A log group can have at most ${MAX_TAGS} tags.`)
  for (const [key, value] of added) current.set(key, value)
}
