import { readdirSync } from 'node:fs'
import { mkdir, readdir, rename, writeFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { DeadLetters } from '../../../../../src/delivery/dead-letters/dead-letters.ts'
import type { DiskBatch } from '../../../../../src/delivery/queue/disk/segments/disk-batch.ts'
import { nodeFiles } from '../../../../../src/delivery/queue/disk/files/files.ts'
import { QueuedBatch } from '../../../../../src/delivery/contract/queue.ts'
import { itemBatch } from '../../../../fakes/items.ts'
import { smallVolume } from '../../../../fakes/disk/small-volume.ts'
import { copyOf, filesWith, newFolder, type OpenQueue, openQueue } from './queue-fixture.ts'

const WITHIN = { timeout: 20_000, interval: 20 }
const KIBIBYTE = 1_024

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: said the test`), { code })
}

/** Puts until it is refused. */
async function fill(open: OpenQueue, texts: string[]): Promise<DiskBatch[]> {
  const batches: DiskBatch[] = []
  for (;;) {
    const text = `${texts.length} `.padEnd(8 * KIBIBYTE, 'x')
    try {
      batches.push(await open.put('lane', [text]))
      texts.push(text)
    } catch (error) {
      expect((error as Error).message).toMatch(/^storage_full$/)
      return batches
    }
  }
}

test('a volume that fills up refuses what is new, is drained, and accepts records again', async (context) => {
  const folder = await smallVolume(1_024 * KIBIBYTE)
  if (folder === undefined) return context.skip('needs a user who may mount a tmpfs')
  const open = await openQueue(folder, { segmentBytes: 64 * KIBIBYTE })
  const texts: string[] = []
  const batches = await fill(open, texts)
  expect(batches.length).toBeGreaterThan(50)
  expect(open.queue.space.freeBytes).toBeLessThan(1_024 * KIBIBYTE)

  for (const batch of batches.splice(0, 40)) open.settle(batch)
  await vi.waitUntil(async () => (await open.put('lane', ['again']).catch(() => undefined)) !== undefined, WITHIN)
  await open.queue.close()
  const found = await (await openQueue(folder)).texts()
  expect(found.map(([, text]) => text)).toEqual(expect.arrayContaining([...texts.slice(40), 'again']))
})

test('a volume that other processes fill to the last byte loses nothing, and the drain goes on', async (context) => {
  const folder = await smallVolume(1_024 * KIBIBYTE)
  if (folder === undefined) return context.skip('needs a user who may mount a tmpfs')
  const own = join(folder, 'queue')
  await mkdir(own)
  const open = await openQueue(own, { segmentBytes: 16 * KIBIBYTE })
  const texts: string[] = []
  const batches: DiskBatch[] = []
  for (; texts.length < 20; texts.push(`${texts.length} `.padEnd(8 * KIBIBYTE, 'x')))
    batches.push(await open.put('lane', [`${texts.length} `.padEnd(8 * KIBIBYTE, 'x')]))
  const others = join(folder, 'others')
  await expect(writeFile(others, Buffer.alloc(2_048 * KIBIBYTE))).rejects.toThrow('ENOSPC')

  await expect(open.put('lane', ['x'.repeat(8 * KIBIBYTE)])).rejects.toThrow('storage_full')
  await expect(open.put('lane', ['x'.repeat(8 * KIBIBYTE)])).rejects.toThrow('storage_full')
  // Settled on a full disk: neither the journal's failure nor anything else stands in the way of removing segments.
  for (const batch of batches.slice(0, 15)) open.settle(batch)
  await vi.waitUntil(async () => (await readdir(own)).filter((name) => name.endsWith('.segment')).length < 5, WITHIN)
  for (const text of texts.slice(15)) {
    const batch = batches[texts.indexOf(text)]
    expect(batch === undefined ? undefined : await open.load(batch)).toEqual([text])
  }
  await rm(others)
  await vi.waitUntil(async () => (await open.put('lane', ['again']).catch(() => undefined)) !== undefined, WITHIN)
  await open.queue.close()
  const again = await openQueue(own)
  expect((await again.texts()).map(([, text]) => text)).toEqual([...texts.slice(15), 'again'])
  expect(readdirSync(own).filter((name) => name.endsWith('.corrupt'))).toEqual([])
})

test('partial writes leave no valid record', async () => {
  const folder = await newFolder()
  let full = false
  const files = filesWith({}, (opened, path) => ({
    async write(parts, position) {
      if (!full || !path.endsWith('.segment')) return opened.write(parts, position)
      // Half of it arrives, as on a disk that fills up in the middle.
      const bytes = Buffer.concat(parts)
      await opened.write([bytes.subarray(0, bytes.length / 2)], position)
      throw systemError('ENOSPC')
    },
  }))
  const open = await openQueue(folder, { files })
  await open.put('lane', ['before'])
  full = true
  await expect(open.put('lane', ['lost '.repeat(50)])).rejects.toThrow('storage_full')
  full = false
  await open.queue.space.check()
  await open.put('lane', ['after'])
  const again = await openQueue(await copyOf(folder))
  expect((await again.texts()).map(([, text]) => text)).toEqual(['before', 'after'])
  expect(open.fatal).toEqual([])
})

test('segments that could not be created leave nothing behind', async () => {
  const folder = await newFolder()
  let full = true
  const files = filesWith({}, (opened, path) => ({
    write: (parts, position) =>
      full && path.endsWith('.segment') ? Promise.reject(systemError('EDQUOT')) : opened.write(parts, position),
  }))
  const open = await openQueue(folder, { files })
  for (let tries = 0; tries < 10; tries++) {
    await expect(open.put('lane', ['text'])).rejects.toThrow('storage_full')
    await open.queue.space.check()
  }
  expect((await readdir(folder)).filter((name) => name.includes('segment'))).toEqual([])
  expect(open.linesWith('accepts no new records')).toHaveLength(1)
  full = false
  await open.queue.space.check()
  await open.put('lane', ['text'])
  expect(open.linesWith('accepts records again')).toHaveLength(1)
  expect(open.fatal).toEqual([])
})

describe('a sync that fails', () => {
  test('is never tried again on the same file', async () => {
    const folder = await newFolder()
    const syncs: string[] = []
    let failing = false
    const files = filesWith({}, (opened, path) => ({
      async sync() {
        syncs.push(path)
        if (failing && path.endsWith('.segment')) throw systemError('EIO')
        await opened.sync()
      },
    }))
    const open = await openQueue(folder, { files })
    const first = await open.put('lane', ['before'])
    failing = true
    await expect(open.put('lane', ['refused'])).rejects.toThrow('storage_failed')
    failing = false
    const syncsThen = syncs.filter((path) => path === first.segment.path).length
    await open.queue.space.check()
    const second = await open.put('lane', ['after'])
    expect(second.segment.path).not.toBe(first.segment.path)
    await open.queue.close()
    expect(syncs.filter((path) => path === first.segment.path)).toHaveLength(syncsThen)
    // What had been synced before is as good as ever; what was refused may be there or not.
    const texts = (await (await openQueue(folder)).texts()).map(([, text]) => text)
    expect(texts.filter((text) => text !== 'refused')).toEqual(['before', 'after'])
    expect(open.fatal).toEqual([])
  })

  test('five times in a row is the end; five requests in one commit are once', async () => {
    const files = filesWith({}, (opened, path) => ({
      sync: () => (path.endsWith('.segment') ? Promise.reject(systemError('EIO')) : opened.sync()),
    }))
    const open = await openQueue(await newFolder(), { files })
    for (let commits = 1; commits <= 5; commits++) {
      expect(open.fatal).toEqual([])
      await open.queue.space.check()
      const puts = Array.from({ length: 5 }, () => open.put('lane', ['text']))
      for (const outcome of await Promise.allSettled(puts)) expect(outcome.status).toBe('rejected')
    }
    expect(open.fatal.map(({ message, cause }) => [message, (cause as NodeJS.ErrnoException).code])).toEqual([
      ['the queue on disk failed 5 times in a row', 'EIO'],
    ])
  })

  test.each(['EMFILE', 'EROFS', 'ENOSPC', 'EACCES'])(
    '%s is temporary, however often it happens: senders wait',
    async (code) => {
      let failing = true
      const files = filesWith({
        open: (path, flags) =>
          failing && path.endsWith('.segment') ? Promise.reject(systemError(code)) : nodeFiles.open(path, flags),
      })
      const open = await openQueue(await newFolder(), { files })
      for (let tries = 0; tries < 10; tries++) {
        await expect(open.put('lane', ['text'])).rejects.toThrow(/^storage_/)
        await open.queue.space.check()
      }
      failing = false
      await open.put('lane', ['text'])
      expect(open.fatal).toEqual([])
    },
  )

  test('of the journal makes the next one start a new file, and nothing is lost or repeated', async () => {
    const folder = await newFolder()
    let failing = false
    const files = filesWith({}, (opened, path) => ({
      sync: () => (failing && path.includes('acknowledgements') ? Promise.reject(systemError('EIO')) : opened.sync()),
    }))
    const open = await openQueue(folder, { files })
    const [first, second] = [await open.put('lane', ['first']), await open.put('lane', ['second'])]
    open.settle(first)
    failing = true
    await vi.waitUntil(() => open.linesWith('cannot write acknowledgements').length > 0, WITHIN)
    open.settle(second)
    await open.put('lane', ['third'])
    failing = false
    await vi.waitUntil(() => open.linesWith('writing acknowledgements recovered').length > 0, WITHIN)
    expect((await (await openQueue(await copyOf(folder))).texts()).map(([, text]) => text)).toEqual(['third'])
    expect((await readdir(folder)).filter((name) => name.includes('acknowledgements'))).toHaveLength(1)
  })
})

describe('a disk that stalls', () => {
  test('fills the byte budget and no more, holds up nothing in memory, and has everything when it recovers', async () => {
    const folder = await newFolder()
    const answer = Promise.withResolvers<void>()
    let stalled = false
    const files = filesWith({}, (opened) => ({
      async sync() {
        if (stalled) await answer.promise
        await opened.sync()
      },
    }))
    const open = await openQueue(folder, { files }, 100_000)
    const before = await open.put('lane', ['before'])
    stalled = true
    const stored: unknown[] = []
    let taken = 0
    let refused
    while (refused === undefined && taken < 1_000) {
      const reserved = open.reserve('lane', [`${taken}`.padEnd(KIBIBYTE, 'x')])
      if (reserved.kind === 'retry') refused = reserved.cause
      else {
        taken++
        reserved.commit((outcome) => stored.push(outcome))
      }
    }
    expect(refused).toBe('budget_full')
    expect(taken).toBeGreaterThan(20)
    expect(open.budget.used).toBeLessThanOrEqual(open.budget.capacity)
    expect(await open.load(before)).toEqual(['before'])
    open.settle(before)
    expect(stored).toEqual([])

    stalled = false
    answer.resolve()
    await vi.waitUntil(() => stored.length === taken, WITHIN)
    await open.queue.flush()
    const found = await (await openQueue(await copyOf(folder))).texts()
    expect(found.map(([, text]) => Number.parseInt(text ?? '', 10))).toEqual(
      Array.from({ length: taken }, (_, at) => at),
    )
  })

  test('is not asked for its free space again before it has answered', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    onTestFinished(() => void vi.useRealTimers())
    const volume = vi.fn<typeof nodeFiles.volume>((directory) => nodeFiles.volume(directory))
    await openQueue(await newFolder(), { files: filesWith({ volume }) })
    volume.mockClear().mockReturnValue(new Promise(() => {}))
    vi.advanceTimersByTime(10_000)
    expect(volume).toHaveBeenCalledTimes(1)
  })
})

test('a directory that is gone or replaced is not written; senders wait until it is back', async () => {
  const folder = join(await newFolder(), 'queue')
  await mkdir(folder)
  const open = await openQueue(folder)
  await open.put('lane', ['before'])
  await rename(folder, `${folder}.away`)
  await open.queue.space.check()
  await expect(open.put('lane', ['text'])).rejects.toThrow('storage_failed')
  await mkdir(folder)
  await open.queue.space.check()
  await expect(open.put('lane', ['text'])).rejects.toThrow('storage_failed')
  await rm(folder, { recursive: true })
  await rename(`${folder}.away`, folder)
  await open.queue.space.check()
  await open.put('lane', ['after'])
  expect(open.linesWith('accepts no new records')).toHaveLength(1)
})

test('dead letters may take the reserve, and are not evicted for a volume that is full', async () => {
  let freeBytes = 1e12
  const files = filesWith({ volume: async () => ({ freeBytes, bytes: 1e12, identity: 'one' }) })
  const open = await openQueue(await newFolder(), { files, ofReserve: true })
  const evicted = vi.fn()
  const letters = new DeadLetters(open.queue, evicted)
  const bury = (text: string) => {
    const batch = new QueuedBatch(itemBatch([{ text }]), 1, 1, 1, 0)
    return letters.put({ lane: 'lane', run: { batch, from: 0, to: 1 }, reason: 'too_old', error: '' })
  }
  expect(await bury('first')).toBe('kept')
  freeBytes = 200 * 1_048_576 // of the 256 MiB that a queue leaves free
  await open.queue.space.check()
  expect(await bury('second')).toBe('kept')
  freeBytes = 0
  await open.queue.space.check()
  expect(await bury('third')).toBe('later')
  expect([letters.count, evicted.mock.calls]).toEqual([2, []])
  expect(open.linesWith('dead letters wait in the main queue')).toHaveLength(1)
})
