import * as z from 'zod'
import { acceptedWithoutEffect, notYet } from '../../config/schema/fields.ts'

/** The collector's keys and defaults. */
export const debugConfigSchema = z
  .strictObject({
    verbosity: z
      .enum(['basic', 'normal', 'detailed'])
      .default('basic')
      .describe(
        '`basic`: one line per request; `normal`: one more per record; `detailed`: every field of each record.',
      ),
    sampling_initial: z.int().nonnegative().default(2).describe('Requests shown at the start of each second.'),
    sampling_thereafter: z
      .int()
      .nonnegative()
      .default(1)
      .describe('Of the other requests in that second, every nth is shown: 1 shows all, 0 none.'),
    use_internal_logger: z
      .boolean()
      .default(true)
      .describe("Write to the daemon's own log, in its encoding, if its level is `info` or lower."),
    output_paths: z
      .array(z.string().min(1))
      .min(1, 'names no output: write stdout, stderr or a file')
      .optional()
      .describe('Outputs without the internal logger: `stdout` (default), `stderr` or a file to append to.'),
    output: notYet(z.unknown(), 'remove it; everything is shown').describe('Attributes to show or hide.'),
    sending_queue: acceptedWithoutEffect(z.unknown(), 'each request is shown when it arrives').describe(
      'A queue before the output.',
    ),
  })
  .refine(({ use_internal_logger, output_paths }) => !use_internal_logger || output_paths === undefined, {
    path: ['output_paths'],
    error: 'is used only without the internal logger: add use_internal_logger: false',
  })

export type DebugConfig = z.output<typeof debugConfigSchema>
