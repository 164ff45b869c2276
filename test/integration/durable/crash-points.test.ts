import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { CrashPoint } from '../../../src/delivery/queue/disk/files/crash-point.ts'
import { temporaryFolder } from '../../fakes/temporary-folder.ts'

const WORKER = join(import.meta.dirname, 'crash-worker.ts')

interface Said {
  readonly signal: NodeJS.Signals | null
  readonly found: readonly string[]
  readonly stored: readonly string[]
  readonly settled: readonly string[]
  readonly lost: readonly string[]
}

/** Runs the worker until it ends or dies at the point. */
async function run(folder: string, puts: number, name: string, crashAt?: CrashPoint): Promise<Said> {
  const env = { ...process.env, ...(crashAt !== undefined && { OTLP_CLOUDWATCH_CRASH_AT: crashAt }) }
  const child = spawn(process.execPath, [WORKER, folder, String(puts), name], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (some: string) => {
    text += some
  })
  await once(child, 'close')
  const lines = (letter: string) =>
    text
      .split('\n')
      .filter((line) => line.startsWith(`${letter} `))
      .map((line) => line.slice(2))
  return { signal: child.signalCode, found: lines('F'), stored: lines('S'), settled: lines('A'), lost: lines('L') }
}

/** Files of a killed process, with something to move, to remove and to rewrite. */
let left: string
let first: Said
beforeAll(async () => {
  left = await mkdtemp(join(tmpdir(), 'otlp-cloudwatch-crash-'))
  first = await run(left, 400, 'a')
})
afterAll(() => rm(left, { recursive: true, force: true }))

const POINTS: readonly CrashPoint[] = [
  'after_write',
  'after_sync',
  'seal',
  'roll',
  'unlink',
  'acknowledgement',
  'snapshot',
  'relocation',
]

test.each(POINTS)(
  'a process that dies at %s loses nothing it had acknowledged, and recovers nothing twice',
  async (point) => {
    const folder = await temporaryFolder()
    await cp(left, folder, { recursive: true })
    const died = await run(folder, 400, 'b', point)
    expect(died.signal).toBe('SIGKILL')
    const after = await run(folder, 0, 'none')
    expect(after.signal).toBeNull()

    expect(after.lost).toEqual([])
    const stored = [...first.stored, ...died.stored]
    const settled = new Set([...first.settled, ...died.settled])
    expect(after.found).toEqual(expect.arrayContaining(stored.filter((text) => !settled.has(text))))
    expect(new Set(after.found).size).toBe(after.found.length)
    // And it is the same when it is looked at again.
    expect((await run(folder, 0, 'none')).found).toEqual(after.found)
  },
)
