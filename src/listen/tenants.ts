import * as z from 'zod'
import type { Authenticated } from '../component/authenticator.ts'
import type { Refused } from '../accounting/outcome.ts'

/** `allowed_log_groups` of one tenant. */
export function allowedLogGroups() {
  return z
    .array(z.string().min(1))
    .min(1, 'is empty: write the log groups it may write, or "*" for all')
    .describe('Log groups it may write; `*` matches any characters.')
}

/** Senders by name, with the log groups each may write. */
export const tenantsSchema = z.record(
  z.string().min(1),
  z.strictObject({ allowed_log_groups: allowedLogGroups() }).describe('One sender.'),
)

/** Senders bound to log groups by name. A sender that is not listed is refused. */
export class Tenants {
  readonly #known: ReadonlyMap<string, Authenticated>

  constructor(config: z.output<typeof tenantsSchema>) {
    this.#known = new Map(
      Object.entries(config).map(([name, { allowed_log_groups: allowedGroups }]) => [
        name,
        { kind: 'authenticated', identity: { name, allowedGroups } },
      ]),
    )
  }

  find(name: string): Authenticated | Refused {
    return this.#known.get(name) ?? NO_TENANT
  }
}

// Not 401: its credentials are valid. The name is not repeated: the sender may choose any text.
const NO_TENANT: Refused = {
  kind: 'refused',
  cause: 'permission_denied',
  message: 'this sender is not one of the configured tenants: ask the operator to add it to tenants',
}
