import type { PipelineShape } from '../../../component/factory.ts'
import type { PackPolicy } from '../../../delivery/contract/pack.ts'
import type { DeliveryOptions } from '../../../delivery/delivery.ts'
import type { Config } from '../config.ts'
import { MAX_BATCH_BYTES, MAX_BATCH_EVENTS, MAX_BATCH_SPAN_MS } from '../limits.ts'
import { DEFAULT_BREAKER_THRESHOLD } from '../options/sink.ts'
import type { ShareOf } from './share-of.ts'

/** Settings of the delivery; `oldestTimeMs` needs the clock of the running exporter. */
export interface LaneSettings extends Omit<DeliveryOptions, 'policy'> {
  readonly policy: Omit<PackPolicy, 'oldestTimeMs'>
}

/** CloudWatch's limits, reduced by the config and by the processors of the pipeline. */
export function laneSettings(config: Config, shape: PipelineShape, share: ShareOf): LaneSettings {
  const { retry_on_failure: retry, sending_queue: queue } = config
  const batch = queue.batch
  // 0 means no limit, as in the collector.
  const inItems = batch?.sizer === 'items' ? batch.max_size || undefined : undefined
  const inBytes = batch?.sizer === 'bytes' ? batch.max_size || undefined : undefined
  const fullSize = batch?.min_size || undefined
  return {
    flushIntervalMs: shape.flushIntervalMs ?? batch?.flush_timeout ?? config.flush_interval,
    maxConcurrentPuts: share.count(queue.num_consumers),
    maxPutsPerSecond: share.rate(config.max_puts_per_second),
    retryFailed: retry.enabled,
    // 0 means no limit. Without a storage there are no dead letters, and acknowledged records would be lost.
    maxTries: queue.storage === undefined ? undefined : config.max_retries || undefined,
    breakAfter: breakAfter(config),
    backoff: { initialMs: retry.initial_interval, multiplier: retry.multiplier, maxMs: retry.max_interval },
    policy: {
      maxItems: Math.min(MAX_BATCH_EVENTS, shape.maxBatchEvents ?? inItems ?? MAX_BATCH_EVENTS),
      maxCountedBytes: Math.min(MAX_BATCH_BYTES, inBytes ?? MAX_BATCH_BYTES),
      fullItems: batch?.sizer === 'items' ? fullSize : config.batch_size,
      fullCountedBytes: batch?.sizer === 'bytes' ? fullSize : undefined,
      maxSpanMs: MAX_BATCH_SPAN_MS,
      maxWaitMs: retry.max_elapsed_time || Number.POSITIVE_INFINITY,
    },
  }
}

/** Undefined without a circuit breaker. A written threshold switches it on, unless that is written too. */
function breakAfter({ circuit_breaker_enabled: enabled, circuit_breaker_threshold: threshold }: Config) {
  return (enabled ?? threshold !== undefined) ? (threshold ?? DEFAULT_BREAKER_THRESHOLD) : undefined
}
