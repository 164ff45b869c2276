import { serialization, ServiceError } from '../answer/service-error.ts'

/** Maximum violations in a message: a put of 10,000 empty messages breaks 10,000 constraints. */
const MAX_SHOWN = 10

/** The constraints of a string in the service's model. */
export interface TextRule {
  readonly min?: number
  readonly max?: number
  readonly pattern?: RegExp
  /** The pattern as the service prints it, if it differs from the source of `pattern`. */
  readonly printed?: string
  readonly oneOf?: readonly string[]
}

export interface NumberRule {
  readonly min?: number
  readonly max?: number
  readonly oneOf?: readonly number[]
}

/**
 * The members of one request, read by type. A wrong type fails at once, as on decoding. Broken constraints are collected, and
 * `check` fails with all of them in one message, as the service does.
 */
export class Input {
  readonly #members: Readonly<Record<string, unknown>>
  readonly #prefix: string
  readonly #violations: string[] = []

  /** @param path path of a structure within the request; empty for the request itself */
  constructor(body: unknown, path = '') {
    if (typeof body !== 'object' || body === null || Array.isArray(body))
      throw wrongType(path === '' ? 'the request' : path, body, 'a structure')
    this.#prefix = path === '' ? '' : `${path}.`
    this.#members = body as Record<string, unknown>
  }

  /** Returns the member as sent; null counts as absent. */
  raw(key: string): unknown {
    return this.#members[key] ?? undefined
  }

  text(key: string, rule: TextRule = {}): string | undefined {
    const value = this.raw(key)
    if (value === undefined) return undefined
    if (typeof value !== 'string') throw wrongType(key, value, 'a string')
    this.#text(key, value, rule)
    return value
  }

  /** Reads a required string. Returns '' if it is absent: `check` throws before that is used. */
  requiredText(key: string, rule: TextRule = {}): string {
    const value = this.text(key, rule)
    if (value === undefined) this.missing(key)
    return value ?? ''
  }

  whole(key: string, rule: NumberRule = {}): number | undefined {
    const value = this.raw(key)
    if (value === undefined) return undefined
    if (typeof value !== 'number' || !Number.isInteger(value)) throw wrongType(key, value, 'a whole number')
    if (rule.min !== undefined && value < rule.min)
      this.violates(key, value, `Member must have value greater than or equal to ${rule.min}`)
    if (rule.max !== undefined && value > rule.max)
      this.violates(key, value, `Member must have value less than or equal to ${rule.max}`)
    if (rule.oneOf !== undefined && !rule.oneOf.includes(value))
      this.violates(key, value, `Member must satisfy enum value set: [${rule.oneOf.join(', ')}]`)
    return value
  }

  requiredWhole(key: string, rule: NumberRule = {}): number {
    const value = this.whole(key, rule)
    if (value === undefined) this.missing(key)
    return value ?? 0
  }

  flag(key: string): boolean | undefined {
    const value = this.raw(key)
    if (value === undefined || typeof value === 'boolean') return value
    throw wrongType(key, value, 'a boolean')
  }

  texts(key: string, length: { readonly min: number; readonly max: number }, each: TextRule): string[] | undefined {
    const value = this.raw(key)
    if (value === undefined) return undefined
    if (!Array.isArray(value)) throw wrongType(key, value, 'a list')
    this.#length(key, value.length, `${value.length} members`, length)
    return value.map((member: unknown, index) => {
      const path = `${key}.${index + 1}.member`
      if (typeof member !== 'string') throw wrongType(path, member, 'a string')
      this.#text(path, member, each)
      return member
    })
  }

  textMap(
    key: string,
    rule: { readonly min: number; readonly max: number; readonly key: TextRule; readonly value: TextRule },
  ): Map<string, string> | undefined {
    const value = this.raw(key)
    if (value === undefined) return undefined
    if (typeof value !== 'object' || Array.isArray(value)) throw wrongType(key, value, 'a map')
    const entries = new Map<string, string>()
    for (const [name, member] of Object.entries(value as object)) {
      if (typeof member !== 'string') throw wrongType(`${key}.${name}`, member, 'a string')
      this.#text(`${key}.key`, name, rule.key)
      this.#text(`${key}.${name}.member`, member, rule.value)
      entries.set(name, member)
    }
    this.#length(key, entries.size, `${entries.size} entries`, rule)
    return entries
  }

  violates(path: string, value: unknown, constraint: string): void {
    this.#violations.push(
      `Value '${String(value)}' at '${this.#prefix}${path}' failed to satisfy constraint: ${constraint}`,
    )
  }

  missing(key: string): void {
    this.#violations.push(`Value null at '${this.#prefix}${key}' failed to satisfy constraint: Member must not be null`)
  }

  /** @throws ServiceError InvalidParameterException naming every broken constraint. */
  check(): void {
    const count = this.#violations.length
    if (count === 0) return
    const noun = count === 1 ? 'error' : 'errors'
    throw new ServiceError(
      'InvalidParameterException',
      `${count} validation ${noun} detected: ${this.#violations.slice(0, MAX_SHOWN).join('; ')}`,
    )
  }

  #text(path: string, value: string, rule: TextRule): void {
    this.#length(path, value.length, value, rule)
    if (rule.pattern !== undefined && !rule.pattern.test(value))
      this.violates(
        path,
        value,
        `Member must satisfy regular expression pattern: ${rule.printed ?? rule.pattern.source}`,
      )
    if (rule.oneOf !== undefined && !rule.oneOf.includes(value))
      this.violates(path, value, `Member must satisfy enum value set: [${rule.oneOf.join(', ')}]`)
  }

  #length(path: string, length: number, shown: string, rule: { readonly min?: number; readonly max?: number }): void {
    if (rule.min !== undefined && length < rule.min)
      this.violates(path, shown, `Member must have length greater than or equal to ${rule.min}`)
    if (rule.max !== undefined && length > rule.max)
      this.violates(path, shown, `Member must have length less than or equal to ${rule.max}`)
  }
}

export function wrongType(path: string, value: unknown, expected: string): ServiceError {
  const found = value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value
  return serialization(`'${path}' must be ${expected}, not ${found}`)
}
