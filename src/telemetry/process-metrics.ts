import { getHeapStatistics } from 'node:v8'
import { counter, gauge, type Labels, type MetricDefinition, type MetricsRegistry } from './metrics.ts'

// The collector's names. Its `runtime_total_alloc_bytes` has no counterpart: V8 does not count its total allocations.
const UPTIME = counter('otelcol_process_uptime', 'Seconds since the process started.', 'max')
const CPU = counter('otelcol_process_cpu_seconds', 'CPU seconds, user and system.')
const RSS = gauge('otelcol_process_memory_rss', 'Resident memory in bytes.')
const HEAP = gauge(
  'otelcol_process_runtime_heap_alloc_bytes',
  'Bytes of live and uncollected objects on the JavaScript heap.',
)
const SYSTEM = gauge(
  'otelcol_process_runtime_total_sys_memory_bytes',
  'Bytes the runtime has taken for the JavaScript heap and for buffers.',
)
const TARGET = gauge('target_info', 'Target metadata.')

const DEFINITIONS: readonly MetricDefinition[] = [UPTIME, CPU, RSS, HEAP, SYSTEM]

/** @param target service_name, service_version, service_instance_id */
export function registerTarget(metrics: MetricsRegistry, target: Labels): () => void {
  return metrics.register([TARGET], (emit) => emit(TARGET, target, 1))
}

export function registerProcess(metrics: MetricsRegistry): () => void {
  return metrics.register(DEFINITIONS, (emit) => {
    const cpu = process.cpuUsage()
    const memory = process.memoryUsage()
    emit(UPTIME, {}, process.uptime())
    emit(CPU, {}, (cpu.user + cpu.system) / 1e6)
    emit(RSS, {}, memory.rss)
    emit(HEAP, {}, memory.heapUsed)
    emit(SYSTEM, {}, getHeapStatistics().total_physical_size + memory.external)
  })
}
