import * as z from 'zod'
import { notYet, secret } from '../../config/schema/fields.ts'
import { tenantsSchema } from '../../listen/tenants.ts'
import { parseHtpasswd } from './htpasswd.ts'

const inline = secret().superRefine((text, context) => {
  const parsed = parseHtpasswd(text)
  if (typeof parsed === 'string') context.addIssue({ code: 'custom', message: parsed })
})

/** The collector's server keys (v0.164.0), plus `tenants`. */
export const configSchema = z
  .strictObject({
    htpasswd: z
      .strictObject({
        file: z.string().min(1).optional().describe('Path of an htpasswd file, reloaded when it changes.'),
        inline: inline
          .optional()
          .describe('Lines of an htpasswd file. Takes precedence over `file` for a user in both.'),
      })
      .refine(
        ({ file, inline }) => file !== undefined || inline !== undefined,
        'names no users: write file, or inline with lines of user:password',
      )
      .describe('Users and passwords (plain, {SHA}, {SSHA} or $apr1$), one user a line.'),
    client_auth: notYet(z.looseObject({}), 'remove it: no exporter here sends OTLP').describe(
      'Credentials that an exporter sends to its server.',
    ),
    tenants: tenantsSchema
      .optional()
      .describe(
        'Allowed log groups by user, each a map with `allowed_log_groups`; other users are refused. Not in the collector.',
      ),
  })
  .superRefine(({ htpasswd, tenants = {} }, context) => {
    // The users in a file are unknown before the daemon reads it.
    if (htpasswd.file !== undefined) return
    const users = parseHtpasswd(htpasswd.inline ?? '')
    for (const name of Object.keys(tenants)) {
      if (typeof users === 'string' || users.has(name)) continue
      context.addIssue({ code: 'custom', path: ['tenants', name], message: 'is not a user in htpasswd: add it there' })
    }
  })

export type Config = z.output<typeof configSchema>
