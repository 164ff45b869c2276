import * as z from 'zod'
import { aliasOf } from '../../../config/schema/aliases.ts'
import { acceptedWithoutEffect, seconds } from '../../../config/schema/fields.ts'
import { MAX_BATCH_EVENTS } from '../limits.ts'
import { endpoint, eventBytes } from './fields.ts'

/** Failures in a row that open a circuit breaker that is switched on without a threshold: fapilog's default. */
export const DEFAULT_BREAKER_THRESHOLD = 5

const sizeGuard = z
  .strictObject({
    max_bytes: aliasOf('max_event_bytes', eventBytes()).describe('Alias of max_event_bytes.'),
    action: aliasOf(
      'on_oversize',
      z
        .enum(['truncate', 'drop'], {
          error: ({ input }) =>
            input === 'warn'
              ? '"warn" sends a longer event unchanged, which CloudWatch refuses over 1 MiB: write truncate, or raise max_bytes'
              : `${JSON.stringify(input)} is not a size_guard action: write truncate or drop`,
        })
        .transform((action) => (action === 'truncate' ? 'cut' : 'reject')),
    ).describe('Alias of on_oversize: truncate is cut, drop is reject.'),
    preserve_fields: acceptedWithoutEffect(
      z.union([z.array(z.string()), z.string()]),
      'the longest strings are cut first, so short fields stay',
    ).describe('Fields that are not cut.'),
  })
  .optional()
  .describe('Limit of an event, as fapilog has it.')

/**
 * Options of fapilog's CloudWatch sink (0.18) under their own names. An alias and the option it names cannot be written
 * together. Nothing changes for a config that has none of these keys.
 */
export const sinkOptions = {
  endpoint_url: aliasOf('endpoint', endpoint()).describe('Alias of endpoint.'),
  batch_size: z
    .int()
    .min(1)
    .max(MAX_BATCH_EVENTS)
    .optional()
    .describe(
      'Number of waiting events at which a destination is sent at once. A put still holds all that fit. Unset: a full put.',
    ),
  batch_timeout_seconds: aliasOf('flush_interval', seconds()).describe('Alias of flush_interval, in seconds.'),
  max_retries: z
    .int()
    .nonnegative()
    .optional()
    .describe(
      'Maximum tries of a put, throttling aside; then its events become dead letters. No maximum if unset, 0, or without storage.',
    ),
  retry_base_delay: aliasOf('retry_on_failure.initial_interval', seconds()).describe(
    'Alias of retry_on_failure.initial_interval, in seconds.',
  ),
  create_log_group: z
    .boolean()
    .default(true)
    .describe('Create missing log groups. Off: records for a missing group wait until it exists.'),
  create_log_stream: z
    .boolean()
    .default(true)
    .describe('Create missing log streams. Off: records for a missing stream wait until it exists.'),
  circuit_breaker_enabled: z
    .boolean()
    .optional()
    .describe('Circuit breaker of each destination. Unset: on if circuit_breaker_threshold is set.'),
  circuit_breaker_threshold: z
    .int()
    .min(1)
    .optional()
    .describe(
      `Failed puts in a row after which a destination is tried about every 15 s only. Default ${DEFAULT_BREAKER_THRESHOLD} if the breaker is on.`,
    ),
  size_guard: sizeGuard,
}
