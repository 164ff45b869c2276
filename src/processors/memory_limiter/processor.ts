import type { PipelineShape } from '../../component/factory.ts'
import type { MemoryLimiterConfig } from './config.ts'

const MIB = 1024 ** 2

/** Becomes the byte budget of the process, which is asked before memory is taken and not after it was found to be gone. */
export function memoryLimiterShape({ limit_mib, limit_percentage }: MemoryLimiterConfig): PipelineShape {
  if (limit_mib > 0) {
    const note = `memory_limiter is the byte budget here: requests that would take buffers over ${limit_mib} MiB are told to wait`
    return { budgetBytes: limit_mib * MIB, notes: [note] }
  }
  const note =
    `memory_limiter is the byte budget here: requests that would take buffers over ${limit_percentage} % ` +
    'of the memory limit are told to wait'
  return { budgetShare: limit_percentage / 100, notes: [note] }
}
