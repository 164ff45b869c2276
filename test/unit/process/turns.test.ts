import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { Turns } from '../../../src/process/turns.ts'

/** Two processes that write down when it is their turn. */
function two() {
  const granted: string[] = []
  const waiter = (who: string) => ({
    turn: (name: string, done: boolean) => void granted.push(`${who}: ${name} ${done ? 'is done' : 'is yours'}`),
  })
  return { turns: new Turns(), a: waiter('a'), b: waiter('b'), granted }
}

describe('of two workers that want the same task done', () => {
  test('the second learns that the first has done it', () => {
    const { turns, a, b, granted } = two()
    turns.want('x', a)
    turns.want('x', b)
    expect(granted).toEqual(['a: x is yours'])
    turns.finished('x', a, true)
    expect(granted).toEqual(['a: x is yours', 'b: x is done'])
  })

  test('the second has its turn if the first could not', () => {
    const { turns, a, b, granted } = two()
    turns.want('x', a)
    turns.want('x', b)
    turns.finished('x', a, false)
    expect(granted.at(-1)).toBe('b: x is yours')
  })

  test('one that asks just after it was done learns that, and gets its turn a second later', () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const { turns, a, b, granted } = two()
    turns.want('x', a)
    turns.finished('x', a, true)
    turns.want('x', b)
    expect(granted.at(-1)).toBe('b: x is done')
    vi.advanceTimersByTime(1_000)
    turns.want('x', b)
    expect(granted.at(-1)).toBe('b: x is yours')
  })

  test('the second has its turn if the first dies, and is not waited for if it dies itself', () => {
    const { turns, a, b, granted } = two()
    turns.want('x', a)
    turns.want('x', b)
    turns.forget(a)
    expect(granted.at(-1)).toBe('b: x is yours')
    turns.want('x', a)
    turns.forget(a)
    turns.finished('x', b, true)
    expect(granted).toEqual(['a: x is yours', 'b: x is yours'])
  })
})

test('different things do not wait for each other', () => {
  const { turns, a, b, granted } = two()
  turns.want('x', a)
  turns.want('y', b)
  expect(granted).toEqual(['a: x is yours', 'b: y is yours'])
})
