import * as z from 'zod'
import { acceptedWithoutEffect, duration, path, size } from '../../config/schema/fields.ts'

const compaction = z
  .strictObject({
    on_start: acceptedWithoutEffect(z.boolean(), 'space is freed automatically').describe('Compact at start.'),
    on_rebound: acceptedWithoutEffect(z.boolean(), 'space is freed automatically').describe('Compact while running.'),
    directory: acceptedWithoutEffect(z.string(), 'space is freed automatically').describe('Directory for compaction.'),
    rebound_needed_threshold_mib: acceptedWithoutEffect(z.int(), 'space is freed automatically').describe(
      'Threshold for compaction.',
    ),
    rebound_trigger_threshold_mib: acceptedWithoutEffect(z.int(), 'space is freed automatically').describe(
      'Threshold for compaction.',
    ),
    check_interval: acceptedWithoutEffect(duration(), 'space is freed automatically').describe(
      'Interval of the check.',
    ),
    max_transaction_size: acceptedWithoutEffect(z.int(), 'space is freed automatically').describe(
      'Entries moved at once.',
    ),
    cleanup_on_start: acceptedWithoutEffect(z.boolean(), 'there are no temporary files').describe(
      'Remove temporary files.',
    ),
  })
  .prefault({})
  .describe("Compaction of the collector's database; finished segments are deleted instead.")

/** All keys of `file_storage`, the same as the collector's. */
export const configSchema = z.strictObject({
  directory: path()
    .min(1)
    .default('/var/lib/otelcol/file_storage')
    .describe('Directory of the queues, on a local disk.'),
  fsync: z
    .boolean()
    .default(true)
    .describe(
      'Sync to disk before acknowledging. With `false` (logged as a warning) a power loss loses acknowledged records.',
    ),
  max_size: size().prefault('4GiB').describe('Maximum bytes of one queue; 0 means 4 GiB.'),
  create_directory: z.boolean().default(false).describe('Create the directory if it does not exist.'),
  directory_permissions: z
    .string()
    .regex(/^0?[0-7]{3}$/, 'is not a mode: write three octal digits, such as 0750')
    .default('0750')
    .describe('Mode of created directories.'),
  timeout: acceptedWithoutEffect(duration(), 'a directory locked by another process is skipped at once').describe(
    'Maximum wait for a lock.',
  ),
  recreate: acceptedWithoutEffect(z.boolean(), 'damaged records are set aside, and intact ones are delivered').describe(
    'Start a new database if it is damaged.',
  ),
  compaction,
})

export type Config = z.output<typeof configSchema>
