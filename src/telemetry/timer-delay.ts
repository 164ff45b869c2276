/** Maximum delay of a Node timer, ms (24.8 days). A longer or negative delay fires at once and prints a warning. */
const MAX_TIMER_MS = 2 ** 31 - 1

/** Returns a delay clamped to the range of a Node timer. A clamped timer fires early: its callback has to check the time. */
export function timerDelay(ms: number): number {
  return Math.min(Math.max(0, Math.ceil(ms)), MAX_TIMER_MS)
}
