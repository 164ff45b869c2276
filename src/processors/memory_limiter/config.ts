import * as z from 'zod'
import { acceptedWithoutEffect, duration } from '../../config/schema/fields.ts'

const NO_SPIKES = 'bytes are counted before memory is allocated, so no spike goes unmeasured'
const NO_FORCED_GC = 'no garbage collection is forced here'

/** The collector's keys and rules. */
export const memoryLimiterConfigSchema = z
  .strictObject({
    check_interval: duration()
      .refine((ms) => ms > 0, 'must be longer than 0, for example 1s')
      .describe('Measurement interval of the collector; here every request is measured when it arrives.'),
    limit_mib: z
      .int()
      .nonnegative()
      .default(0)
      .describe('Maximum MiB in buffers, up to 40 % of the memory limit of the process.'),
    spike_limit_mib: acceptedWithoutEffect(z.int().nonnegative(), NO_SPIKES).describe('MiB kept free for spikes.'),
    limit_percentage: z
      .int()
      .nonnegative()
      .max(100, 'is a percentage: write a number from 1 to 100')
      .default(0)
      .describe('The same as a percentage of the memory limit of the process; `limit_mib` takes precedence.'),
    spike_limit_percentage: acceptedWithoutEffect(
      z.int().nonnegative().max(100, 'is a percentage: write a number from 1 to 100'),
      NO_SPIKES,
    ).describe('Percentage kept free for spikes.'),
    min_gc_interval_when_soft_limited: acceptedWithoutEffect(duration(), NO_FORCED_GC).describe(
      'Minimum time between forced garbage collections above the soft limit.',
    ),
    min_gc_interval_when_hard_limited: acceptedWithoutEffect(duration(), NO_FORCED_GC).describe(
      'Minimum time between forced garbage collections above the hard limit.',
    ),
  })
  .refine(({ limit_mib, limit_percentage }) => limit_mib > 0 || limit_percentage > 0, {
    error: 'needs limit_mib or limit_percentage, greater than 0',
  })
  .refine(({ limit_mib, spike_limit_mib = 0 }) => limit_mib === 0 || spike_limit_mib < limit_mib, {
    path: ['spike_limit_mib'],
    error: 'must be smaller than limit_mib',
  })
  .refine(
    ({ limit_percentage, spike_limit_percentage = 0 }) =>
      limit_percentage === 0 || spike_limit_percentage < limit_percentage,
    { path: ['spike_limit_percentage'], error: 'must be smaller than limit_percentage' },
  )

export type MemoryLimiterConfig = z.output<typeof memoryLimiterConfigSchema>
