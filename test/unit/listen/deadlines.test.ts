import { afterEach, expect, test, vi } from 'vitest'
import { Deadlines } from '../../../src/listen/deadlines.ts'

afterEach(() => void vi.useRealTimers())

test('an entry past its deadline is ended once, and a finished one is not', () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
  const ended: string[] = []
  const receiving = (name: string) => ({ expire: () => void ended.push(name) })
  const deadlines = new Deadlines(5_000)
  deadlines.start()
  const [early, done, late] = [receiving('early'), receiving('done'), receiving('late')]
  deadlines.add(early)
  deadlines.add(done)
  vi.advanceTimersByTime(3_000)
  deadlines.add(late)
  deadlines.delete(done)
  vi.advanceTimersByTime(4_000)
  expect(ended).toEqual(['early'])
  vi.advanceTimersByTime(10_000)
  expect(ended).toEqual(['early', 'late'])
  deadlines.add(receiving('after'))
  deadlines.close()
  vi.advanceTimersByTime(10_000)
  expect(ended).toEqual(['early', 'late'])
})
