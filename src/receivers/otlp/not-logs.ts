import type { Refused } from '../../accounting/outcome.ts'

/** Signals of OTLP that are not logs. */
export type OtherSignal = 'traces' | 'metrics' | 'profiles'

/**
 * The response to senders of traces and metrics. Most set OTEL_EXPORTER_OTLP_ENDPOINT, which points all three signals here;
 * the message names the variable to set.
 */
export function notLogs(signal: OtherSignal): Refused {
  const advice = 'set OTEL_EXPORTER_OTLP_LOGS_ENDPOINT instead of OTEL_EXPORTER_OTLP_ENDPOINT'
  return { kind: 'refused', cause: 'not_logs', message: `this server takes logs, not ${signal}: ${advice}` }
}
