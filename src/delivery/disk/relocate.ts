import type { Segment } from './segment.ts'

/** A sealed segment with less than this share waited for is worth moving… */
const LIVE_SHARE = 0.25
/** …unless it is being drained just now, and will be empty by itself. */
const SETTLED_FOR_MS = 5_000

/** The oldest segment whose space is worth getting back. */
export function relocatable(
  segments: Iterable<Segment>,
  current: Segment | undefined,
  segmentBytes: number,
): Segment | undefined {
  const now = performance.now()
  for (const segment of segments) {
    if (segment === current || !segment.sealed || segment.live.size === 0) continue
    if (
      segment.liveBytes < segmentBytes * LIVE_SHARE &&
      segment.bytes > segment.liveBytes * 2 &&
      now - segment.settledAtMs > SETTLED_FOR_MS
    )
      return segment
  }
  return undefined
}
