// Hot path; bench: test/bench/transcode.ts
//
// Event times that CloudWatch does not accept:
//
//   … too_old │ 14 days ago ………… now ………… 2 hours ahead │ too_new …

import { MAX_AGE_MS, MAX_AHEAD_MS } from '../limits.ts'
import type { LateDeath, LateReason } from '../route/route.ts'

/** Describes the time of a late event. */
const LATE: Readonly<Record<LateReason, string>> = {
  too_old: 'more than 14 days ago',
  too_new: 'more than 2 hours ahead',
}
/** One for all events: a request may have half a million. */
export const LATE_DEATHS: Readonly<Record<LateReason, LateDeath>> = {
  too_old: { reason: 'too_old', error: `its time is ${LATE.too_old}` },
  too_new: { reason: 'too_new', error: `its time is ${LATE.too_new}` },
}
/** Distance of a clamped event from the limits of CloudWatch. */
const CLAMP_MARGIN_MS = 30 * 60_000

/** Returns undefined for a time that CloudWatch accepts. */
export function lateness(timestamp: number, nowMs: number): LateReason | undefined {
  if (timestamp < nowMs - MAX_AGE_MS) return 'too_old'
  return timestamp > nowMs + MAX_AHEAD_MS ? 'too_new' : undefined
}

/** Returns the time closest to the event's that CloudWatch accepts, with a margin for the wait in the queue. */
export function nearestTime(reason: LateReason, nowMs: number): number {
  return reason === 'too_old' ? nowMs - MAX_AGE_MS + CLAMP_MARGIN_MS : nowMs + MAX_AHEAD_MS - CLAMP_MARGIN_MS
}

/** Explains a rejected time to the sender. */
export function describeLate(timestamp: number, reason: LateReason): string {
  return `its time ${isoTime(timestamp)} is ${LATE[reason]}`
}

/** The number itself if it is too large for a date. */
export function isoTime(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : `${ms} ms`
}
