/** Longest delay of a Node timer, ms (24.8 days). A longer one fires at once, and so does one below 0; both print a warning. */
const MAX_TIMER_MS = 2 ** 31 - 1

/** A computed or configured delay as a Node timer takes it. A timer that was cut short has to look whether its time has come. */
export function timerDelay(ms: number): number {
  return Math.min(Math.max(0, Math.ceil(ms)), MAX_TIMER_MS)
}
