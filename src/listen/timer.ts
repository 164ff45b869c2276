/** What a Node timer can hold, ms (24.8 days); one more and it fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1

/** A configured duration as a timer takes it. */
export function timerMs(ms: number): number {
  return Math.min(Math.ceil(ms), MAX_TIMER_MS)
}
