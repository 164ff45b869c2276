import * as z from 'zod'
import { secretLine } from '../../config/schema/fields.ts'
import { allowedLogGroups } from '../../listen/tenants.ts'

/** RFC 9110, 5.6.2: what a scheme and the name of a header are made of. */
const WORD = /^[\w!#$%&'*+.^`|~-]*$/
const NOT_A_WORD = "has characters it may not have: write letters, digits or !#$%&'*+-.^_`|~"

function token() {
  return secretLine().min(1, 'is empty: write the token that senders show')
}

const tenant = z
  .strictObject({
    token: token().optional().describe('Its token.'),
    filename: z.string().min(1).optional().describe('File of its tokens, in place of `token`.'),
    allowed_log_groups: allowedLogGroups(),
  })
  .refine(
    (tenant) => (tenant.token === undefined) !== (tenant.filename === undefined),
    'needs one of token and filename: write the token its senders show, or a file of it',
  )
  .describe('One sender.')

/** The collector's keys v0.164.0 for a server, and `tenants`. */
export const configSchema = z
  .strictObject({
    scheme: z
      .string()
      .regex(WORD, NOT_A_WORD)
      .default('Bearer')
      .describe('Word before the token, in any case of letters; empty: the header is the token alone.'),
    header: z
      .string()
      .min(1)
      .regex(WORD, NOT_A_WORD)
      .default('Authorization')
      .describe('Header of HTTP and metadata of gRPC that holds the token.'),
    token: token().optional().describe('The token that senders show.'),
    tokens: z.array(token()).min(1).optional().describe('Several tokens, each of them good.'),
    filename: z
      .string()
      .min(1)
      .optional()
      .describe('File of tokens, one a line, read again when it changes. Goes before token and tokens.'),
    tenants: z
      .record(z.string().min(1), tenant)
      .optional()
      .describe(
        'Senders bound to log groups, by name, each with `token` or `filename` and `allowed_log_groups`. Not a key of the collector.',
      ),
  })
  .superRefine((config, context) => {
    const { token, tokens, filename, tenants = {} } = config
    const issue = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message })
    if (token !== undefined && tokens !== undefined) issue(['tokens'], 'stands beside token: write one of them')
    if ([token, tokens, filename].every((source) => source === undefined) && Object.keys(tenants).length === 0)
      issue([], 'has no token to compare with: write token, tokens, filename or tenants')
    const owners = new Map([token, ...(tokens ?? [])].map((text) => [text, 'token or tokens']))
    for (const [name, { token }] of Object.entries(tenants)) {
      const owner = token === undefined ? undefined : owners.get(token)
      if (owner !== undefined) issue(['tenants', name, 'token'], `is the one of ${owner} too: give each its own`)
      else owners.set(token, `tenants.${name}`)
    }
  })

export type Config = z.output<typeof configSchema>
