// Other names of options: an alias is a key of the schema with a rule of its own, and the path of the option that it sets.
// Checking, JSON Schema, option tables and variables see a key like any other; the code sees only the option.

import type * as z from 'zod'
import { type Schema, viewSchema } from './schema-view.ts'

/**
 * Makes a key another name of the option at `target`, a path from the root of the component such as
 * `retry_on_failure.initial_interval`. `schema` returns the value in the form that the option has after parsing.
 */
export function aliasOf<T extends z.ZodType>(target: string, schema: T) {
  return schema.optional().meta({ aliasOf: target })
}

/** Moves each written alias to its option after parsing. Every schema with aliases ends with this. */
export function withAliases<T extends z.ZodType<object>>(schema: T) {
  return schema.transform((output: z.output<T>) => moveAliases(schema, output))
}

/** Paths from the root of the component. */
export interface Alias {
  readonly alias: readonly string[]
  readonly target: readonly string[]
}

/** Returns the aliases that are written beside their option. One of the two would be ignored, so this is an error. */
export function aliasConflicts(schema: Schema, input: unknown): Alias[] {
  return writtenAliases(schema, input).filter(({ target }) => isWritten(input, target))
}

export function writtenAliases(schema: Schema, input: unknown): Alias[] {
  return aliasesIn(schema, []).filter(({ alias }) => isWritten(input, alias))
}

/** Returns the parsed value with each written alias moved to its option. */
export function moveAliases<Output extends object>(schema: Schema, output: Output): Output {
  let moved = output
  for (const { alias, target } of aliasesIn(schema, [])) {
    const value = valueAt(output, alias)
    if (value === undefined) continue
    moved = withValue(moved, target, value) as Output
    moved = withValue(moved, alias, undefined) as Output
  }
  return moved
}

function aliasesIn(schema: Schema, path: readonly string[]): Alias[] {
  return [...viewSchema(schema).keys].flatMap(([key, inner]) => {
    const { meta, keys } = viewSchema(inner)
    if (meta.aliasOf !== undefined) return [{ alias: [...path, key], target: meta.aliasOf.split('.') }]
    return keys.size === 0 ? [] : aliasesIn(inner, [...path, key])
  })
}

function isWritten(input: unknown, path: readonly string[]): boolean {
  return (valueAt(input, path) ?? undefined) !== undefined
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((inner, key) => (isMap(inner) ? inner[key] : undefined), value)
}

function withValue(map: unknown, [key = '', ...rest]: readonly string[], value: unknown): unknown {
  const known = isMap(map) ? map : {}
  return { ...known, [key]: rest.length === 0 ? value : withValue(known[key], rest, value) }
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
