import * as z from 'zod'
import { secretLine } from '../../config/schema/fields.ts'
import { allowedLogGroups } from '../../listen/tenants.ts'

/** RFC 9110, 5.6.2: the characters of a scheme and of a header name. */
const WORD = /^[\w!#$%&'*+.^`|~-]*$/
const NOT_A_WORD = "has invalid characters: write letters, digits or !#$%&'*+-.^_`|~"

function token() {
  return secretLine().min(1, 'is empty: write the token that senders send')
}

const tenant = z
  .strictObject({
    token: token().optional().describe('Token of the tenant.'),
    filename: z.string().min(1).optional().describe('File with its tokens, instead of `token`.'),
    allowed_log_groups: allowedLogGroups(),
  })
  .refine(
    (tenant) => (tenant.token === undefined) !== (tenant.filename === undefined),
    'needs either token or filename: write the token its senders send, or a file that holds it',
  )
  .describe('One sender.')

/** The collector's server keys (v0.164.0), plus `tenants`. */
export const configSchema = z
  .strictObject({
    scheme: z
      .string()
      .regex(WORD, NOT_A_WORD)
      .default('Bearer')
      .describe('Word before the token, case-insensitive; if empty, the header holds only the token.'),
    header: z
      .string()
      .min(1)
      .regex(WORD, NOT_A_WORD)
      .default('Authorization')
      .describe('HTTP header and gRPC metadata that holds the token.'),
    token: token().optional().describe('Token that senders send.'),
    tokens: z.array(token()).min(1).optional().describe('Several tokens, each accepted.'),
    filename: z
      .string()
      .min(1)
      .optional()
      .describe('File of tokens, one a line, reloaded when it changes. Takes precedence over token and tokens.'),
    tenants: z
      .record(z.string().min(1), tenant)
      .optional()
      .describe(
        'Senders bound to log groups, by name, each with `token` or `filename` and `allowed_log_groups`. Not in the collector.',
      ),
  })
  .superRefine((config, context) => {
    const { token, tokens, filename, tenants = {} } = config
    const issue = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message })
    if (token !== undefined && tokens !== undefined)
      issue(['tokens'], 'cannot be set together with token: write one of them')
    if ([token, tokens, filename].every((source) => source === undefined) && Object.keys(tenants).length === 0)
      issue([], 'has no token: write token, tokens, filename or tenants')
    const owners = new Map([token, ...(tokens ?? [])].map((text) => [text, 'token or tokens']))
    for (const [name, { token }] of Object.entries(tenants)) {
      const owner = token === undefined ? undefined : owners.get(token)
      if (owner !== undefined) issue(['tenants', name, 'token'], `is also in ${owner}: give each its own`)
      else owners.set(token, `tenants.${name}`)
    }
  })

export type Config = z.output<typeof configSchema>
