import type { Clock } from '../../../aws/clock.ts'
import type { PipelineShape } from '../../../component/factory.ts'
import type { DeliveryOptions } from '../../../delivery/delivery.ts'
import type { OnLaneFull } from '../../../delivery/lanes/parking.ts'
import type { QueueBound } from '../../../delivery/queue/queue-bound.ts'
import type { Config } from '../config.ts'
import { MAX_AGE_MS, MAX_BATCH_BYTES, MAX_BATCH_EVENTS, MAX_BATCH_SPAN_MS } from '../limits.ts'
import type { LatePolicy } from '../event/transcode.ts'

/** The lanes' settings: CloudWatch's limits, reduced by the config and by the processors of the pipeline. */
export function deliveryOptions(config: Config, shape: PipelineShape, clock?: Clock): DeliveryOptions {
  const { retry_on_failure: retry, sending_queue: queue } = config
  const batch = queue.batch
  // 0 means no limit, as in the collector.
  const inItems = batch?.sizer === 'items' ? batch.max_size || undefined : undefined
  const inBytes = batch?.sizer === 'bytes' ? batch.max_size || undefined : undefined
  const fullSize = batch?.min_size || undefined
  return {
    flushIntervalMs: shape.flushIntervalMs ?? batch?.flush_timeout ?? config.flush_interval,
    maxConcurrentPuts: queue.num_consumers,
    maxPutsPerSecond: config.max_puts_per_second,
    retryFailed: retry.enabled,
    backoff: { initialMs: retry.initial_interval, multiplier: retry.multiplier, maxMs: retry.max_interval },
    policy: {
      maxItems: Math.min(MAX_BATCH_EVENTS, shape.maxBatchEvents ?? inItems ?? MAX_BATCH_EVENTS),
      maxCountedBytes: Math.min(MAX_BATCH_BYTES, inBytes ?? MAX_BATCH_BYTES),
      fullItems: batch?.sizer === 'items' ? fullSize : undefined,
      fullCountedBytes: batch?.sizer === 'bytes' ? fullSize : undefined,
      maxSpanMs: MAX_BATCH_SPAN_MS,
      oldestTimeMs: (nowMs) => nowMs + (clock?.offsetMs ?? 0) - MAX_AGE_MS,
      maxWaitMs: maxWaitMs(retry),
    },
  }
}

function maxWaitMs(retry: Config['retry_on_failure']): number {
  return retry.max_elapsed_time === undefined || retry.max_elapsed_time === 0
    ? Number.POSITIVE_INFINITY
    : retry.max_elapsed_time
}

/** `queue_size` in its unit, in addition to the byte budget. */
export function queueBound(config: Config): QueueBound | undefined {
  const { queue_size: size, sizer } = config.sending_queue
  return size === undefined ? undefined : { unit: sizer, most: size }
}

/** Default: park on disk, which loses nothing; without storage, reject, so that the sender knows. */
export function onLaneFull({ on_lane_full: written, sending_queue: queue }: Config): OnLaneFull {
  return written ?? (queue.storage === undefined ? 'reject' : 'park')
}

export function latePolicy({ late_events: { policy }, sending_queue: queue }: Config): LatePolicy {
  return policy ?? (queue.storage === undefined ? 'reject' : 'dead_letter')
}
