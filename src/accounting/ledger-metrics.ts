import type { Ledger } from './ledger.ts'
import { counter, gauge, type Emit, type MetricDefinition, type MetricsRegistry } from '../telemetry/metrics.ts'

/** Size and capacity of an exporter's queue, in the unit of its sizer (requests, items or bytes). */
export interface QueueFill {
  size(): number
  capacity(): number
}

// The collector's names where it has them, so that its dashboards work.
const SENT = counter('otelcol_exporter_sent_log_records', 'Log records delivered to the destination.')
const SEND_FAILED = counter(
  'otelcol_exporter_send_failed_log_records',
  'Log records that were queued and not delivered.',
)
const ENQUEUE_FAILED = counter(
  'otelcol_exporter_enqueue_failed_log_records',
  'Log records refused because there was no room for them.',
)
const QUEUE_SIZE = gauge(
  'otelcol_exporter_queue_size',
  "How much the queue holds, in the unit of the exporter's sizer.",
)
const QUEUE_CAPACITY = gauge(
  'otelcol_exporter_queue_capacity',
  "How much the queue can hold, in the unit of the exporter's sizer.",
)
const RECEIVED = counter('otlp_cloudwatch_records_received', 'Log records received by the exporter.')
const RECORDS = gauge(
  'otlp_cloudwatch_records',
  'Log records received, by current state; the sum over all states is the number received.',
)
const DIFFERENCE = gauge(
  'otlp_cloudwatch_records_unaccounted',
  'Log records received and in no state; 0 unless there is a bug.',
)
const EVENTS = counter('otlp_cloudwatch_events_written', 'Events written to the destination, including repeated ones.')
const DUPLICATES = counter(
  'otlp_cloudwatch_possible_duplicates',
  'Log records sent again after a call whose response was lost.',
)
const RETRIES = counter('otlp_cloudwatch_put_retries', 'Calls to the destination that were retried.')

const DEFINITIONS: readonly MetricDefinition[] = [
  SENT,
  SEND_FAILED,
  ENQUEUE_FAILED,
  RECEIVED,
  RECORDS,
  DIFFERENCE,
  EVENTS,
  DUPLICATES,
  RETRIES,
]

const QUEUE_DEFINITIONS: readonly MetricDefinition[] = [QUEUE_SIZE, QUEUE_CAPACITY]

/**
 * Registers a ledger for `/metrics`.
 * @param exporter id as written in the config
 * @returns a function that unregisters the metrics
 */
export function registerLedger(
  metrics: MetricsRegistry,
  exporter: string,
  ledger: Ledger,
  queue?: QueueFill,
): () => void {
  const definitions = queue === undefined ? DEFINITIONS : [...DEFINITIONS, ...QUEUE_DEFINITIONS]
  return metrics.register(definitions, (emit) => {
    const labels = { exporter }
    emit(SENT, labels, ledger.delivered)
    emit(SEND_FAILED, labels, ledger.sendFailed)
    emit(ENQUEUE_FAILED, labels, ledger.enqueueFailed)
    emit(RECEIVED, labels, ledger.received)
    emitStates(emit, exporter, ledger)
    emit(DIFFERENCE, labels, ledger.difference())
    emit(EVENTS, labels, ledger.eventsWritten)
    emit(DUPLICATES, labels, ledger.possibleDuplicates)
    emit(RETRIES, labels, ledger.retries)
    if (queue === undefined) return
    emit(QUEUE_SIZE, { exporter, data_type: 'logs' }, queue.size())
    emit(QUEUE_CAPACITY, { exporter, data_type: 'logs' }, queue.capacity())
  })
}

function emitStates(emit: Emit, exporter: string, ledger: Ledger): void {
  emit(RECORDS, { exporter, state: 'queued', reason: '' }, ledger.queued)
  emit(RECORDS, { exporter, state: 'delivered', reason: '' }, ledger.delivered)
  emit(RECORDS, { exporter, state: 'dead_lettered', reason: '' }, ledger.deadLettered)
  emitReasons(emit, exporter, 'filtered', ledger.filtered)
  emitReasons(emit, exporter, 'rejected', ledger.rejected)
  emitReasons(emit, exporter, 'lost', ledger.lost)
}

function emitReasons(emit: Emit, exporter: string, state: string, counts: Readonly<Record<string, number>>): void {
  for (const [reason, count] of Object.entries(counts)) emit(RECORDS, { exporter, state, reason }, count)
}
