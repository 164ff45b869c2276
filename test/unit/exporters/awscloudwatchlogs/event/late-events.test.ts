import { describe, expect, test } from 'vitest'
import { itemTime } from '../../../../../src/delivery/contract/items.ts'
import { recordsRequest } from '../../../../fakes/logs-request.ts'
import { eventsOf, NOW_MS, NOW_NANOS, routedOf, transcoder } from './transcode-request.ts'

const MS = 1_000_000n
const DAY_MS = 86_400_000
const OLD = NOW_NANOS - 20n * BigInt(DAY_MS) * MS
const AHEAD = NOW_NANOS + 5n * 3_600_000n * MS
const request = recordsRequest(
  { time: NOW_NANOS, body: 'now' },
  { time: OLD, body: 'old' },
  { time: AHEAD, body: 'ahead' },
)

describe('late_events', () => {
  test('clamp stores them under the nearest time CloudWatch accepts, their own in the event', () => {
    const [now, old, ahead] = eventsOf(request, { lateEvents: 'clamp' })
    expect(now).toMatchObject({ timestamp: NOW_MS, message: '{"body":"now"}' })
    expect(old?.timestamp).toBeGreaterThan(NOW_MS - 14 * DAY_MS)
    expect(old?.timestamp).toBeLessThan(NOW_MS - 13 * DAY_MS)
    expect(JSON.parse(old?.message ?? '')).toEqual({ original_timestamp: NOW_MS - 20 * DAY_MS, body: 'old' })
    expect(ahead?.timestamp).toBeGreaterThan(NOW_MS + 3_600_000)
    expect(ahead?.timestamp).toBeLessThan(NOW_MS + 2 * 3_600_000)
    expect(JSON.parse(ahead?.message ?? '')).toEqual({ original_timestamp: NOW_MS + 5 * 3_600_000, body: 'ahead' })
  })

  test('divert stores them in a separate group under the current time, and leaves the others in theirs', () => {
    const routed = routedOf(request, { lateEvents: 'divert', group: 'g', stream: 's' })
    expect([...routed.keys()].sort()).toEqual(['g:s', 'late:late'])
    expect(routed.get('late:late')?.map(({ timestamp }) => timestamp)).toEqual([NOW_MS, NOW_MS])
    expect(routed.get('g:s')?.map(({ message }) => message)).toEqual(['{"body":"now"}'])
  })

  test('dead_letter keeps them as they are, separate from the others, by reason', () => {
    const keeping = transcoder({ lateEvents: 'dead_letter', group: 'g', stream: 's' })
    const { rejected, routed } = keeping.transcode(request, NOW_MS)
    expect(rejected.count).toBe(0)
    const found = routed.map(({ lane, dead, items }) => [lane, dead?.reason, itemTime(items, 0), items.count])
    expect(found).toEqual([
      ['g:s', undefined, NOW_MS, 1],
      ['g:s', 'too_old', NOW_MS - 20 * DAY_MS, 1],
      ['g:s', 'too_new', NOW_MS + 5 * 3_600_000, 1],
    ])
    expect(keeping.late).toBe(0)
  })

  test('counts accepted late events', () => {
    const clamping = transcoder({ lateEvents: 'clamp' })
    expect(clamping.transcode(request, NOW_MS).rejected.count).toBe(0)
    expect(clamping.late).toBe(2)
  })

  test('counts the bytes of the time it keeps', () => {
    for (const { message, counted } of eventsOf(request, { lateEvents: 'clamp' }))
      expect(counted).toBe(Buffer.byteLength(message) + 26)
  })
})
