import * as z from 'zod'
import { notYet, secret } from '../../config/schema/fields.ts'
import { tenantsSchema } from '../../listen/tenants.ts'
import { parseHtpasswd } from './htpasswd.ts'

const inline = secret().superRefine((text, context) => {
  const parsed = parseHtpasswd(text)
  if (typeof parsed === 'string') context.addIssue({ code: 'custom', message: parsed })
})

/** The collector's keys v0.164.0 for a server, and `tenants`. */
export const configSchema = z
  .strictObject({
    htpasswd: z
      .strictObject({
        file: z.string().min(1).optional().describe('Path of an htpasswd file, read again when it changes.'),
        inline: inline.optional().describe('What would stand in the file. Goes before it where both name a user.'),
      })
      .refine(
        ({ file, inline }) => file !== undefined || inline !== undefined,
        'names no users: write file, or inline with lines of user:password',
      )
      .describe('Users and their passwords: plain, {SHA}, {SSHA} or $apr1$, one user a line.'),
    client_auth: notYet(z.looseObject({}), 'remove it, nothing here sends OTLP on').describe(
      'What an exporter would show to its server.',
    ),
    tenants: tenantsSchema
      .optional()
      .describe(
        'Users bound to log groups: by user, a map with `allowed_log_groups`. A user who is not in it may not send then. Not a key of the collector.',
      ),
  })
  .superRefine(({ htpasswd, tenants = {} }, context) => {
    // Who is in a file, only the daemon knows that reads it.
    if (htpasswd.file !== undefined) return
    const users = parseHtpasswd(htpasswd.inline ?? '')
    for (const name of Object.keys(tenants)) {
      if (typeof users === 'string' || users.has(name)) continue
      context.addIssue({ code: 'custom', path: ['tenants', name], message: 'is no user of htpasswd: write it there' })
    }
  })

export type Config = z.output<typeof configSchema>
