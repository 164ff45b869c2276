import { describe, expect, test } from 'vitest'
import { batchProcessor } from '../../../../src/processors/batch/index.ts'

const shape = (yaml: object) => batchProcessor.shape(batchProcessor.config.parse(yaml))

describe('batch', () => {
  test.for([
    [{}, 200, 8192, "with the collector's defaults"],
    [{ timeout: '5s', send_batch_size: 100 }, 5_000, 100, 'send_batch_size alone is the most'],
    [{ send_batch_size: 100, send_batch_max_size: 500 }, 200, 500, 'send_batch_max_size goes before it'],
    [{ timeout: 0 }, 0, 8192, 'timeout 0 sends at once'],
    [{ timeout: '5s', send_batch_size: 0 }, 0, undefined, 'send_batch_size 0 sends at once, whatever the timeout'],
    [{ send_batch_size: 0, send_batch_max_size: 10 }, 0, 10, 'and keeps to the maximum'],
  ] as const)('%j flushes after %i ms or with %s events: %s', ([yaml, flushIntervalMs, maxBatchEvents]) => {
    expect(shape(yaml)).toMatchObject({ flushIntervalMs, ...(maxBatchEvents && { maxBatchEvents }) })
    expect(shape(yaml).maxBatchEvents).toBe(maxBatchEvents)
  })

  test('logs that it holds no records, and what it does instead', () => {
    expect(shape({}).notes).toEqual(['batch holds no records here: exporters flush after 200 ms or with 8192 events'])
  })

  test.for([
    [{ send_batch_size: 100, send_batch_max_size: 99 }, 'is smaller than send_batch_size'],
    [{ metadata_keys: ['tenant'] }, 'is not supported yet: remove it; records are batched by destination'],
    [{ timeout: '-1s' }, 'is not a duration'],
    [{ send_batch_size: -1 }, '>=0'],
  ] as const)('refuses %j', ([yaml, message]) => {
    expect(batchProcessor.config.safeParse(yaml).error?.message).toContain(message)
  })

  test('takes metadata_cardinality_limit, which has no effect without metadata_keys', () => {
    expect(batchProcessor.config.safeParse({ metadata_cardinality_limit: 1000 }).success).toBe(true)
  })
})
