import type { ByteBudget } from '../../component/byte-budget.ts'
import { gauge, type MetricDefinition, type MetricsRegistry } from '../../telemetry/metrics.ts'

const USED = gauge(
  'otlp_cloudwatch_buffer_bytes',
  'Bytes held in buffers: requests being read, and records waiting or in flight.',
)
const PEAK = gauge('otlp_cloudwatch_buffer_bytes_peak', 'Largest number of bytes that buffers have held.')
const LIMIT = gauge(
  'otlp_cloudwatch_buffer_bytes_limit',
  'Maximum bytes in buffers; requests over it get a retryable error.',
)

const HEAP = gauge(
  'otlp_cloudwatch_bookkeeping_bytes',
  'Bytes of heap for the bookkeeping of records waiting or in flight.',
)
const HEAP_LIMIT = gauge(
  'otlp_cloudwatch_bookkeeping_bytes_limit',
  'Maximum bytes of heap for bookkeeping; requests over it get a retryable error.',
)

const DEFINITIONS: readonly MetricDefinition[] = [USED, PEAK, LIMIT, HEAP, HEAP_LIMIT]

export function registerBudget(metrics: MetricsRegistry, budget: ByteBudget): void {
  metrics.register(DEFINITIONS, (emit) => {
    emit(USED, {}, budget.used)
    emit(PEAK, {}, budget.peak)
    emit(LIMIT, {}, budget.capacity)
    emit(HEAP, {}, budget.heapUsed)
    emit(HEAP_LIMIT, {}, budget.heapCapacity)
  })
}
