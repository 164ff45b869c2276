import { expect, test } from 'vitest'
import { timerDelay } from '../../../src/telemetry/timer-delay.ts'

test.each([
  [-5, 0],
  [0, 0],
  [0.2, 1],
  [1_000, 1_000],
  [2 ** 31, 2 ** 31 - 1],
  [Number.POSITIVE_INFINITY, 2 ** 31 - 1],
])('%d ms is %d for a timer', (ms, delay) => expect(timerDelay(ms)).toBe(delay))
