import { Clock } from '../../../aws/clock.ts'
import type { DeliveryItems } from '../../../delivery/contract/lane-items.ts'
import { cutOut, type ItemBatch, itemTime } from '../../../delivery/contract/items.ts'
import type { Rescue } from '../../../delivery/dead-letters/unwanted.ts'
import type { Destination } from '../route/destination.ts'
import { restamp } from './restamp.ts'
import type { LatePolicy } from './transcode.ts'

/** Late events that only CloudWatch's answer identifies, since the retention of a group is not known here. */
const LATE: ReadonlySet<string> = new Set(['too_old', 'too_new', 'expired_retention'])
/** Events within an hour of now are skipped: restamping would not help them. */
const CURRENT_MS = 3_600_000

/** @returns Returns undefined if late events are not stored */
export function rescueLate(
  policy: LatePolicy,
  late: Destination,
  clock = new Clock(),
): Rescue<Destination> | undefined {
  if (policy !== 'clamp' && policy !== 'divert') return undefined
  return (destination, { batch, from, to }, reason): DeliveryItems<Destination> | undefined => {
    if (batch.items === undefined || !LATE.has(reason)) return undefined
    const now = clock.now()
    if (isCurrent(batch.items, from, to, now)) return undefined
    const target = policy === 'divert' ? late : destination
    return { lane: target.key, destination: target, items: restamp(cutOut(batch.items, from, to), now) }
  }
}

function isCurrent(items: ItemBatch, from: number, to: number, nowMs: number): boolean {
  for (let item = from; item < to; item++) if (Math.abs(itemTime(items, item) - nowMs) < CURRENT_MS) return true
  return false
}
