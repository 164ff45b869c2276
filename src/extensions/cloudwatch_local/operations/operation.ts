import type { Input } from '../request/input.ts'
import type { LiveTailSession } from '../live-tail/session.ts'
import type { Account } from '../store/account.ts'

/**
 * One operation of the API. Returns the body of the response; undefined for an empty one; a session for an event stream.
 * @param signal aborted when no client waits for the response
 */
export type Operation = (
  input: Input,
  account: Account,
  signal: AbortSignal,
) => object | undefined | LiveTailSession | Promise<object | undefined>
