import * as z from 'zod'
import { line, size } from '../../../config/schema/fields.ts'
import { endpointUrl } from '../aws/endpoint-url.ts'
import { MAX_MESSAGE_BYTES } from '../limits.ts'

// Kinds of values that are written under more than one name.

/** The URL of an HTTP server; empty: none. */
export function endpoint() {
  return line().superRefine((text, context) => {
    const problem = text === '' ? undefined : endpointProblem(text)
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem })
  })
}

/** A maximum message size. */
export function eventBytes() {
  return size().pipe(z.number().min(256).max(MAX_MESSAGE_BYTES))
}

function endpointProblem(endpoint: string): string | undefined {
  const url = URL.parse(endpointUrl(endpoint))
  // The endpoint appears in the log, and calls are signed, so a password has no use.
  if (endpoint.includes('@'))
    return 'contains a user or password: write https://host or http://host:port, and the keys as credentials'
  if (url?.protocol === 'https:' || url?.protocol === 'http:') return undefined
  return `${JSON.stringify(endpoint)} is not the URL of an HTTP server: write https://host or http://host:port`
}
