import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { heapNote, memoryLimit, sizeBudget, waitingHeap } from '../../../../src/service/memory/memory.ts'

const ROOT = join(import.meta.dirname, '..', '..', '..', '..')
const execute = promisify(execFile)

const MIB = 1024 ** 2
const GIB = 1024 ** 3

describe('memoryLimit', () => {
  test.for([
    ['the limit of the cgroup', 512 * MIB, 512 * MIB],
    ['the machine where the cgroup has none (0)', 0, 16 * GIB],
    ['the machine where the cgroup has none (2^64)', 2 ** 64, 16 * GIB],
    ['the machine where the cgroup allows more', 32 * GIB, 16 * GIB],
  ] as const)('is %s', ([, constrained, expected]) => {
    expect(memoryLimit(constrained, 16 * GIB)).toBe(expected)
  })

  test('is read from this process by default', () => {
    expect(memoryLimit()).toBeGreaterThan(64 * MIB)
  })
})

describe('sizeBudget', () => {
  test.for([
    ['256 MiB on a large machine', 16 * GIB, [], 256 * MIB],
    ['40 % of a small one', 100 * MIB, [], 40 * MIB],
    ['what memory_limiter asks for, above 256 MiB too', 4 * GIB, [{ budgetBytes: GIB }], GIB],
    ['what memory_limiter asks for, below 256 MiB', 4 * GIB, [{ budgetBytes: 64 * MIB }], 64 * MIB],
    ['its percentage of the limit', GIB, [{ budgetShare: 0.25 }], 256 * MIB],
    ['the smallest of several', GIB, [{ budgetShare: 0.25 }, { budgetBytes: 10 * MIB }, {}], 10 * MIB],
  ] as const)('is %s', ([, limit, asked, expected]) => {
    expect(sizeBudget(limit, asked)).toEqual({ bytes: expected, note: undefined })
  })

  test('is never more than 40 % of the limit, with a note', () => {
    expect(sizeBudget(1000 * MIB, [{ budgetShare: 0.8 }])).toEqual({
      bytes: 400 * MIB,
      note:
        'memory_limiter asks for 800 MiB; buffers get 400 MiB, 40 % of the memory limit of 1000 MiB: ' +
        'the JavaScript heap and the runtime need the rest',
    })
  })
})

describe('heapNote', () => {
  test('is silent while the heap keeps to 35 % of the limit', () => {
    expect(heapNote(1000 * MIB, 350 * MIB, 1)).toBeUndefined()
  })

  test('suggests the options of node when it exceeds that', () => {
    expect(heapNote(1000 * MIB, 351 * MIB, 1)).toBe(
      'the JavaScript heap may grow to 351 MiB, more than 35 % of the memory limit of 1000 MiB: ' +
        'start node with --max-old-space-size-percentage=25',
    )
  })

  test('divides it among workers', () => {
    expect(heapNote(1000 * MIB, 175 * MIB, 2)).toBeUndefined()
    expect(heapNote(1000 * MIB, 176 * MIB, 2)).toBe(
      'the JavaScript heap of each of 2 workers may grow to 176 MiB, more than its part of 35 % of the memory limit of ' +
        '1000 MiB: start node with --max-old-space-size-percentage=12.5 --max-semi-space-size=8',
    )
  })

  test.for([
    ['the image', 'Dockerfile', /^ENV .*NODE_OPTIONS=(\S+)/m],
    ['npm start', 'package.json', /"start": "node (\S+)/],
  ] as const)('%s does what it says', ([, file, option]) => {
    const [, set = ''] = option.exec(readFileSync(join(ROOT, file), 'utf8')) ?? []
    expect(heapNote(MIB, MIB, 1)).toContain(`start node with ${set}`)
    expect(set).toContain('--max-old-space-size-percentage=')
  })

  test.for([1, 2, 3])('is silent once its advice is followed: %i processes', async (processes) => {
    const limit = memoryLimit()
    const args = /(--max-.*)$/.exec(heapNote(limit, limit, processes) ?? '')?.[1]?.split(' ') ?? []
    const { stdout } = await execute(process.execPath, [...args, '-p', 'v8.getHeapStatistics().heap_size_limit'])
    expect(heapNote(limit, Number(stdout), processes)).toBeUndefined()
    expect(Number(stdout), 'much of it is used').toBeGreaterThan((limit * 0.25) / processes)
  })
})

describe('waitingHeap', () => {
  test('is a part of the old generation: the young one is for short-lived objects', () => {
    // A pod of 512 MiB: three semi-spaces of 16 MiB beside 128 MiB.
    expect(waitingHeap(176 * MIB, 512 * MIB)).toBe(0.25 * 128 * MIB)
  })

  test('is never nothing', () => {
    expect(waitingHeap(64 * MIB, 64 * GIB)).toBe(0.25 * 16 * MIB)
  })
})
