import { mkdir, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { ByteBudget } from '../../../../src/component/byte-budget.ts'
import { AdoptingQueue } from '../../../../src/delivery/adoption/adopting-queue.ts'
import { Adoption, LOOK_EVERY_MS } from '../../../../src/delivery/adoption/adoption.ts'
import { openDeadLetters } from '../../../../src/delivery/dead-letters/dead-letters.ts'
import { DiskQueue } from '../../../../src/delivery/queue/disk/disk-queue.ts'
import type { Counters } from '../../../../src/delivery/queue/disk/format/journal-format.ts'
import { QueuedBatch, type RecoveredBatch } from '../../../../src/delivery/contract/queue.ts'
import { silentLogger } from '../../../../src/telemetry/logger.ts'
import { itemBatch, namedItems } from '../../../fakes/items.ts'
import { laterVersion } from '../queue/disk/later-version.ts'
import { copyOf, newFolder, openQueue } from '../queue/disk/queue-fixture.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
afterEach(() => void vi.useRealTimers())

/** The disk takes its time, while the clock stands still. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await setImmediate()
}

const lettersOptions = async (path: string) => {
  const directory = join(path, 'dead-letters')
  await mkdir(directory, { recursive: true })
  return { directory, capacityBytes: 16 * 1_048_576, fsync: true }
}

const fatal = (error: Error) => {
  throw error
}

/** What a process leaves that is killed: a record, a letter, and what it had counted. */
async function killed(counters: Record<string, unknown>): Promise<string> {
  const folder = await newFolder()
  const open = await openQueue(folder)
  open.counters = counters
  await open.put('lane', ['waits'])
  await open.queue.keepCounters()
  const letters = openDeadLetters(await lettersOptions(folder), () => {}, fatal, open.budget, silentLogger)
  await letters.open()
  const items = itemBatch(namedItems('dead', 3))
  const run = { batch: new QueuedBatch(items, 3, 0, 0, 0), from: 0, to: 3 }
  await letters.put({ lane: 'lane', run, reason: 'poison', error: 'no' })
  const left = await copyOf(folder)
  await letters.close()
  return left
}

/** A process that runs, and takes over directories as they are put into `left`. */
async function running(left: string[] = []) {
  const own = await openQueue(await newFolder())
  const queue = new AdoptingQueue(own.queue, silentLogger)
  const letters = openDeadLetters(await lettersOptions(await newFolder()), () => {}, fatal, own.budget, silentLogger)
  await letters.open()
  const merged: Counters[] = []
  const found: RecoveredBatch[] = []
  const released: string[] = []
  const lettersAtRelease: number[] = []
  const errors: string[] = []
  let asked = 0
  let atMerge = async () => {}
  let onRecovered = () => {}
  const adoption = new Adoption(
    {
      async nextAbandoned(except) {
        asked++
        const at = left.findIndex((path) => !except.has(path))
        const [path] = at < 0 ? [] : left.splice(at, 1)
        if (path === undefined) return undefined
        const release = async () => {
          released.push(path)
          lettersAtRelease.push(letters.count)
        }
        return { path, release }
      },
      openQueue: (directory, owner) =>
        new DiskQueue(
          { directory, capacityBytes: 1e7, segmentBytes: 4_096, memoryBytes: 1e6, fsync: true, bound: undefined },
          { ...owner, fatal },
          new ByteBudget(1e6),
          silentLogger,
        ),
      async openLetters(path) {
        const opened = openDeadLetters(await lettersOptions(path), () => {}, fatal, new ByteBudget(1e6), silentLogger)
        await opened.open()
        return opened
      },
      queue,
      letters,
      ledger: {
        async merge(counters) {
          await atMerge()
          merged.push(counters)
        },
        moved() {},
        lost() {},
      },
      addRecovered(batches) {
        found.push(...batches)
        onRecovered()
      },
      reader: { keeps: () => true, wants: () => true, take() {}, lost() {} },
    },
    { ...silentLogger, error: (message) => void errors.push(message) },
  )
  onTestFinished(async () => {
    await adoption.close()
    await queue.close()
    await letters.close()
  })
  const settleAll = () => {
    for (const { batch } of found.splice(0)) queue.settle(batch, 0, batch.unsettled)
  }
  return {
    adoption,
    queue,
    letters,
    merged,
    found,
    released,
    lettersAtRelease,
    errors,
    settleAll,
    asked: () => asked,
    /** Lets the time until the next look go by, until it has asked for more. */
    async looksAgain() {
      const before = asked
      await vi.advanceTimersByTimeAsync(LOOK_EVERY_MS)
      await until(() => asked > before)
      await setImmediate()
    },
    onRecovered: (hook: () => void) => void (onRecovered = hook),
    atMerge: (hook: () => Promise<void>) => void (atMerge = hook),
  }
}

test('records, letters and counters of a killed process are adopted, and its directory is released when it is empty', async () => {
  const left = await killed({ delivered: 7 })
  const run = await running([left])
  run.adoption.start()
  await until(() => run.letters.count === 1)
  expect(run.found.map(({ lane, batch }) => [lane, batch.unsettled])).toEqual([['lane', 1]])
  expect([run.merged, run.letters.items, run.released]).toEqual([[{ delivered: 7 }], 3, []])
  run.settleAll()
  await until(() => run.released.length === 1)
  expect((await readdir(left, { recursive: true })).sort()).toEqual([
    expect.stringMatching(/^acknowledgements-\d+\.log$/),
    'dead-letters',
    expect.stringMatching(/^dead-letters\/acknowledgements-\d+\.log$/),
  ])
})

test('a directory is held until its letters are moved, however soon its records are sent', async () => {
  const left = await killed({})
  const run = await running([left])
  run.onRecovered(() => run.settleAll())
  run.adoption.start()
  await until(() => run.released.length > 0)
  expect(run.lettersAtRelease).toEqual([1])
})

test('counters are merged once, however often the directory is adopted', async () => {
  const left = await killed({ delivered: 7 })
  const run = await running([left])
  run.adoption.start()
  await until(() => run.found.length === 1)
  await run.adoption.close()
  // As a crash now would leave it.
  const again = await running([await copyOf(left)])
  again.adoption.start()
  await until(() => again.found.length === 1)
  expect([run.merged, again.merged]).toEqual([[{ delivered: 7 }], [{}]])
})

test('counters are cleared in the old directory before they are added to the new one', async () => {
  const left = await killed({ delivered: 7 })
  const run = await running([left])
  let crashed = ''
  run.atMerge(async () => {
    crashed = await copyOf(left)
  })
  run.adoption.start()
  await until(() => run.merged.length === 1)
  const next = await openQueue(crashed)
  expect(next.restored).toEqual({})
  expect(next.recovered).toHaveLength(1)
})

test('a directory left behind while it runs is found within half a minute', async () => {
  const left: string[] = []
  const run = await running(left)
  run.adoption.start()
  await until(() => run.asked() === 1)
  left.push(await killed({}))
  expect(LOOK_EVERY_MS).toBeLessThanOrEqual(30_000)
  await setImmediate()
  await run.looksAgain()
  await until(() => run.found.length === 1)
  await run.adoption.close()
})

test('a directory of a later version is left as it is, reported once, and not tried again for a while', async () => {
  const path = await killed({})
  await laterVersion(join(path, '0000000001.segment'))
  const before = await readdir(path)
  const { size } = await stat(join(path, '0000000001.segment'))
  const left = [path, await killed({})]
  const run = await running(left)
  run.adoption.start()
  await until(() => run.found.length === 1)
  expect(run.released).toEqual([path])
  left.push(path)
  await until(() => run.asked() === 3)
  for (let minute = 0; minute < 9; minute++) {
    await run.looksAgain()
    await run.looksAgain()
  }
  expect(run.released).toEqual([path])
  for (let look = 0; look < 4; look++) await run.looksAgain()
  await until(() => run.released.length === 2)
  expect(run.errors).toEqual(['cannot adopt the queue of a stopped process: left in place'])
  expect(await readdir(path)).toEqual(before)
  expect((await stat(join(path, '0000000001.segment'))).size).toBe(size)
})

test('it adopts at most sixteen directories at once, and none after it is closed', async () => {
  const left = await Promise.all(Array.from({ length: 18 }, () => killed({})))
  const run = await running(left)
  run.adoption.start()
  await until(() => run.found.length === 16)
  await until(() => run.letters.count === 16)
  for (let turn = 0; turn < 500; turn++) await setImmediate()
  expect([left.length, run.queue.adopted]).toEqual([2, 16])
  run.settleAll()
  await until(() => run.released.length === 16)
  await run.looksAgain()
  await until(() => run.found.length === 2)
  await run.adoption.close()
  await run.queue.close()
  expect(run.released).toHaveLength(18)
  await run.letters.close()
  expect(vi.getTimerCount()).toBe(0)
})
