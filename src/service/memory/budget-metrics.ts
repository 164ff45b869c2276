import type { ByteBudget } from '../../component/byte-budget.ts'
import type { MetricDefinition, MetricsRegistry } from '../../telemetry/metrics.ts'

const USED = 'otlp_cloudwatch_buffer_bytes'
const PEAK = 'otlp_cloudwatch_buffer_bytes_peak'
const LIMIT = 'otlp_cloudwatch_buffer_bytes_limit'

const HEAP = 'otlp_cloudwatch_bookkeeping_bytes'
const HEAP_LIMIT = 'otlp_cloudwatch_bookkeeping_bytes_limit'

const DEFINITIONS: readonly MetricDefinition[] = [
  { name: USED, type: 'gauge', help: 'Bytes held in buffers: requests being read, and records waiting or in flight.' },
  { name: PEAK, type: 'gauge', help: 'Largest number of bytes that buffers have held.' },
  { name: LIMIT, type: 'gauge', help: 'Maximum bytes in buffers; requests over it get a retryable error.' },
  { name: HEAP, type: 'gauge', help: 'Bytes of heap for the bookkeeping of records waiting or in flight.' },
  {
    name: HEAP_LIMIT,
    type: 'gauge',
    help: 'Maximum bytes of heap for bookkeeping; requests over it get a retryable error.',
  },
]

export function registerBudget(metrics: MetricsRegistry, budget: ByteBudget): void {
  metrics.register(DEFINITIONS, (emit) => {
    emit(USED, {}, budget.used)
    emit(PEAK, {}, budget.peak)
    emit(LIMIT, {}, budget.capacity)
    emit(HEAP, {}, budget.heapUsed)
    emit(HEAP_LIMIT, {}, budget.heapCapacity)
  })
}
