/**
 * Returns ms since the epoch by the wall clock at process start plus the monotonic time since. For ages that are compared
 * with times of an earlier process; a step of the wall clock must not expire waiting items.
 */
export function steadyNowMs(): number {
  return performance.timeOrigin + performance.now()
}
