// The library's options are the YAML's keys in camel case; there is one schema for both.

type CamelKey<Key> = Key extends `${infer Head}_${infer Tail}` ? `${Head}${Capitalize<CamelKey<Tail>>}` : Key

/** Maps whose keys are the user's own, not names of options. */
type OwnKeys = 'tags'

export type CamelCased<Options> = {
  [Key in keyof Options as CamelKey<Key>]: Key extends OwnKeys
    ? Options[Key]
    : NonNullable<Options[Key]> extends readonly unknown[] | string | number | boolean
      ? Options[Key]
      : CamelCased<Options[Key]>
}

const OWN_KEYS: ReadonlySet<string> = new Set<OwnKeys>(['tags'])

/** `{ retryOnFailure: { maxInterval: '5s' } }` to `{ retry_on_failure: { max_interval: '5s' } }`. */
export function snakeCased(options: object): Record<string, unknown> {
  const result: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(options)) {
    const nested = typeof value === 'object' && value !== null && !Array.isArray(value) && !OWN_KEYS.has(key)
    result[key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)] = nested ? snakeCased(value as object) : value
  }
  return result
}
