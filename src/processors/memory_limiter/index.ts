import type { ProcessorFactory } from '../../component/factory.ts'
import { memoryLimiterConfigSchema, type MemoryLimiterConfig } from './config.ts'
import { memoryLimiterShape } from './processor.ts'

export const memoryLimiterProcessor: ProcessorFactory<MemoryLimiterConfig> = {
  kind: 'processor',
  type: 'memory_limiter',
  stability: 'beta',
  description: 'Sets how many bytes the process may hold before it asks senders to wait.',
  config: memoryLimiterConfigSchema,
  shape: memoryLimiterShape,
}
