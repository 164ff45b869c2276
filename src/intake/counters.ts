import { ANSWERS } from '../component/answers.ts'
import type { RefusedCause, RetryCause } from '../accounting/outcome.ts'
import { counter, gauge, type Emit, type MetricDefinition } from '../telemetry/metrics.ts'

/** Reasons of the transport itself to refuse a request, in addition to an outcome's causes. A closed list, for labels. */
export const REQUEST_REASONS = [
  'not_found', // a path, or a gRPC method, that does not exist here
  'method_not_allowed', // other than POST
  'header_too_large', // over max_header_bytes, or with too many fields
  'malformed_http', // bytes that are not HTTP/1.1, or break its rules
  'timeout', // did not arrive in time
  'wrong_protocol', // OTLP/HTTP on the gRPC port
  'too_many_requests', // streams or pipelined requests beyond what the memory allows
] as const
export type RequestReason = (typeof REQUEST_REASONS)[number]

/** Reasons why a connection is closed before its first accepted request. A closed list too. */
export const CONNECTION_REASONS = [
  'wrong_protocol', // gRPC on the HTTP port, HTTP on the gRPC port, TLS on a port without, and the reverse
  'tls_failed', // no or a wrong client certificate, no common version or cipher suite
  'too_many_connections', // over max_connections, or what memory and open files allow
  'silent', // not a byte for 10 s
] as const
export type ConnectionReason = (typeof CONNECTION_REASONS)[number]

type Reason = RetryCause | RefusedCause | RequestReason
const REASONS = [...(Object.keys(ANSWERS) as (RetryCause | RefusedCause)[]), ...REQUEST_REASONS]

function zeros<Key extends string>(keys: readonly Key[]): Record<Key, number> {
  return Object.fromEntries(keys.map((key) => [key, 0])) as Record<Key, number>
}

/** Counts of what one transport received. */
export class TransportCounters {
  /** Records: accepted by the pipelines, refused, and refused because of a fault on this side. */
  accepted = 0
  refused = 0
  failed = 0
  requestsAccepted = 0
  /** Accepted JSON requests in which no field, or no field of a record, was one of OTLP. */
  requestsNotUnderstood = 0
  readonly requestsRefused: Record<Reason, number> = zeros(REASONS)
  /** Bytes of requests refused before a pipeline saw them: announced, or received so far. */
  readonly bytesRefused: Record<Reason, number> = zeros(REASONS)
  readonly connectionsRefused: Record<ConnectionReason, number> = zeros(CONNECTION_REASONS)
}

const ACCEPTED = counter('otelcol_receiver_accepted_log_records', 'Log records accepted into the pipelines.')
const REFUSED = counter(
  'otelcol_receiver_refused_log_records',
  'Log records rejected, or in a request that was refused after its records were counted.',
)
const FAILED = counter('otelcol_receiver_failed_log_records', 'Log records refused because the storage failed.')
const REQUESTS = counter(
  'otlp_cloudwatch_receiver_requests',
  'Requests by outcome: accepted, or the reason for the refusal. Includes requests refused unread.',
)
const NOT_UNDERSTOOD = counter(
  'otlp_cloudwatch_receiver_requests_not_understood',
  'Accepted JSON requests without a log record, or with records, in which no field is one of OTLP.',
)
const REFUSED_BYTES = counter(
  'otlp_cloudwatch_receiver_refused_bytes',
  'Bytes (announced or received) of requests refused before their records were counted, by reason.',
)
const REFUSED_CONNECTIONS = counter(
  'otlp_cloudwatch_receiver_refused_connections',
  'Connections closed before a request was accepted on them, by reason.',
)
const CONNECTIONS = gauge('otlp_cloudwatch_receiver_connections', 'Open connections.')

export const METRICS: readonly MetricDefinition[] = [
  ACCEPTED,
  REFUSED,
  FAILED,
  REQUESTS,
  NOT_UNDERSTOOD,
  REFUSED_BYTES,
  REFUSED_CONNECTIONS,
  CONNECTIONS,
]

export function emitCounters(
  emit: Emit,
  receiver: string,
  transport: 'grpc' | 'http',
  counters: TransportCounters,
  connections: number,
): void {
  const labels = { receiver, transport }
  emit(ACCEPTED, labels, counters.accepted)
  emit(REFUSED, labels, counters.refused)
  emit(FAILED, labels, counters.failed)
  emit(REQUESTS, { ...labels, outcome: 'accepted' }, counters.requestsAccepted)
  if (counters.requestsNotUnderstood > 0) emit(NOT_UNDERSTOOD, labels, counters.requestsNotUnderstood)
  for (const reason of REASONS) {
    const requests = counters.requestsRefused[reason]
    if (requests > 0) emit(REQUESTS, { ...labels, outcome: reason }, requests)
    const bytes = counters.bytesRefused[reason]
    if (bytes > 0) emit(REFUSED_BYTES, { ...labels, reason }, bytes)
  }
  for (const reason of CONNECTION_REASONS)
    emit(REFUSED_CONNECTIONS, { ...labels, reason }, counters.connectionsRefused[reason])
  emit(CONNECTIONS, labels, connections)
}
