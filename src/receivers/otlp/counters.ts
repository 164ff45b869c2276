import { ANSWERS } from '../../component/answers.ts'
import type { RefusedCause, RetryCause } from '../../accounting/outcome.ts'
import type { Emit, MetricDefinition } from '../../telemetry/metrics.ts'

const CAUSES = Object.keys(ANSWERS) as (RetryCause | RefusedCause)[]

/** What came in by one transport. */
export class TransportCounters {
  /** Records: taken by the pipelines, not taken, and not taken because of a fault in here. */
  accepted = 0
  refused = 0
  failed = 0
  requestsAccepted = 0
  /** Of those that were accepted: JSON in which nothing, or a whole record, was not OTLP. */
  requestsNotUnderstood = 0
  readonly requestsRefused = Object.fromEntries(CAUSES.map((cause) => [cause, 0])) as Record<
    RetryCause | RefusedCause,
    number
  >
}

export const METRICS: readonly MetricDefinition[] = [
  {
    name: 'otelcol_receiver_accepted_log_records',
    type: 'counter',
    help: 'Log records that were taken into the pipelines.',
  },
  {
    name: 'otelcol_receiver_refused_log_records',
    type: 'counter',
    help: 'Log records that were not taken: rejected, or in a request that was refused after its records were counted.',
  },
  {
    name: 'otelcol_receiver_failed_log_records',
    type: 'counter',
    help: 'Log records that were not taken because the storage failed.',
  },
  {
    name: 'otlp_cloudwatch_receiver_requests',
    type: 'counter',
    help: 'Requests by outcome: accepted, or why they were refused; those that were refused unread too.',
  },
  {
    name: 'otlp_cloudwatch_receiver_requests_not_understood',
    type: 'counter',
    help: 'Accepted JSON requests without a log record, or with records, in which no field is one of OTLP.',
  },
  { name: 'otlp_cloudwatch_receiver_connections', type: 'gauge', help: 'Open connections.' },
]

export function emitCounters(
  emit: Emit,
  receiver: string,
  transport: 'grpc' | 'http',
  counters: TransportCounters,
  connections: number,
): void {
  const labels = { receiver, transport }
  emit('otelcol_receiver_accepted_log_records', labels, counters.accepted)
  emit('otelcol_receiver_refused_log_records', labels, counters.refused)
  emit('otelcol_receiver_failed_log_records', labels, counters.failed)
  emit('otlp_cloudwatch_receiver_requests', { ...labels, outcome: 'accepted' }, counters.requestsAccepted)
  if (counters.requestsNotUnderstood > 0)
    emit('otlp_cloudwatch_receiver_requests_not_understood', labels, counters.requestsNotUnderstood)
  for (const cause of CAUSES) {
    const requests = counters.requestsRefused[cause]
    if (requests > 0) emit('otlp_cloudwatch_receiver_requests', { ...labels, outcome: cause }, requests)
  }
  emit('otlp_cloudwatch_receiver_connections', labels, connections)
}
