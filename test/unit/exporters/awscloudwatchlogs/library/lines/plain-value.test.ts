import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { type Plain, PlainCopier } from '../../../../../../src/exporters/awscloudwatchlogs/library/lines/plain-value.ts'

const copy = (value: unknown) => new PlainCopier().copy(value)

/** Values in a copy. */
function count(value: Plain | undefined): number {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return 1
  return Object.values(value).reduce<number>((sum, each) => sum + count(each), 1)
}

describe('a copy', () => {
  test('of one object in two places is not circular', () => {
    const shared = { a: 1 }
    expect(copy({ x: shared, y: [shared] })).toEqual({ x: { a: 1 }, y: [{ a: 1 }] })
  })

  test('has a bound on values, text and depth', () => {
    const wide = Array.from({ length: 1_000_000 }, (_, i) => i)
    expect(count(copy(wide))).toBeLessThan(10_010)
    expect(count(copy(new Set(wide)))).toBeLessThan(10_010)
    expect(count(copy(new Map(wide.map((i) => [i, i]))))).toBeLessThan(10_010)
    let graph: unknown = 'leaf'
    for (let i = 0; i < 40; i++) graph = [graph, graph]
    expect(count(copy(graph))).toBeLessThan(30_000)
    expect(JSON.stringify(copy(['x'.repeat(3_000_000), 'y'.repeat(3_000_000)])).length).toBeLessThan(1_100_000)
    expect((copy(new Uint8Array(50_000_000)) as Uint8Array).length).toBeLessThan(800_000)
  })

  test('of an error has its type, causes, errors and own members', () => {
    const error = Object.assign(new RangeError('outer', { cause: 'text' }), { code: 'E1' })
    expect(copy(error)).toMatchObject({ type: 'RangeError', message: 'outer', cause: 'text', code: 'E1' })
    expect(copy(new AggregateError([new Error('a')], 'many'))).toMatchObject({ errors: [{ message: 'a' }] })
    const loop = new Error('loop')
    loop.cause = loop
    expect(copy(loop)).toMatchObject({ cause: '[circular]' })
    expect(copy(runInNewContext("new Error('other realm')"))).toMatchObject({ message: 'other realm' })
  })

  test('of what throws says so, also if the thrown value throws', () => {
    const hostile = (thrown: unknown) => ({
      toJSON() {
        throw thrown
      },
    })
    expect(copy(hostile(new Error('no')))).toBe('[threw no]')
    expect(copy(hostile(Object.create(null)))).toBe('[threw]')
    const trap = new Proxy([], {
      get() {
        throw new Error('trap')
      },
    })
    expect(copy(trap)).toBe('[threw trap]')
  })

  test('keeps keys such as __proto__ as members', () => {
    const copied = copy(JSON.parse('{"__proto__":{"polluted":true}}')) as Record<string, unknown>
    expect(Object.keys(copied)).toEqual(['__proto__'])
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })

  test('of a map has keys of any type', () => {
    const map = new Map<unknown, unknown>([[1, 'a'], [Symbol('s'), 'b'], [{}, 'c'], ['d', undefined]]) // oxfmt-ignore
    expect(copy(map)).toEqual({ 1: 'a', 'Symbol(s)': 'b', '[object]': 'c' })
  })
})
