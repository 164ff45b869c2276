import { expect, test } from 'vitest'
import { configSchema } from '../../../../../src/exporters/awscloudwatchlogs/config.ts'
import { resolve } from '../../../../../src/exporters/awscloudwatchlogs/settings/resolve.ts'

const lanesOf = (batch: object | undefined) =>
  resolve(
    configSchema.parse({
      log_group_name: 'g',
      log_stream_name: 's',
      flush_interval: '3s',
      sending_queue: { ...(batch && { batch }) },
    }),
    1,
    {},
  ).lanes

test.each([
  [{}, 200, { maxItems: 10_000, maxCountedBytes: 1_048_576 }],
  [{ flush_timeout: '1s', min_size: 100, max_size: 200 }, 1_000, { maxItems: 200, fullItems: 100 }],
  [{ sizer: 'items', min_size: 100 }, 200, { maxItems: 10_000, fullItems: 100 }],
  [{ sizer: 'items', max_size: 0 }, 200, { maxItems: 10_000 }],
  [{ sizer: 'bytes', min_size: 5_000, max_size: 9_000 }, 200, { maxCountedBytes: 9_000, fullCountedBytes: 5_000 }],
  [{ sizer: 'bytes', max_size: 5_000_000 }, 200, { maxCountedBytes: 1_048_576 }],
])('sending_queue.batch %j sets how lanes flush', (batch, flushIntervalMs, policy) => {
  expect(lanesOf(batch)).toMatchObject({ flushIntervalMs, policy })
})

test('without it lanes flush by flush_interval, or when a put of CloudWatch is full', () => {
  const { flushIntervalMs, policy } = lanesOf(undefined)
  expect([flushIntervalMs, policy.maxItems, policy.fullItems, policy.fullCountedBytes]).toEqual([
    3_000,
    10_000,
    undefined,
    undefined,
  ])
})
