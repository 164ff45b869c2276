import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { countedBytes, heldBytes, itemTime } from '../../../../../src/delivery/contract/items.ts'
import { QueuedBatch } from '../../../../../src/delivery/contract/queue.ts'
import { destination } from '../../../../../src/exporters/awscloudwatchlogs/route/destination.ts'
import { rescueLate } from '../../../../../src/exporters/awscloudwatchlogs/event/rescue.ts'
import { recordsRequest } from '../../../../fakes/logs-request.ts'
import { NOW_MS, NOW_NANOS, transcoder } from './transcode-request.ts'

beforeEach(() => void vi.useFakeTimers({ now: NOW_MS }))
afterEach(() => void vi.useRealTimers())

const HERE = destination('/app', 's')
const LATE = destination('/late', 'late')
const DAY_MS = 86_400_000

/** Three records that are `ageMs` old, as a run of the last two. */
function run(agoMs: number) {
  const time = NOW_NANOS - BigInt(agoMs) * 1_000_000n
  const request = recordsRequest(...['a', 'b', 'c'].map((body) => ({ body, time })))
  const items = transcoder().transcode(request, NOW_MS).routed[0]?.items
  if (items === undefined) throw new Error('nothing was written')
  return { batch: new QueuedBatch(items, 3, countedBytes(items), heldBytes(items), NOW_MS), from: 1, to: 3 }
}

test.each(['clamp', 'divert'] as const)(
  '%s stores events past a group’s retention under the current time',
  (policy) => {
    const rescued = rescueLate(policy, LATE)?.(HERE, run(10 * DAY_MS), 'expired_retention')
    expect(rescued?.lane).toBe(policy === 'clamp' ? HERE.key : LATE.key)
    expect(rescued?.items.count).toBe(2)
    const text = Buffer.from(rescued?.items.bytes ?? []).toString()
    expect(text).toContain(`\\"original_timestamp\\":${NOW_MS - 10 * DAY_MS},\\"body\\":\\"b\\"`)
    expect(text).not.toContain('\\"a\\"')
    expect(rescued && itemTime(rescued.items, 0)).toBe(NOW_MS)
  },
)

test('an event refused for another reason, or with the current time already, is not restamped', () => {
  const rescue = rescueLate('divert', LATE)
  expect(rescue?.(HERE, run(10 * DAY_MS), 'poison')).toBeUndefined()
  expect(rescue?.(HERE, run(0), 'too_new')).toBeUndefined()
})

test.each(['reject', 'dead_letter'] as const)('with %s there is no other destination', (policy) => {
  expect(rescueLate(policy, LATE)).toBeUndefined()
})
