import { type Schema, viewSchema } from '../../../config/schema/schema-view.ts'
import { configSchema } from '../config.ts'

// The library's options are the YAML's keys in camel case; there is one schema for both.

type CamelKey<Key> = Key extends `${infer Head}_${infer Tail}` ? `${Head}${Capitalize<CamelKey<Tail>>}` : Key

/** Maps whose keys are the user's own, not names of options. */
type OwnKeys = 'tags'

export type CamelCased<Options> = {
  [Key in keyof Options as CamelKey<Key>]: Key extends OwnKeys
    ? Options[Key]
    : NonNullable<Options[Key]> extends readonly (infer Item)[]
      ? Item extends object
        ? readonly CamelCased<Item>[]
        : Options[Key]
      : NonNullable<Options[Key]> extends string | number | boolean
        ? Options[Key]
        : CamelCased<Options[Key]>
}

/** `log_group_name` to `logGroupName`. */
export function optionName(key: string): string {
  return key.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

const KEY_OR_QUOTED = /"(?:[^"\\]|\\.)*"|[a-z]+(?:_[a-z]+)+/g

/** A message about the YAML, with the library's option names. Quoted words are the user's and stay. */
export function withOptionNames(message: string): string {
  return message.replaceAll(KEY_OR_QUOTED, (word) => (yamlKeys().has(word) ? optionName(word) : word))
}

let keys: ReadonlySet<string> | undefined

function yamlKeys(): ReadonlySet<string> {
  keys ??= new Set(keysWithin(configSchema))
  return keys
}

function* keysWithin(schema: Schema): Generator<string> {
  const { keys, items } = viewSchema(schema)
  if (items !== undefined) yield* keysWithin(items)
  for (const [key, inner] of keys) {
    yield key
    yield* keysWithin(inner)
  }
}
