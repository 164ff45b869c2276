import type { RejectedReason } from '../../accounting/outcome.ts'
import type { Pack } from './pack.ts'

/**
 * How far a fault reaches, widest first. A lane waits for each scope it stands in; a fault of a narrow scope says that
 * the wider ones work.
 *
 *   endpoint ⊃ credential ⊃ account (and Region) ⊃ group ⊃ stream
 */
export const SCOPE_KINDS = ['endpoint', 'credential', 'account', 'group', 'stream'] as const
/** `creation`, beside them: what is created for a destination. A put never waits in it. */
export type ScopeKind = (typeof SCOPE_KINDS)[number] | 'creation'

/** What one put came to. Decided in one place for each destination, and never asked again by the text of a message. */
export type PutOutcome = PutAccepted | PutRetry | PutRefused | PutMissing

export interface PutAccepted {
  readonly kind: 'accepted'
  /** Items the destination took the call for but not the item; by their place in the pack, ascending, not overlapping. */
  readonly rejected: readonly RejectedRange[]
}

export interface RejectedRange {
  readonly from: number
  readonly to: number
  readonly reason: RejectedReason
}

/** Not taken; the same items are to be sent again. */
export interface PutRetry {
  readonly kind: 'retry'
  readonly scope: ScopeKind
  /** Few and fixed, for metrics: `throttled`, `timeout`, `access_denied`. */
  readonly reason: string
  /** What the destination asked for; 0 leaves it to the backoff. */
  readonly afterMs: number
  /** The fault will not pass by itself (a permission is missing): start with long waits, and tell an operator. */
  readonly lasting: boolean
  /** The answer was lost, so the items may be there already: sending them again may double them. */
  readonly maybeTaken: boolean
  /** Part of normal work (a stream is being created), so nobody needs to hear of it. */
  readonly expected?: true
  readonly message: string
}

/** A fault of one stream that passes soon. */
export function stepBack(reason: string, message: string): PutRetry {
  return { kind: 'retry', scope: 'stream', reason, afterMs: 0, lasting: false, maybeTaken: false, message }
}

/** The destination refuses the request as it stands: one of its items poisons it, or all of them do. */
export interface PutRefused {
  readonly kind: 'refused'
  readonly message: string
}

/** The destination does not exist; nothing was taken. The lane waits until `Sender.prepare` has made it. */
export interface PutMissing {
  readonly kind: 'missing'
  readonly message: string
}

/** `ready`: the destination exists. Otherwise a fault of this destination alone. */
export type Prepared = { readonly kind: 'ready' } | PutRetry

/** What a scope shows of itself. */
export interface ScopeHealth {
  readonly state: 'closed' | 'open' | 'half_open'
  /** performance.now() of the first fault since the last success. */
  readonly failingSinceMs: number | undefined
  readonly lastFault: string
}

/** A destination, to the lanes. */
export interface Sender<D> {
  /** Of creations; a lane that waits for one while they fail is stuck. */
  readonly creation?: ScopeHealth
  /** Names of the scopes a destination stands in, widest first, the stream left out (that is the lane itself). */
  scopes(destination: D): readonly ScopeName[]
  /** Never rejects: whatever goes wrong is an outcome. Aborting the signal ends it soon. */
  put(destination: D, pack: Pack, signal: AbortSignal): Promise<PutOutcome>
  /**
   * Makes the destination exist. Takes no put place, and waits out every fault that is not this destination's own:
   * a creation that is throttled says nothing about puts. Never rejects. Aborting the signal ends it soon.
   */
  prepare(destination: D, signal: AbortSignal): Promise<Prepared>
  /** The process is about to end: waits that are only backoff are cut to `maxWaitMs`. */
  hasten(maxWaitMs: number): void
}

export interface ScopeName {
  readonly kind: ScopeKind
  readonly name: string
}
