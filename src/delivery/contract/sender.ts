import type { RejectedReason } from '../../accounting/outcome.ts'
import type { Pack } from './pack.ts'

/**
 * The extent of a fault, widest first. A lane waits for each of its scopes; a fault of a narrow scope proves that the wider
 * ones work.
 *
 *   endpoint ⊃ credential ⊃ account (and Region) ⊃ group ⊃ stream
 */
export const SCOPE_KINDS = ['endpoint', 'credential', 'account', 'group', 'stream'] as const
/** `creation` is separate: the creation of groups and streams. A put never waits for it. */
export type ScopeKind = (typeof SCOPE_KINDS)[number] | 'creation'

/** The outcome of one put. Classified in one place per destination; no other code inspects the message. */
export type PutOutcome = PutAccepted | PutRetry | PutRefused | PutMissing

export interface PutAccepted {
  readonly kind: 'accepted'
  /** Items rejected in an accepted call, by index in the pack; ascending, not overlapping. */
  readonly rejected: readonly RejectedRange[]
}

export interface RejectedRange {
  readonly from: number
  readonly to: number
  readonly reason: RejectedReason
}

/** Every reason for a retry, for the log. */
export type RetryReason =
  | 'access_denied'
  /** The group or stream cannot be created as it is named or tagged. */
  | 'cannot_create'
  /** The call was signed with a wrong time. */
  | 'clock_skew'
  /** A setting is wrong, so nothing was sent. */
  | 'configuration'
  /** The destination is being changed. */
  | 'conflict'
  | 'credentials_denied'
  | 'credentials_expired'
  | 'credentials_invalid'
  | 'credentials_missing'
  /** Their source does not respond. */
  | 'credentials_unavailable'
  /** The response is not of the destination. */
  | 'garbage_answer'
  /** The destination is missing, and may not be created. */
  | 'missing'
  | 'network'
  /** It was created, and is still reported missing. */
  | 'not_visible_yet'
  | 'quota_exceeded'
  | 'redirected'
  /** Every part of the request is refused. */
  | 'refused'
  /** An old endpoint requires another token. */
  | 'sequence_token'
  | 'server_error'
  | 'shutting_down'
  | 'throttled'
  | 'timeout'
  | 'unknown_error'

/** Cause of a retry. */
export interface Fault {
  readonly scope: ScopeKind
  readonly reason: RetryReason
  /** The fault will not pass by itself (a permission is missing): start with long waits, and notify an operator. */
  readonly lasting: boolean
}

/** Not accepted; the same items have to be sent again. */
export interface PutRetry extends Fault {
  readonly kind: 'retry'
  /** Delay requested by the destination; 0 leaves it to the backoff. */
  readonly afterMs: number
  /** The response was lost, so the destination may have the items: sending them again may create duplicates. */
  readonly maybeTaken: boolean
  /** Part of normal work (a stream is being created), so it is not logged. */
  readonly expected?: true
  readonly message: string
}

/** @param more what is not the default: no requested delay, and nothing was accepted */
export function retry(
  { scope, reason, lasting }: Fault,
  message: string,
  { afterMs = 0, maybeTaken = false }: Partial<Pick<PutRetry, 'afterMs' | 'maybeTaken'>> = {},
): PutRetry {
  return { kind: 'retry', scope, reason, lasting, afterMs, maybeTaken, message }
}

/** Returns a fault of one stream that passes soon. */
export function stepBack(reason: RetryReason, message: string): PutRetry {
  return retry({ scope: 'stream', reason, lasting: false }, message)
}

/** The destination refuses the request because of its content: one item of it, or all. */
export interface PutRefused {
  readonly kind: 'refused'
  readonly message: string
}

/** The destination does not exist; nothing was accepted. The lane waits until `Sender.prepare` has created it. */
export interface PutMissing {
  readonly kind: 'missing'
  readonly message: string
}

/** `ready`: the destination exists. Otherwise a fault of this destination alone. */
export type Prepared = { readonly kind: 'ready' } | PutRetry

/** The public state of a scope. */
export interface ScopeHealth {
  readonly state: 'closed' | 'open' | 'half_open'
  /** performance.now() of the first fault since the last success. */
  readonly failingSinceMs: number | undefined
  readonly lastFault: string
}

/** Sends the packs of lanes to their destinations. */
export interface Sender<D> {
  /** Health of creations; a lane that waits for a creation while they fail is stuck. */
  readonly creation?: ScopeHealth
  /** Returns the names of a destination's scopes, widest first, without the stream (the lane itself). */
  scopes(destination: D): readonly ScopeName[]
  /** Never rejects: every failure is an outcome. Aborting the signal ends it soon. */
  put(destination: D, pack: Pack, signal: AbortSignal): Promise<PutOutcome>
  /**
   * Creates the destination. Uses no put slot, and waits out every fault that is not this destination's own: a throttled
   * creation says nothing about puts. Never rejects. Aborting the signal ends it soon.
   * @param missing the message of the put that found it missing
   */
  prepare(destination: D, signal: AbortSignal, missing: string): Promise<Prepared>
  /** Cuts backoff waits to `maxWaitMs`, for shutdown. */
  hasten(maxWaitMs: number): void
}

export interface ScopeName {
  readonly kind: ScopeKind
  readonly name: string
}
