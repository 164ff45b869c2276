import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { backoffMs } from '../../../../src/delivery/faults/backoff.ts'
import { FaultScope, type FaultScopeOptions } from '../../../../src/delivery/faults/fault-scope.ts'

const OPTIONS: FaultScopeOptions = {
  backoff: { initialMs: 1_000, multiplier: 2, maxMs: 30_000 },
  maxConcurrency: 16,
  firstConcurrency: 16,
  faultsToOpen: 1,
}

beforeEach(() => {
  vi.useFakeTimers()
  // Waits are random; at their bound they are the longest.
  vi.spyOn(Math, 'random').mockReturnValue(0.999_999)
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

/** A scope, and the names of those it woke. */
function scopeOf(options: Partial<FaultScopeOptions> = {}) {
  const woken: string[] = []
  const scope = new FaultScope<string>('endpoint', 'e', { ...OPTIONS, ...options }, (waiter) => void woken.push(waiter))
  const put = (end: 'succeed' | 'fail' | 'pass') => {
    scope.begin()
    scope.end()
    return end === 'fail' ? scope.fail('broken', 0, false) : scope[end]()
  }
  return { scope, woken, put }
}

/** How many puts it lets out at this moment. */
function room(scope: FaultScope<string>): number {
  let count = 0
  for (; scope.admits; count++) scope.begin()
  for (let i = 0; i < count; i++) scope.end()
  return count
}

describe('the breaker', () => {
  test('opens, asks with one put, and closes', () => {
    const { scope, put } = scopeOf()
    expect(put('fail')).toBe(true)
    expect([scope.state, scope.admits]).toEqual(['open', false])
    expect(scope.opensInMs).toBeGreaterThan(900)
    vi.advanceTimersByTime(1_000)
    expect(scope.state).toBe('half_open')
    expect(room(scope)).toBe(1)
    expect(put('succeed')).toBe(true)
    expect(scope.state).toBe('closed')
  })

  test('a probe that fails opens it again, for longer', () => {
    const { scope, put } = scopeOf()
    const waits: number[] = []
    for (let i = 0; i < 8; i++) {
      put('fail')
      waits.push(Math.round(scope.opensInMs))
      vi.advanceTimersByTime(scope.opensInMs + 1)
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
  })

  test('a shared scope opens after several faults in a row only, and a success starts the row anew', () => {
    const { scope, put } = scopeOf({ faultsToOpen: 3 })
    put('fail')
    put('fail')
    put('succeed')
    put('fail')
    put('fail')
    expect(scope.state).toBe('closed')
    put('fail')
    expect(scope.state).toBe('open')
  })

  test('answers of puts that were under way when it opened change nothing', () => {
    const { scope, put } = scopeOf()
    scope.begin()
    put('fail')
    const wait = scope.opensInMs
    scope.end()
    expect(scope.fail('late', 0, false)).toBe(false)
    scope.begin()
    scope.end()
    expect(scope.succeed()).toBe(false)
    expect([scope.state, scope.opensInMs]).toEqual(['open', wait])
    vi.advanceTimersByTime(1_000)
    put('fail')
    expect(Math.round(scope.opensInMs)).toBe(2_000) // it opened for the second time, however many puts failed
  })

  test('waits as long as it was asked to', () => {
    const { scope } = scopeOf()
    scope.fail('slow down', 7_000, false)
    expect(Math.round(scope.opensInMs)).toBe(7_000)
  })

  test('leaves no timer when it is closed for good', () => {
    const { scope, put } = scopeOf()
    put('fail')
    scope.close()
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('concurrency', () => {
  test('starts slowly where a fleet starts together, and doubles', () => {
    const { scope, put } = scopeOf({ firstConcurrency: 1 })
    expect(room(scope)).toBe(1)
    put('succeed')
    expect(room(scope)).toBe(2)
    for (let i = 0; i < 2; i++) put('succeed')
    expect(room(scope)).toBe(4)
    for (let i = 0; i < 100; i++) put('succeed')
    expect(room(scope)).toBe(16)
  })

  test('a fault halves the place up to which it doubles; beyond that it grows by one a round', () => {
    const { scope, put } = scopeOf()
    put('fail')
    vi.advanceTimersByTime(1_000)
    put('succeed')
    expect(room(scope)).toBe(1)
    for (let i = 0; i < 7; i++) put('succeed')
    expect(room(scope)).toBe(8) // half of 16, by one for each success
    for (let i = 0; i < 8; i++) put('succeed')
    expect(room(scope)).toBe(8)
    put('succeed')
    expect(room(scope)).toBe(9) // one more for a whole round of them
  })
})

describe('who waits', () => {
  test('is woken when there is room, as many as there is', () => {
    const { scope, woken, put } = scopeOf({ maxConcurrency: 2, firstConcurrency: 2 })
    scope.begin()
    scope.begin()
    for (const name of ['a', 'b', 'c']) scope.wait(name)
    scope.end()
    scope.pass()
    expect(woken).toEqual(['a'])
    scope.end()
    put('succeed')
    expect(woken).toEqual(['a', 'b', 'c'])
    expect(scope.waiting).toBe(0)
  })

  test('one is woken for the probe', () => {
    const { scope, woken, put } = scopeOf()
    put('fail')
    for (const name of ['a', 'b']) scope.wait(name)
    vi.advanceTimersByTime(1_000)
    expect(woken).toEqual(['a'])
  })

  test('is woken by a fault that does not open the scope: it is another’s', () => {
    const { scope, woken } = scopeOf({ maxConcurrency: 1, firstConcurrency: 1, faultsToOpen: 3 })
    scope.begin()
    scope.wait('a')
    scope.end()
    scope.fail('not mine', 0, false)
    expect(woken).toEqual(['a'])
  })

  test('is not woken any more once it has left', () => {
    const { scope, woken, put } = scopeOf()
    put('fail')
    for (const name of ['a', 'b']) scope.wait(name)
    scope.leave('a')
    vi.advanceTimersByTime(1_000)
    expect(woken).toEqual(['b'])
  })
})

describe('backoff', () => {
  const options = { initialMs: 200, multiplier: 1.5, maxMs: 5_000 }

  test('is random between 0 and a growing bound', () => {
    const bounds = [1, 2, 3, 4, 20].map((failures) => Math.round(backoffMs(options, failures, 0, false)))
    expect(bounds).toEqual([200, 300, 450, 675, 5_000])
    vi.mocked(Math.random).mockReturnValue(0)
    expect(backoffMs(options, 20, 0, false)).toBe(0)
  })

  test('of a fault that lasts begins long, with jitter, and within the longest wait', () => {
    expect(Math.round(backoffMs({ ...options, maxMs: 30_000 }, 1, 0, true))).toBe(15_000)
    expect(Math.round(backoffMs(options, 1, 0, true))).toBe(5_000)
    vi.mocked(Math.random).mockReturnValue(0)
    expect(backoffMs({ ...options, maxMs: 30_000 }, 1, 0, true)).toBe(7_500)
  })

  test('is never shorter than what was asked for', () => {
    expect(backoffMs(options, 1, 9_000, false)).toBe(9_000)
  })

  test('does not overflow after very many failures', () => {
    expect(Math.round(backoffMs(options, 100_000, 0, false))).toBe(5_000)
  })
})
