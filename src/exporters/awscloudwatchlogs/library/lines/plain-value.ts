// An application's values as plain copies with bounds, so that no value of a log call can throw, loop or grow without limit:
// circular references, getters and proxies that throw, BigInt, symbols, functions, deep and huge objects.

import { types } from 'node:util'

/** Values that have an AnyValue and, except for bytes and bigint, a JSON form. */
export type Plain = null | string | number | boolean | bigint | Uint8Array | readonly Plain[] | PlainMap
export interface PlainMap {
  readonly [key: string]: Plain
}

/** Nesting; OTLP values are read to a depth of 64, and deeper ones are no help to a reader. */
const MAX_DEPTH = 16
/** Values of one record. A shared object counts each time it is reached, which ends exponential graphs. */
const MAX_VALUES = 10_000
/** Characters of one record: CloudWatch's limit for an event is 1,048,550 bytes, and the exporter cuts to that. */
const MAX_TEXT = 1_048_576
/** Causes and parts of an error. */
const MAX_ERRORS = 10

const CUT = '[cut]'

/** Copies values of one record within the record's bounds. */
export class PlainCopier {
  #valuesLeft = MAX_VALUES
  #textLeft = MAX_TEXT
  #errorsLeft = MAX_ERRORS
  /** Objects from the record down to the current value. */
  readonly #ancestors: object[] = []

  /** @returns Returns undefined for a value that has no log form: undefined itself */
  copy(value: unknown): Plain | undefined {
    if (--this.#valuesLeft < 0) return CUT
    switch (typeof value) {
      case 'string':
        return this.text(value)
      case 'number':
      case 'boolean':
      case 'bigint':
        return value
      case 'undefined':
        return undefined
      case 'symbol':
        return this.text(String(value))
      case 'function':
        return '[function]'
      case 'object':
        return value === null ? null : this.#guarded(value)
    }
  }

  /** Copies the members of a map; `keep` selects them by key. */
  members(source: object, keep?: (key: string) => boolean): PlainMap {
    const copy = Object.create(null) as Record<string, Plain>
    let keys: readonly string[]
    try {
      keys = Object.keys(source)
    } catch (error) {
      return { error: this.text(thrown(error)) }
    }
    this.#ancestors.push(source)
    // `stack` and `cause` of an error are not enumerable.
    if (isError(source)) keys = [...keys, 'stack', 'cause']
    for (const key of keys) {
      if (keep !== undefined && !keep(key)) continue
      if (this.#valuesLeft <= 0 || this.#textLeft <= 0) {
        copy['log.truncated'] = true
        break
      }
      const member = this.#member(source, key)
      if (member !== undefined) copy[this.text(key)] = member
    }
    this.#ancestors.pop()
    return copy
  }

  text(text: string): string {
    const kept = text.length <= this.#textLeft ? text : `${text.slice(0, Math.max(0, this.#textLeft))}${CUT}`
    this.#textLeft -= kept.length
    return kept
  }

  #member(source: object, key: string): Plain | undefined {
    let value: unknown
    try {
      value = (source as Readonly<Record<string, unknown>>)[key]
    } catch (error) {
      return this.text(thrown(error))
    }
    return this.copy(value)
  }

  #guarded(value: object): Plain | undefined {
    if (this.#ancestors.includes(value)) return '[circular]'
    if (this.#ancestors.length >= MAX_DEPTH) return '[nested too deep]'
    const depth = this.#ancestors.length
    try {
      return this.#object(value)
    } catch (error) {
      this.#ancestors.length = depth
      return this.text(thrown(error))
    }
  }

  #object(value: object): Plain | undefined {
    if (isError(value)) return this.#error(value)
    if (value instanceof Uint8Array) return this.#bytes(value)
    if (Array.isArray(value)) return this.#list(value, value)
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString()
    if (value instanceof Map) return this.#map(value)
    if (value instanceof Set) return this.#list(value, value)
    if (value instanceof RegExp || value instanceof URL) return this.text(String(value))
    if (ArrayBuffer.isView(value)) return this.text(`[${value.constructor.name}]`)
    if (value instanceof Promise || value instanceof WeakMap || value instanceof WeakSet) return '[object]'
    const { toJSON } = value as { readonly toJSON?: unknown }
    if (typeof toJSON !== 'function') return this.members(value)
    this.#ancestors.push(value)
    const copy = this.copy(toJSON.call(value))
    this.#ancestors.pop()
    return copy
  }

  #error(error: Error): Plain {
    if (--this.#errorsLeft < 0) return CUT
    const { name, message, stack } = error
    this.#ancestors.push(error)
    const copy = Object.create(null) as Record<string, Plain>
    copy['type'] = this.copy(name) ?? 'Error'
    copy['message'] = this.copy(message) ?? ''
    if (stack !== undefined) copy['stack'] = this.copy(stack) ?? ''
    if (error.cause !== undefined) copy['cause'] = this.copy(error.cause) ?? null
    if (error instanceof AggregateError) copy['errors'] = this.copy(error.errors) ?? null
    this.#ancestors.pop()
    const own = this.members(error, (key) => !(key in copy) && key !== 'cause' && key !== 'stack')
    return Object.assign(copy, own)
  }

  #list(owner: object, values: Iterable<unknown>): Plain {
    this.#ancestors.push(owner)
    const copy: Plain[] = []
    for (const each of values) {
      if (this.#valuesLeft <= 0 || this.#textLeft <= 0) {
        copy.push(CUT)
        break
      }
      copy.push(this.copy(each) ?? null)
    }
    this.#ancestors.pop()
    return copy
  }

  #map(map: ReadonlyMap<unknown, unknown>): Plain {
    this.#ancestors.push(map)
    const copy = Object.create(null) as Record<string, Plain>
    for (const [key, each] of map) {
      if (this.#valuesLeft <= 0 || this.#textLeft <= 0) {
        copy['log.truncated'] = true
        break
      }
      const member = this.copy(each)
      if (member !== undefined) copy[this.text(keyText(key))] = member
    }
    this.#ancestors.pop()
    return copy
  }

  #bytes(bytes: Uint8Array): Plain {
    // Base64 in the event: four characters for three bytes.
    const kept = bytes.subarray(0, Math.max(0, Math.floor((this.#textLeft * 3) / 4)))
    this.#textLeft -= Math.ceil((kept.length * 4) / 3)
    return Uint8Array.from(kept)
  }
}

/** Also of errors of other realms, such as those of `vm` and of tests. */
function isError(value: object): value is Error {
  return value instanceof Error || types.isNativeError(value)
}

function keyText(key: unknown): string {
  if (typeof key === 'string') return key
  return typeof key === 'number' || typeof key === 'symbol' ? String(key) : `[${typeof key}]`
}

function thrown(error: unknown): string {
  try {
    return `[threw ${error instanceof Error ? error.message : String(error)}]`
  } catch {
    // The thrown value throws as well when it is read.
    return '[threw]'
  }
}

export function selectMembers(map: PlainMap, isSelected: (key: string) => boolean): PlainMap {
  const selected = Object.create(null) as Record<string, Plain>
  for (const key of Object.keys(map)) if (isSelected(key)) selected[key] = map[key] ?? null
  return selected
}

/** JSON of a copy, for a line of text. */
export function plainJson(value: Plain): string {
  return JSON.stringify(value, (_, each: unknown) => {
    if (typeof each === 'bigint') return String(each)
    return each instanceof Uint8Array ? Buffer.from(each).toString('base64') : each
  })
}
