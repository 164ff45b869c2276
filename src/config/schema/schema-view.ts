import * as z from 'zod'

// A view of a schema for everything but parsing: its keys, the kinds of values it takes, and its `.describe` and `.meta`.
// It looks through wrappers (`optional`, `prefault`, a transform) and the branches of a union, so that no other code depends
// on how zod nests them.

export type Schema = z.core.$ZodType
export type ValueKind = 'string' | 'number' | 'boolean' | 'null' | 'list' | 'map'

export interface SchemaView {
  /** The kinds of YAML value that can be written here. */
  readonly kinds: ReadonlySet<ValueKind>
  /** Keys of a map by name; empty if it has none or allows any. */
  readonly keys: ReadonlyMap<string, Schema>
  /** Whether `keys` come from several alternative maps. */
  readonly ambiguous: boolean
  /** Schema of keys that are not in `keys`; undefined if such keys are an error. */
  readonly otherKeys: Schema | undefined
  /** Schema of the items of a list. */
  readonly items: Schema | undefined
  /** Whether the key may be left out. */
  readonly optional: boolean
  /** Default of the key in its YAML form; undefined if it has none. */
  readonly fallback: unknown
  readonly meta: SchemaMeta
}

export interface SchemaMeta {
  readonly description?: string
  /** `fields.ts`: shown as `[REDACTED]`, never in a message. */
  readonly secret?: boolean
  /** `fields.ts`: names a component of this kind. */
  readonly reference?: 'extension'
  /** `fields.ts`: a key of the Go collector that is accepted without effect, or not supported yet. */
  readonly status?: 'accepted' | 'later'
  readonly reason?: string
  /** `aliases.ts`: path of the option that this key also names. */
  readonly aliasOf?: string
}

/** Kinds of schema that take one kind of value. Those not listed, such as `unknown` and `custom`, take anything. */
const KIND_OF_SCHEMA: Readonly<Record<string, ValueKind>> = {
  string: 'string',
  template_literal: 'string',
  number: 'number',
  boolean: 'boolean',
  null: 'null',
  array: 'list',
  object: 'map',
  record: 'map',
}
const ALL_KINDS: ReadonlySet<ValueKind> = new Set(Object.values(KIND_OF_SCHEMA))

/** Takes every value as it is. */
export const ANYTHING: Schema = z.unknown()

export function viewSchema(schema: Schema): SchemaView {
  const view = new View()
  view.add(schema)
  return view
}

/** Returns views of the schema and of the keys down to a value, as far as they are known. */
export function viewsAlong(schema: Schema, path: readonly (string | number)[]): SchemaView[] {
  const views = [viewSchema(schema)]
  for (const part of path) {
    const parent = views.at(-1)
    const next = typeof part === 'number' ? parent?.items : (parent?.keys.get(part) ?? parent?.otherKeys)
    if (next === undefined) break
    views.push(viewSchema(next))
  }
  return views
}

/** Returns whether a value, or anything inside it, can be a secret. */
export function holdsSecret(view: SchemaView, seen: ReadonlySet<Schema> = new Set()): boolean {
  if (view.meta.secret === true) return true
  const inner = [...view.keys.values(), view.items, view.otherKeys].filter((schema) => schema !== undefined)
  // A schema that takes anything contains itself.
  return inner.some((schema) => !seen.has(schema) && holdsSecret(viewSchema(schema), new Set([...seen, schema])))
}

class View implements SchemaView {
  readonly kinds = new Set<ValueKind>()
  readonly keys = new Map<string, Schema>()
  ambiguous = false
  otherKeys: Schema | undefined
  items: Schema | undefined
  optional = false
  fallback: unknown
  meta: SchemaMeta = {}

  add(schema: Schema): void {
    // The meta of an outer wrapper takes precedence.
    this.meta = { ...(z.globalRegistry.get(schema) as SchemaMeta | undefined), ...this.meta }
    const def = definition(schema)
    if ('innerType' in def) return this.#addWrapper(def)
    if (def.type === 'lazy') return this.add(def.getter())
    // With `preprocess`, the second half defines the YAML form.
    if (def.type === 'pipe') return this.add(definition(def.in).type === 'transform' ? def.out : def.in)
    if (def.type === 'union') return def.options.forEach((option) => this.add(option))
    if (def.type === 'intersection') return [def.left, def.right].forEach((half) => this.add(half))
    if (def.type === 'enum') return this.#addValues(Object.values(def.entries))
    if (def.type === 'literal') return this.#addValues(def.values)

    const kind = KIND_OF_SCHEMA[def.type]
    if (kind === 'map' && this.kinds.has('map')) this.ambiguous = true
    if (kind === undefined) this.#addAnything(schema)
    else this.kinds.add(kind)
    if (def.type === 'array') this.items ??= def.element
    if (def.type === 'record') this.otherKeys ??= def.valueType
    if (def.type === 'object') this.#addObject(def)
  }

  #addWrapper(def: Extract<Definition, { innerType: Schema }>): void {
    if (def.type === 'optional' || def.type === 'default' || def.type === 'prefault') this.optional = true
    if (def.type === 'nullable') this.kinds.add('null')
    // The default of a transformed schema is in the output form, not in the YAML form.
    if (def.type === 'prefault' || (def.type === 'default' && !transforms(def.innerType)))
      this.fallback ??= def.defaultValue
    this.add(def.innerType)
  }

  #addObject(def: Extract<Definition, { type: 'object' }>): void {
    for (const [key, value] of Object.entries(def.shape)) this.keys.set(key, value)
    if (def.catchall !== undefined && definition(def.catchall).type !== 'never') this.otherKeys ??= def.catchall
  }

  #addAnything(schema: Schema): void {
    for (const kind of ALL_KINDS) this.kinds.add(kind)
    this.otherKeys ??= schema
    this.items ??= schema
  }

  #addValues(values: readonly unknown[]): void {
    for (const value of values) this.kinds.add(kindOf(value))
  }
}

type Definition = z.core.$ZodTypes['_zod']['def']

/** Returns the definition of a schema. `_zod.def` is zod's API for programs that inspect schemas ("For library authors"). */
function definition(schema: Schema): Definition {
  // oxlint-disable-next-line no-underscore-dangle -- zod's name
  return (schema as z.core.$ZodTypes)._zod.def
}

function transforms(schema: Schema): boolean {
  const def = definition(schema)
  return def.type === 'pipe' || ('innerType' in def && transforms(def.innerType))
}

/** Returns the YAML kind of a plain value. */
export function kindOf(value: unknown): ValueKind {
  if (value === null || value === undefined) return 'null'
  if (Array.isArray(value)) return 'list'
  if (typeof value === 'number') return 'number'
  if (typeof value === 'boolean') return 'boolean'
  return typeof value === 'object' ? 'map' : 'string'
}
