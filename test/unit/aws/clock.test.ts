import { afterEach, expect, test, vi } from 'vitest'
import { Clock } from '../../../src/aws/clock.ts'

afterEach(() => void vi.useRealTimers())

test('uses the time of AWS once it is known to differ by minutes', () => {
  const clock = new Clock()
  expect(clock.offsetMs).toBe(0)
  clock.learn(-3_600_000)
  expect(clock.offsetMs).toBe(-3_600_000)
  expect(clock.now()).toBeLessThan(Date.now() - 3_000_000)
  clock.learn(-800)
  expect(clock.offsetMs).toBe(0)
})

test('forgets the offset when the clock is set', () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  const real = Date.now()
  vi.setSystemTime(real - 20 * 3_600_000)
  const clock = new Clock()
  clock.learn(20 * 3_600_000)
  expect(clock.now()).toBe(real)
  vi.setSystemTime(real)
  expect(clock.now()).toBe(real)
})
