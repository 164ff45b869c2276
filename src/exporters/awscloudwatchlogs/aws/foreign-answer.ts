// Answers that do not come from CloudWatch but from a proxy, a gateway, a login page or another server. And clock skew.

import { dateOf } from '../../../aws/retry-after.ts'

/** Signatures are valid for five minutes (AWS Signature Version 4). */
const MAX_SKEW_MS = 300_000

interface Answered {
  readonly signingSkewMs?: unknown
  readonly $metadata?: { readonly httpStatusCode?: unknown; readonly requestId?: unknown }
  readonly $response?: { readonly headers?: Readonly<Record<string, unknown>>; readonly body?: unknown }
}

/** Whether the time of a call was off by more than AWS accepts. Unknown, so false, if the answer has no Date. */
export function signedWithWrongTime(error: unknown): boolean {
  const { signingSkewMs, $response } = (error ?? {}) as Answered
  if (typeof signingSkewMs === 'number') return signingSkewMs > MAX_SKEW_MS
  const date = dateOf($response?.headers)
  return date !== undefined && Math.abs(date - Date.now()) > MAX_SKEW_MS
}

/**
 * Describes in one line an answer that cannot be CloudWatch's: a redirect, or a page without an AWS request id. Undefined
 * for any other.
 */
export function describeForeignAnswer(error: unknown): string | undefined {
  const { $metadata, $response } = (error ?? {}) as Answered
  const status = $metadata?.httpStatusCode
  const headers = $response?.headers
  if (typeof status !== 'number' || headers === undefined) return undefined
  const isRedirect = status >= 300 && status < 400
  const type = text(headers['content-type']).split(';', 1)[0]?.trim().toLowerCase() ?? ''
  const isAws = $metadata?.requestId !== undefined || /json/.test(type)
  if (isAws && !isRedirect) return undefined
  const location = text(headers['location'])
  const server = text(headers['server'] ?? headers['via'])
  return [
    `the endpoint answered ${status}`,
    isRedirect && location !== '' ? ` to ${withoutSecrets(location)}` : '',
    type === '' ? '' : ` with ${type}`,
    server === '' ? '' : ` (server: ${server.slice(0, 100)})`,
    `: ${adviceFor(status)}`,
  ].join('')
}

function adviceFor(status: number): string {
  if (status === 407) return 'a proxy requires a user and password: write them in proxy_address'
  if (status < 400 && status >= 300) return 'CloudWatch never redirects: write the URL of CloudWatch itself as endpoint'
  if (status === 413) return 'a gateway does not accept bodies of this size: let it accept 1 MiB'
  return 'this is not CloudWatch Logs: check endpoint, proxy_address and the network between'
}

/** The URL without user, password and query, truncated. */
function withoutSecrets(location: string): string {
  if (!URL.canParse(location)) return location.split('?', 1)[0]?.slice(0, 200) ?? ''
  const { origin, pathname } = new URL(location)
  return `${origin}${pathname}`.slice(0, 200)
}

function text(header: unknown): string {
  return typeof header === 'string' ? header : ''
}
