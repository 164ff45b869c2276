import type { ProcessorFactory } from '../../component/factory.ts'
import { batchConfigSchema, type BatchConfig } from './config.ts'
import { batchShape } from './processor.ts'

export const batchProcessor: ProcessorFactory<BatchConfig> = {
  kind: 'processor',
  type: 'batch',
  stability: 'beta',
  description: 'Sets the size and the wait of the exporters’ batches; holds no records itself.',
  config: batchConfigSchema,
  shape: batchShape,
}
