import type { ByteBudget } from '../component/byte-budget.ts'
import type { MetricDefinition, MetricsRegistry } from '../telemetry/metrics.ts'

const USED = 'otlp_cloudwatch_buffer_bytes'
const PEAK = 'otlp_cloudwatch_buffer_bytes_peak'
const LIMIT = 'otlp_cloudwatch_buffer_bytes_limit'

const DEFINITIONS: readonly MetricDefinition[] = [
  { name: USED, type: 'gauge', help: 'Bytes held in buffers: requests being read, and records waiting or in flight.' },
  { name: PEAK, type: 'gauge', help: 'The most bytes that buffers ever held.' },
  { name: LIMIT, type: 'gauge', help: 'The most bytes that buffers may hold; requests over it are refused for now.' },
]

export function registerBudget(metrics: MetricsRegistry, budget: ByteBudget): void {
  metrics.register(DEFINITIONS, (emit) => {
    emit(USED, {}, budget.used)
    emit(PEAK, {}, budget.peak)
    emit(LIMIT, {}, budget.capacity)
  })
}
