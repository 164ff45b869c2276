import { getHeapStatistics } from 'node:v8'
import type { Labels, MetricDefinition, MetricsRegistry } from './metrics.ts'

// The collector's names. Its `runtime_total_alloc_bytes` has no counterpart: V8 does not count its total allocations.
const UPTIME = 'otelcol_process_uptime'
const CPU = 'otelcol_process_cpu_seconds'
const RSS = 'otelcol_process_memory_rss'
const HEAP = 'otelcol_process_runtime_heap_alloc_bytes'
const SYSTEM = 'otelcol_process_runtime_total_sys_memory_bytes'
const TARGET = 'target_info'

const DEFINITIONS: readonly MetricDefinition[] = [
  { name: UPTIME, type: 'counter', help: 'Seconds since the process started.', merge: 'max' },
  { name: CPU, type: 'counter', help: 'CPU seconds, user and system.' },
  { name: RSS, type: 'gauge', help: 'Resident memory in bytes.' },
  { name: HEAP, type: 'gauge', help: 'Bytes of live and uncollected objects on the JavaScript heap.' },
  { name: SYSTEM, type: 'gauge', help: 'Bytes the runtime has taken for the JavaScript heap and for buffers.' },
]

/** @param target service_name, service_version, service_instance_id */
export function registerTarget(metrics: MetricsRegistry, target: Labels): () => void {
  const definition: MetricDefinition = { name: TARGET, type: 'gauge', help: 'Target metadata.' }
  return metrics.register([definition], (emit) => emit(TARGET, target, 1))
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
