import type { Input } from '../request/input.ts'
import type { Account } from '../store/account.ts'

/**
 * One verb of the API. Returns the answer's body; undefined is the empty answer.
 * @param signal aborted when nobody waits for the answer any more
 */
export type Operation = (
  input: Input,
  account: Account,
  signal: AbortSignal,
) => object | undefined | Promise<object | undefined>
