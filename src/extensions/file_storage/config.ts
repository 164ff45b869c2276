import * as z from 'zod'
import { acceptedWithoutEffect, duration, path, size } from '../../config/schema/fields.ts'

const compaction = z
  .strictObject({
    on_start: acceptedWithoutEffect(z.boolean(), 'space comes back by itself').describe('Compact when it starts.'),
    on_rebound: acceptedWithoutEffect(z.boolean(), 'space comes back by itself').describe('Compact while it runs.'),
    directory: acceptedWithoutEffect(z.string(), 'space comes back by itself').describe('Where to compact.'),
    rebound_needed_threshold_mib: acceptedWithoutEffect(z.int(), 'space comes back by itself').describe(
      'When to compact.',
    ),
    rebound_trigger_threshold_mib: acceptedWithoutEffect(z.int(), 'space comes back by itself').describe(
      'When to compact.',
    ),
    check_interval: acceptedWithoutEffect(duration(), 'space comes back by itself').describe('How often to look.'),
    max_transaction_size: acceptedWithoutEffect(z.int(), 'space comes back by itself').describe(
      'Entries moved at once.',
    ),
    cleanup_on_start: acceptedWithoutEffect(z.boolean(), 'there are no temporary files').describe(
      'Remove temporary files.',
    ),
  })
  .prefault({})
  .describe("Of the collector's database; segments are removed as they are done.")

/** Everything that can be written below `file_storage`: the collector's keys. */
export const configSchema = z.strictObject({
  directory: path()
    .min(1)
    .default('/var/lib/otelcol/file_storage')
    .describe('Where queues are kept, on a disk of this machine.'),
  fsync: z
    .boolean()
    .default(true)
    .describe(
      'Acknowledge only what the disk has. false is obeyed and warned about: a power loss then loses acknowledged records.',
    ),
  max_size: size().prefault('4GiB').describe('Most bytes of one queue. 0: 4 GiB.'),
  create_directory: z.boolean().default(false).describe('Make the directory if it is not there.'),
  directory_permissions: z
    .string()
    .regex(/^0?[0-7]{3}$/, 'is not a mode: write three octal digits, such as 0750')
    .default('0750')
    .describe('Mode of a directory made here.'),
  timeout: acceptedWithoutEffect(duration(), 'a directory that another process holds is left to it at once').describe(
    'How long to wait for a lock.',
  ),
  recreate: acceptedWithoutEffect(z.boolean(), 'what is damaged is set aside, and what is whole is delivered').describe(
    'Begin anew if the database is damaged.',
  ),
  compaction,
})

export type Config = z.output<typeof configSchema>
