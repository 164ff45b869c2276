import { invalidParameter } from '../answer/service-error.ts'
import type { Account } from '../store/account.ts'
import type { Input } from './input.ts'

const ACCOUNT_ID = { min: 12, max: 12, pattern: /^\d{12}$/, printed: '^\\d{12}$' }
const MAX_ACCOUNTS = 20

/**
 * Reads `includeLinkedAccounts` and `accountIdentifiers`, and returns whether they include this account, which has no linked
 * ones. Calls `input.check()`.
 */
export function includesOwnAccount(input: Input, account: Account): boolean {
  const linked = input.flag('includeLinkedAccounts') ?? false
  const sent = input.raw('accountIdentifiers')
  // "If accountIdentifiers contains a null value, the operation returns all log groups".
  const all = Array.isArray(sent) && sent.includes(null)
  const identifiers = all ? undefined : input.texts('accountIdentifiers', { min: 0, max: MAX_ACCOUNTS }, ACCOUNT_ID)
  input.check()
  if (identifiers === undefined || identifiers.length === 0) return true
  if (!linked)
    throw invalidParameter('accountIdentifiers can only be specified with includeLinkedAccounts set to true.')
  return identifiers.includes(account.id)
}
