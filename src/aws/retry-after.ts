type Headers = Readonly<Record<string, unknown>>

/** Maximum wait that an answer can request, ms. A proxy's mistake must not stop a lane for a day. */
const MAX_RETRY_AFTER_MS = 60_000

/**
 * The wait that an answer requests, ms: `x-amz-retry-after`, in ms, or `Retry-After` (RFC 9110, 10.2.3), seconds or a date.
 * 0 if there is none, or if it cannot be parsed.
 * @param headers by lower-case name
 */
export function retryAfterMs(headers: Headers | undefined): number {
  if (headers === undefined) return 0
  const wait = numberOf(headers['x-amz-retry-after']) ?? standardMs(headers)
  return wait !== undefined && wait > 0 ? Math.min(wait, MAX_RETRY_AFTER_MS) : 0
}

function standardMs(headers: Headers): number | undefined {
  const header = headers['retry-after']
  const seconds = numberOf(header)
  if (seconds !== undefined) return seconds * 1_000
  if (typeof header !== 'string' || !HTTP_DATE.test(header)) return undefined
  // Both dates come from the server's clock, which may differ from this machine's.
  return Date.parse(header) - (dateOf(headers) ?? Date.now())
}

/** The beginning of the three forms of RFC 9110; `Date.parse` alone reads `soon 1` as a year. */
const HTTP_DATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? /

/** The Date of an answer, ms; undefined if it has none. */
export function dateOf(headers: Headers | undefined): number | undefined {
  const header = headers?.['date']
  const ms = typeof header === 'string' ? Date.parse(header) : Number.NaN
  return Number.isNaN(ms) ? undefined : ms
}

function numberOf(header: unknown): number | undefined {
  if (typeof header !== 'string' || !/^\s*\d+(?:\.\d+)?\s*$/.test(header)) return undefined
  return Number(header)
}
