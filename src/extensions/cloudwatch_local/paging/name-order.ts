import { invalidParameter } from '../answer/service-error.ts'
import type { Input } from '../request/input.ts'
import { NEXT_TOKEN } from '../request/names.ts'
import type { LogGroup, Store } from '../store/store.ts'

/** "ASCII-sorted": by code unit, not by locale. */
export function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0
}

/** Returns a page token with its operation and the place after which to continue. Opaque to clients. */
export function writeNameToken(operation: string, after: NamePlace): string {
  return Buffer.from(JSON.stringify({ operation, ...after })).toString('base64url')
}

export interface NamePlace {
  readonly name: string
  /** ms; for an order by time, then by name */
  readonly time?: number
}

/**
 * Reads `nextToken`. Calls `input.check()`.
 * @throws ServiceError InvalidParameterException for a token that this operation did not return
 */
export function readNameToken(input: Input, operation: string): NamePlace | undefined {
  const token = input.text('nextToken', NEXT_TOKEN)
  input.check()
  if (token === undefined) return undefined
  let parsed: unknown
  try {
    parsed = JSON.parse(Buffer.from(token, 'base64url').toString())
  } catch {
    parsed = undefined // not one of ours
  }
  if (typeof parsed !== 'object' || parsed === null) throw invalidToken()
  const { operation: origin, name, time } = parsed as { operation?: unknown; name?: unknown; time?: unknown }
  if (origin !== operation || typeof name !== 'string') throw invalidToken()
  return typeof time === 'number' ? { name, time } : { name }
}

/** Returns the name after which a listing continues; empty without a token. Calls `input.check()`. */
export function nameAfter(input: Input, operation: string): string {
  return readNameToken(input, operation)?.name ?? ''
}

/** Returns a page of the wanted groups, ordered by name, and the token of the next page if there is one. */
export function pageOfGroups(
  store: Store,
  limit: number,
  after: string,
  operation: string,
  wanted: (group: LogGroup) => boolean,
): { readonly shown: readonly LogGroup[]; readonly next: { readonly nextToken?: string } } {
  const found = [...store.groups.values()].filter((group) => group.name > after && wanted(group)).sort(byName)
  const shown = found.slice(0, limit)
  const last = shown.at(-1)
  const more = found.length > limit && last !== undefined
  return { shown, next: more ? { nextToken: writeNameToken(operation, { name: last.name }) } : {} }
}

function invalidToken() {
  return invalidParameter('The specified nextToken is invalid.')
}
