import type { PipelineShape } from '../../component/factory.ts'
import type { BatchConfig } from './config.ts'

/**
 * Holds no records: a batch that waited here would be lost with the process, although its sender had received a success
 * response. The lanes of the exporters batch by destination with these settings, on disk if storage is configured.
 */
export function batchShape(config: BatchConfig): PipelineShape {
  const { timeout, send_batch_size, send_batch_max_size } = config
  // In the collector a size of 0 sends at once, whatever the timeout.
  const flushIntervalMs = send_batch_size === 0 ? 0 : timeout
  const maxBatchEvents = send_batch_max_size === 0 ? send_batch_size : send_batch_max_size
  const note = `batch holds no records here: exporters flush after ${flushIntervalMs} ms`
  if (maxBatchEvents === 0) return { flushIntervalMs, notes: [`${note} or with a full request`] }
  return { flushIntervalMs, maxBatchEvents, notes: [`${note} or with ${maxBatchEvents} events`] }
}
