// One call, as far as permissions go. CloudWatch checks the permission first: an answer about a group or stream that is
// missing, or there already, means that the call is allowed.

import { DENIED_CODES } from '../../../../aws/codes.ts'
import { OutOfTime } from './step.ts'

export type Attempt =
  | { readonly kind: 'done' | 'missing' | 'exists' }
  | { readonly kind: 'denied' | 'failed'; readonly message: string }

const DENIED: ReadonlySet<string> = new Set(DENIED_CODES)

/** Makes a call. Never throws an error of the call. */
export async function attempt(call: () => Promise<unknown>): Promise<Attempt> {
  try {
    await call()
    return { kind: 'done' }
  } catch (error) {
    if (!(error instanceof Error)) throw error
    const { name, message } = error
    if (name === 'ResourceNotFoundException') return { kind: 'missing' }
    if (name === 'ResourceAlreadyExistsException') return { kind: 'exists' }
    if (error instanceof OutOfTime) return { kind: 'failed', message }
    return { kind: DENIED.has(name) ? 'denied' : 'failed', message: `${name}: ${message}` }
  }
}
