import * as z from 'zod'
import { acceptedWithoutEffect, duration, notYet } from '../../config/schema/fields.ts'

/** The collector's keys and defaults. */
export const batchConfigSchema = z
  .strictObject({
    timeout: duration()
      .prefault('200ms')
      .describe(
        'Maximum time a record waits for its batch to fill; 0 sends at once. Sets the flush interval of the lanes.',
      ),
    send_batch_size: z
      .int()
      .nonnegative()
      .default(8192)
      .describe(
        'Records that make a batch full; 0 sends at once. Also the maximum events in one put if `send_batch_max_size` is 0.',
      ),
    send_batch_max_size: z
      .int()
      .nonnegative()
      .default(0)
      .describe('Maximum events in one put; 0 uses `send_batch_size`.'),
    metadata_keys: notYet(
      z.array(z.string()).min(1),
      'remove it; records are batched by destination, and a lane never mixes two',
    ).describe('Client metadata whose values separate batches.'),
    metadata_cardinality_limit: acceptedWithoutEffect(
      z.int().nonnegative(),
      'it limits batches by metadata_keys, and there are none',
    ).describe('Maximum combinations of metadata values.'),
  })
  .refine(
    ({ send_batch_size, send_batch_max_size }) => send_batch_max_size === 0 || send_batch_max_size >= send_batch_size,
    {
      path: ['send_batch_max_size'],
      error: 'is smaller than send_batch_size: write at least that number, or 0 for no maximum',
    },
  )

export type BatchConfig = z.output<typeof batchConfigSchema>
