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
      context.addIssue(
        'problem' in parsed ? parsed.problem : 'is a Unix socket: write host and port, such as localhost:4588',
      )
      return z.NEVER
    })
    .prefault('localhost:4588')
    .describe('Address to listen on. Credentials are not checked: any client that reaches it can read and write.'),
  directory: z
    .string()
    .min(1, 'is empty: write a path, or remove the key to keep everything in memory')
    .optional()
    .describe(
      'Directory that keeps groups, streams and events over restarts, for one process at a time; in memory if unset.',
    ),
  max_bytes: size()
    .prefault('64MiB')
    .refine((bytes) => bytes >= 2 * 1024 * 1024, 'is less than 2MiB, the size of two puts: write 64MiB, for example')
    .describe(
      'Maximum bytes of stored events, as CloudWatch counts them; beyond it the oldest are dropped, with a log line.',
    ),
  region: z.string().min(1).default('us-east-1').describe('Region in ARNs. Requests for any region are served.'),
  account_id: z
    .string()
    .regex(/^\d{12}$/, 'must have 12 digits, in quotes: write "000000000000"')
    .default('000000000000')
    .describe('Account in ARNs.'),
  show_first_events: z
    .int()
    .nonnegative()
    .max(1_000)
    .default(0)
    .describe('Number of events, the first to arrive, to show in the log.'),
})

export type CloudWatchLocalConfig = z.output<typeof cloudwatchLocalConfigSchema>
