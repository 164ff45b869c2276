import { Document, isScalar, visit } from 'yaml'
import { SECTIONS } from '../check/check-components.ts'
import { REDACTED } from '../check/explain-issue.ts'
import type { WrittenConfig } from '../load.ts'
import { escapeDollars } from '../sources/reference.ts'
import { writtenAliases } from '../schema/aliases.ts'
import { ANYTHING, kindOf, type Schema, viewSchema } from '../schema/schema-view.ts'
import { serviceSchema } from '../schema/service-schema.ts'

export type Secrets = 'redacted' | 'unredacted'

export type Format = 'yaml' | 'json'

type Plain = Readonly<Record<string, unknown>>

/**
 * Returns the whole effective config in the form of the YAML: sources merged, references expanded, defaults filled in. Loading
 * it again (unredacted) gives the same config: a `$` is written `$$`.
 */
export function printableConfig({ sections, service, pipelines }: WrittenConfig, secrets: Secrets): Plain {
  const config: Record<string, unknown> = {}
  for (const section of SECTIONS) {
    const { components } = sections[section]
    if (components.size > 0)
      config[section] = Object.fromEntries(
        [...components].map(([id, { schema, input }]) => [id, printableComponent(schema, input, secrets)]),
      )
  }
  const { extensions, ...rest } = printable(serviceSchema, service.input, secrets) as Plain
  config['service'] = {
    extensions,
    pipelines: Object.fromEntries([...pipelines].map(([name, { output }]) => [name, output])),
    ...rest,
  }
  return config
}

/** Formats a printable config, with a final newline. */
export function formatConfig(config: Plain, format: Format): string {
  if (format === 'json') return `${JSON.stringify(config, null, 2)}\n`
  const document = new Document(config, { aliasDuplicateObjects: false })
  visit(document, {
    // Unquoted, it would be YAML's merge key.
    Pair: (_, { key }) => {
      if (isScalar(key) && key.value === '<<') key.type = 'QUOTE_DOUBLE'
    },
  })
  return document.toString({ lineWidth: 0 })
}

/** Leaves out the default of an option that is written under another name: both together would be an error. */
function printableComponent(schema: Schema, input: unknown, secrets: Secrets): unknown {
  return writtenAliases(schema, input).reduce(
    (printed, { target }) => withoutPath(printed, target),
    printable(schema, input, secrets),
  )
}

function withoutPath(map: unknown, [key = '', ...rest]: readonly string[]): unknown {
  if (kindOf(map) !== 'map' || !Object.hasOwn(map as Plain, key)) return map
  const { [key]: inner, ...others } = map as Plain
  return rest.length === 0 ? others : { ...others, [key]: withoutPath(inner, rest) }
}

function printable(schema: Schema, value: unknown, secrets: Secrets): unknown {
  const { meta, items = ANYTHING } = viewSchema(schema)
  if (meta.secret === true && secrets === 'redacted' && value !== '') return REDACTED
  if (typeof value === 'string') return escapeDollars(value)
  if (Array.isArray(value)) return value.map((item) => printable(items, item, secrets))
  return kindOf(value) === 'map' ? printableMap(schema, value as Plain, secrets) : value
}

function printableMap(schema: Schema, value: Plain, secrets: Secrets): Plain {
  const { keys, otherKeys = ANYTHING, ambiguous } = viewSchema(schema)
  const pairs = Object.entries(value).map(([key, inner]): [string, unknown] => [
    key,
    printable(keys.get(key) ?? otherKeys, inner, secrets),
  ])
  for (const [key, keySchema] of ambiguous ? [] : keys) {
    const { fallback, meta } = viewSchema(keySchema)
    // A written key without effect gets a note, so it is not printed for its default.
    const shown = fallback !== undefined && meta.status === undefined && !Object.hasOwn(value, key)
    if (shown) pairs.push([key, printable(keySchema, fallback, secrets)])
  }
  return Object.fromEntries(pairs)
}
