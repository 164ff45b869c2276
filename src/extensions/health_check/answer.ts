export interface HealthAnswer {
  readonly status: 200 | 503
  readonly contentType: string
  readonly body: string
}

/** Go's zero time. */
const NEVER = '0001-01-01T00:00:00Z'

/**
 * Returns the collector's response, so that its probes and dashboards can read ours.
 * @param readySinceMs wall clock, ms; undefined while the pipelines do not run
 * @param bodies from `response_body`
 */
export function healthAnswer(
  readySinceMs: number | undefined,
  nowMs: number,
  bodies: { readonly healthy: string; readonly unhealthy: string } | undefined,
): HealthAnswer {
  const ready = readySinceMs !== undefined
  const status = ready ? 200 : 503
  if (bodies !== undefined)
    return { status, contentType: 'text/plain; charset=utf-8', body: ready ? bodies.healthy : bodies.unhealthy }
  const body = ready
    ? {
        status: 'Server available',
        upSince: new Date(readySinceMs).toISOString(),
        uptime: goDuration(Math.max(0, nowMs - readySinceMs)),
      }
    : { status: 'Server not available', upSince: NEVER, uptime: '' }
  return { status, contentType: 'application/json', body: JSON.stringify(body) }
}

/** Formats like Go's time.Duration: `0s`, `250ms`, `1.5s`, `1m0.25s`, `26h0m0s`. */
export function goDuration(ms: number): string {
  if (ms === 0) return '0s'
  if (ms < 1_000) return `${ms}ms`
  const hours = Math.floor(ms / 3_600_000)
  const minutes = Math.floor(ms / 60_000) % 60
  const seconds = `${(ms % 60_000) / 1_000}s`
  if (hours > 0) return `${hours}h${minutes}m${seconds}`
  return minutes > 0 ? `${minutes}m${seconds}` : seconds
}
