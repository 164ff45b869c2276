import { expect, test } from 'vitest'
import { retryAfterMs } from '../../../src/aws/retry-after.ts'

const DATE = 'Sat, 28 Nov 2026 10:00:00 GMT'

test.each<[headers: Record<string, string>, ms: number]>([
  [{ 'x-amz-retry-after': '1500' }, 1_500],
  [{ 'x-amz-retry-after': '1500', 'retry-after': '9' }, 1_500],
  [{ 'x-amz-retry-after': 'soon', 'retry-after': '9' }, 9_000],
  [{ 'x-amz-retry-after': '99999999' }, 60_000],
  [{ 'retry-after': '3' }, 3_000],
  [{ 'retry-after': 'Sat, 28 Nov 2026 10:00:07 GMT', date: DATE }, 7_000],
  [{ 'retry-after': 'Saturday, 28-Nov-26 10:00:07 GMT', date: DATE }, 7_000],
  [{ 'retry-after': 'Sat Nov 28 10:00:07 2026 GMT', date: DATE }, 7_000],
  [{ 'retry-after': 'Sun, 29 Nov 2026 10:00:00 GMT', date: DATE }, 60_000],
  [{ 'retry-after': 'Sat, 28 Nov 2026 09:59:00 GMT', date: DATE }, 0],
  [{ 'retry-after': 'Sat, 32 Nov 2026 09:59:00 GMT', date: DATE }, 0],
  [{ 'retry-after': 'soon 1' }, 0],
  [{ 'retry-after': '1e9' }, 0],
  [{}, 0],
])('%j waits %i ms', (headers, ms) => expect(retryAfterMs(headers)).toBe(ms))

test('a date without the time of the answer is measured from now', () => {
  const wait = retryAfterMs({ 'retry-after': new Date(Date.now() + 20_000).toUTCString() })
  expect(wait).toBeGreaterThan(5_000)
  expect(wait).toBeLessThanOrEqual(20_000)
})
