import { invalidParameter } from '../api/service-error.ts'

/** "ASCII-sorted": by code unit, not by locale. */
export function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0
}

/** A page token that says behind which name to go on; opaque to clients. */
export function writeNameToken(name: string): string {
  return Buffer.from(JSON.stringify({ after: name })).toString('base64url')
}

/** @throws ServiceError InvalidParameterException for what `writeNameToken` did not write */
export function readNameToken(token: string): string {
  let parsed: unknown
  try {
    parsed = JSON.parse(Buffer.from(token, 'base64url').toString())
  } catch {
    parsed = undefined
  }
  if (typeof parsed === 'object' && parsed !== null && 'after' in parsed && typeof parsed.after === 'string')
    return parsed.after
  throw invalidParameter('The specified nextToken is invalid.')
}
