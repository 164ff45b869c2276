import { describe, expect, test } from 'vitest'
import { memoryLimiterProcessor } from '../../../../src/processors/memory_limiter/index.ts'

const shape = (yaml: object) => memoryLimiterProcessor.shape(memoryLimiterProcessor.config.parse(yaml))

describe('memory_limiter', () => {
  test('makes limit_mib the byte budget', () => {
    expect(shape({ check_interval: '1s', limit_mib: 400, spike_limit_mib: 100 })).toEqual({
      budgetBytes: 400 * 1024 ** 2,
      notes: ['memory_limiter is the byte budget here: requests that would take buffers over 400 MiB have to wait'],
    })
  })

  test('makes limit_percentage a share of the memory limit', () => {
    const { budgetBytes, budgetShare } = shape({
      check_interval: '1s',
      limit_percentage: 75,
      spike_limit_percentage: 20,
    })
    expect(budgetBytes).toBeUndefined()
    expect(budgetShare).toBe(0.75)
  })

  test('prefers limit_mib to limit_percentage, as the collector does', () => {
    const { budgetBytes, budgetShare } = shape({ check_interval: '1s', limit_mib: 1, limit_percentage: 75 })
    expect(budgetBytes).toBe(1024 ** 2)
    expect(budgetShare).toBeUndefined()
  })

  test.for([
    [{ limit_mib: 1 }, 'check_interval', 'write a number and a unit'],
    [{ check_interval: '0s', limit_mib: 1 }, 'check_interval', 'must be longer than 0'],
    [{ check_interval: '1s' }, '', 'needs limit_mib or limit_percentage'],
    [{ check_interval: '1s', limit_mib: 10, spike_limit_mib: 10 }, 'spike_limit_mib', 'smaller than limit_mib'],
    [
      { check_interval: '1s', limit_percentage: 10, spike_limit_percentage: 20 },
      'spike_limit_percentage',
      'smaller than limit_percentage',
    ],
    [{ check_interval: '1s', limit_percentage: 101 }, 'limit_percentage', 'is a percentage'],
    [
      { check_interval: '1s', limit_percentage: 90, spike_limit_percentage: 101 },
      'spike_limit_percentage',
      'is a percentage',
    ],
  ] as const)('refuses %j', ([yaml, path, message]) => {
    const issue = memoryLimiterProcessor.config.safeParse(yaml).error?.issues[0]
    expect(issue?.path.join('.')).toBe(path)
    expect(issue?.message).toContain(message)
  })
})
