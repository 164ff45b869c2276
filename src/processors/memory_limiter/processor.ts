import type { PipelineShape } from '../../component/factory.ts'
import type { MemoryLimiterConfig } from './config.ts'

const MIB = 1024 ** 2

/** Sets the byte budget of the process, which is checked before memory is allocated. */
export function memoryLimiterShape({ limit_mib, limit_percentage }: MemoryLimiterConfig): PipelineShape {
  if (limit_mib > 0) {
    const note = `memory_limiter is the byte budget here: requests that would take buffers over ${limit_mib} MiB have to wait`
    return { budgetBytes: limit_mib * MIB, notes: [note] }
  }
  const note =
    `memory_limiter is the byte budget here: requests that would take buffers over ${limit_percentage} % ` +
    'of the memory limit have to wait'
  return { budgetShare: limit_percentage / 100, notes: [note] }
}
