// The answers to a sender and the outcomes of a record. Every kind and reason is listed here and nowhere else.
//
//   request ──▶ stage 1: accepted | retry | refused            (the answer to the sender)
//   record  ──▶ stage 2: delivered | dead_lettered | filtered | rejected(reason) | lost(reason)   (the ledger)

/** Stage 1: the outcome of one request; `answers.ts` turns it into a gRPC status or an HTTP code. */
export type Outcome = Accepted | Retry | Refused

export interface Accepted {
  readonly kind: 'accepted'
  /** OTLP log records in the request. */
  readonly records: number
  /** Records that no exporter accepted; reported in `partial_success`. */
  readonly rejected: number
  /** All records were rejected for a reason that passes, so that a protocol that can say so may ask for them again. */
  readonly passing?: boolean
  /** Empty on full success. If `rejected` is 0, it is a warning, as OTLP 1.11 allows. */
  readonly message: string
}

/** Nothing was accepted; the sender may retry the same request after `afterMs`. */
export interface Retry {
  readonly kind: 'retry'
  readonly cause: RetryCause
  readonly afterMs: number
  readonly message: string
  /** Records in the request, if counted: a request that is refused early is not read just to count them. */
  readonly records?: number
}

/** Nothing was accepted, and the same request will be refused again. */
export interface Refused {
  readonly kind: 'refused'
  readonly cause: RefusedCause
  readonly message: string
  /** Records in the request, if counted. */
  readonly records?: number
}

export type RetryCause =
  | 'budget_full'
  | 'storage_full'
  | 'storage_failed'
  | 'lane_full'
  | 'not_delivered'
  | 'not_ready'
  | 'shutting_down'
  | 'auth_unavailable'

export type RefusedCause =
  | 'malformed'
  | 'too_large'
  | 'unsupported_media_type'
  | 'unsupported_encoding'
  | 'unauthenticated'
  | 'permission_denied'
  | 'not_logs'
  | 'invalid'
  | 'key_reused'
  | 'key_in_flight'

/** Stage 2: the final outcome of one record. `queued` is the state before it, not a settlement. */
export type Settlement =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'dead_lettered' }
  | { readonly kind: 'rejected'; readonly reason: RejectedReason }
  | { readonly kind: 'lost'; readonly reason: LostReason }

/** Reasons why a record was not accepted, here or by CloudWatch: the sender or the operator has to change something. */
export const REJECTED_REASONS = [
  'too_old', // older than 14 days (PutLogEvents)
  'too_new', // more than 2 hours ahead (PutLogEvents)
  'expired_retention', // older than the group's retention; only CloudWatch knows
  'empty', // no message: PutLogEvents fails the whole request for one empty message
  'too_large', // over the event limit, with `on_oversize: reject`
  'lane_full', // this destination holds more than its share of the budget
  'poison', // CloudWatch refuses this one event in any request
  'not_permitted', // its sender may not write to this destination
] as const
export type RejectedReason = (typeof REJECTED_REASONS)[number]

/** Reasons why an acknowledged record is gone. */
export const LOST_REASONS = [
  'shutdown', // still in memory when `shutdown_timeout` ended
  'dead_letter_evicted', // pushed out of a full dead letter store
  'expired', // retried until CloudWatch would refuse it for its age, or `max_elapsed_time`
  'quarantined', // its bytes on disk are damaged
] as const
export type LostReason = (typeof LOST_REASONS)[number]

/** Reasons why a record was left out on purpose. */
export const FILTERED_REASONS = [
  'dropped_by_config',
  'dedup',
  'sampled',
  'oversize', // over the event limit, with `on_oversize: drop`
] as const
export type FilteredReason = (typeof FILTERED_REASONS)[number]

export function isFiltered(reason: string): reason is FilteredReason {
  return (FILTERED_REASONS as readonly string[]).includes(reason)
}
