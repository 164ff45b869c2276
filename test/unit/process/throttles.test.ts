import { expect, test } from 'vitest'
import { Throttles } from '../../../src/process/throttles.ts'

const news = (exporter: string, account: string, afterMs: number) => ({ exporter, account, afterMs, message: 'Rate' })

test('the longest wait of an account is passed on with its remaining time, and for ten seconds more', () => {
  const throttles = new Throttles()
  expect(throttles.news(0)).toEqual([])
  throttles.record(news('a', 'eu-west-1', 4_000), 1_000)
  throttles.record(news('a', 'eu-west-1', 2_000), 1_000)
  throttles.record(news('b', 'eu-west-1', 20_000), 1_000)
  expect(throttles.news(2_000)).toEqual([news('a', 'eu-west-1', 3_000), news('b', 'eu-west-1', 19_000)])
  expect(throttles.news(14_000)).toEqual([news('a', 'eu-west-1', 0), news('b', 'eu-west-1', 7_000)])
  expect(throttles.news(15_000)).toEqual([news('b', 'eu-west-1', 6_000)])
  expect(throttles.news(31_000)).toEqual([])
})
