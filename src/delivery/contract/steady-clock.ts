/**
 * ms since the epoch, as the wall clock had it when the process started, and never set back or forward since. For ages and
 * durations that are kept beside times of an earlier process; a step of the wall clock must not expire what waits.
 */
export function steadyNowMs(): number {
  return performance.timeOrigin + performance.now()
}
