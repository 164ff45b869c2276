import * as z from 'zod'
import { size } from '../../config/schema/fields.ts'
import { parseEndpoint } from '../../listen/socket/endpoint.ts'

/** Options of the `cloudwatch_local` extension. */
export const cloudwatchLocalConfigSchema = z.strictObject({
  endpoint: z
    .string()
    .transform((text, context) => {
      const parsed = parseEndpoint(text, 'tcp')
      if ('endpoint' in parsed && parsed.endpoint.kind === 'tcp') return parsed.endpoint
      context.addIssue('problem' in parsed ? parsed.problem : 'is a socket: the AWS CLI speaks to host:port')
      return z.NEVER
    })
    .prefault('localhost:4588')
    .describe('Host and port to listen on. Anyone who reaches it can read and write: credentials are not checked.'),
  directory: z
    .string()
    .min(1, 'is empty: write a path, or remove the key to keep everything in memory')
    .optional()
    .describe(
      'Where groups, streams and events are kept over restarts, for one process at a time; in memory if absent.',
    ),
  max_bytes: size()
    .prefault('64MiB')
    .refine((bytes) => bytes >= 2 * 1024 * 1024, 'is less than 2MiB, which is two puts: write 64MiB, for example')
    .describe('Events that are kept, as CloudWatch counts bytes; beyond it the oldest are dropped, which is logged.'),
  region: z.string().min(1).default('us-east-1').describe('Region in ARNs. Requests for any region are served.'),
  account_id: z
    .string()
    .regex(/^\d{12}$/, 'has to be 12 digits, in quotes: "000000000000"')
    .default('000000000000')
    .describe('Account in ARNs.'),
  show_first_events: z
    .int()
    .nonnegative()
    .max(1_000)
    .default(0)
    .describe('How many events, the first to arrive, are shown in the log.'),
})

export type CloudWatchLocalConfig = z.output<typeof cloudwatchLocalConfigSchema>
