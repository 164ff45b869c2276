import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { backoffMs } from '../../../../src/delivery/faults/backoff.ts'
import { FaultScope, type FaultScopeOptions, type ScopeFault } from '../../../../src/delivery/faults/fault-scope.ts'

const OPTIONS: FaultScopeOptions<string> = {
  backoff: { initialMs: 1_000, multiplier: 2, maxMs: 30_000 },
  maxConcurrency: 16,
  firstConcurrency: 16,
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

const BROKEN: ScopeFault = { message: 'broken', afterMs: 0, lasting: false }

/** A scope, and the names of those it woke. */
function scopeOf(options: Partial<FaultScopeOptions<string>> = {}) {
  const woken: string[] = []
  const scope = new FaultScope<string>('endpoint', 'e', { ...OPTIONS, ...options }, (waiter) => void woken.push(waiter))
  const put = (end: 'succeed' | 'fail' | 'pass') => {
    scope.begin()
    scope.end()
    return end === 'fail' ? scope.fail(BROKEN) : scope[end]()
  }
  // The start counts as a success: no scope that needs witnesses opens within 5 s of it.
  if (options.witnesses !== undefined) vi.advanceTimersByTime(5_000)
  const failFor = (witness: string) => scope.fail({ ...BROKEN, witness })
  return { scope, woken, put, failFor }
}

/** How many puts it lets out at this moment. */
function room(scope: FaultScope<string>): number {
  let count = 0
  for (; scope.admits('any'); count++) scope.begin()
  for (let i = 0; i < count; i++) scope.end()
  return count
}

describe('the breaker', () => {
  test('opens, probes with one put, and closes', () => {
    const { scope, put } = scopeOf()
    expect(put('fail')).toBe(true)
    expect([scope.state, scope.admits('any')]).toEqual(['open', false])
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

  test('opens after several faults in a row where one proves nothing, and a success starts the count afresh', () => {
    const { scope, put } = scopeOf()
    const fail = () => scope.fail({ ...BROKEN, faultsToOpen: 3 })
    fail()
    fail()
    put('succeed')
    fail()
    fail()
    expect(scope.state).toBe('closed')
    fail()
    expect(scope.state).toBe('open')
  })

  test('a scope that needs witnesses stays closed for two groups, however often they fail', () => {
    const { scope, failFor } = scopeOf({ witnesses: 3 })
    for (let i = 0; i < 50; i++) for (const group of ['a', 'b']) failFor(group)
    expect(scope.state).toBe('closed')
    failFor('c')
    expect(scope.state).toBe('open')
  })

  test('a scope that needs witnesses stays closed while something succeeds in it', () => {
    const { scope, put, failFor } = scopeOf({ witnesses: 3 })
    for (let second = 0; second < 20; second++) {
      put('succeed')
      for (const group of ['a', 'b', 'c', 'd']) failFor(group)
      vi.advanceTimersByTime(1_000)
    }
    expect(scope.state).toBe('closed')
    vi.advanceTimersByTime(5_000)
    failFor('a')
    expect(scope.state).toBe('open')
  })

  test('is probed at once, and then often, while the process ends', () => {
    const { scope, woken, put } = scopeOf()
    for (let i = 0; i < 6; i++) {
      put('fail')
      vi.advanceTimersByTime(scope.opensInMs + 1)
    }
    put('fail')
    scope.wait('a')
    expect(scope.opensInMs).toBeGreaterThan(20_000)
    scope.hasten(1_000)
    expect([scope.state, woken]).toEqual(['half_open', ['a']])
    put('fail')
    expect(Math.round(scope.opensInMs)).toBe(1_000)
  })

  test('keeps to the wait it was asked for while the process ends', () => {
    const { scope } = scopeOf()
    scope.fail({ ...BROKEN, afterMs: 7_000 })
    scope.hasten(1_000)
    expect(Math.round(scope.opensInMs)).toBe(7_000)
  })

  test('answers of puts that were in flight when it opened change nothing', () => {
    const { scope, put } = scopeOf()
    scope.begin()
    put('fail')
    const wait = scope.opensInMs
    scope.end()
    expect(scope.fail(BROKEN)).toBe(false)
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
    scope.fail({ ...BROKEN, afterMs: 7_000 })
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

  test('a fault halves the threshold up to which it doubles; beyond that it grows by one a round', () => {
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

describe('waiting lanes', () => {
  test('are woken when there is room, as many as fit', () => {
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

  test('the probe is sent by the latest success, then by one that never failed, then by the oldest failure', () => {
    const ranks: Record<string, number> = { failed: 40, older: 30, fresh: 0, early: -10, late: -20 }
    const { scope, woken, put } = scopeOf({ rank: (name) => ranks[name] ?? 0 })
    put('fail')
    for (const name of Object.keys(ranks)) scope.wait(name)
    for (let i = 0; i < 5; i++) {
      vi.advanceTimersByTime(scope.opensInMs + 1)
      put('fail')
    }
    expect(woken).toEqual(['late', 'early', 'fresh', 'older', 'failed'])
  })

  test('one that has not failed probes before the time, but not within a second of the last probe', () => {
    const { scope, woken, put, failFor } = scopeOf({
      witnesses: 2,
      rank: (name) => (name.startsWith('failed') ? 1 : 0),
    })
    for (const group of ['a', 'b']) failFor(group)
    for (let i = 0; i < 5; i++) {
      vi.advanceTimersByTime(scope.opensInMs + 1)
      put('fail')
    }
    scope.wait('failed')
    expect(scope.opensInMs).toBeGreaterThan(20_000)
    scope.wait('works')
    expect([scope.state, Math.round(scope.opensInMs)]).toEqual(['open', 1_000])
    vi.advanceTimersByTime(1_000)
    expect([scope.state, woken]).toEqual(['half_open', ['works']])
    put('fail')
    vi.advanceTimersByTime(10_000)
    scope.wait('works too')
    vi.advanceTimersByTime(0)
    expect([scope.state, woken]).toEqual(['half_open', ['works', 'works too']])
  })

  test('one that has not failed goes out beside a probe that hangs', () => {
    const { scope, woken, failFor } = scopeOf({ witnesses: 1, rank: (name) => (name === 'failed' ? 1 : 0) })
    failFor('a')
    scope.wait('failed')
    vi.advanceTimersByTime(scope.opensInMs + 1)
    scope.begin()
    expect([woken, scope.admits('works'), scope.admits('failed')]).toEqual([['failed'], false, false])
    scope.wait('works')
    vi.advanceTimersByTime(1_000)
    expect([woken, scope.admits('works'), scope.admits('failed')]).toEqual([['failed', 'works'], true, false])
    scope.begin()
    scope.end()
    scope.succeed()
    expect(scope.state).toBe('closed')
  })

  test('one that has not failed waits as long as the destination asked for', () => {
    const { scope, woken } = scopeOf({ witnesses: 1, rank: () => 0 })
    scope.fail({ ...BROKEN, witness: 'a', afterMs: 7_000 })
    scope.wait('works')
    expect([scope.state, woken]).toEqual(['open', []])
  })

  test('are woken by another lane’s fault that does not open the scope', () => {
    const { scope, woken } = scopeOf({ maxConcurrency: 1, firstConcurrency: 1, witnesses: 3 })
    scope.begin()
    scope.wait('a')
    scope.end()
    scope.fail(BROKEN)
    expect(woken).toEqual(['a'])
  })

  test('are not woken once they have left', () => {
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
