import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { ComponentError } from '../../../../../src/component/component.ts'
import type { DiskBatch } from '../../../../../src/delivery/queue/disk/segments/disk-batch.ts'
import { RECORD_HEADER_BYTES } from '../../../../../src/delivery/queue/disk/format/format.ts'
import { encodeEntries } from '../../../../../src/delivery/queue/disk/format/journal-format.ts'
import { itemBatch } from '../../../../fakes/items.ts'
import { laterVersion } from './later-version.ts'
import { copyOf, filesWith, newFolder, OpenQueue, openQueue } from './queue-fixture.ts'

const WITHIN = { timeout: 20_000, interval: 10 }

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: said the test`), { code })
}

async function namesIn(folder: string, ending: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.endsWith(ending)).sort()
}

/** Changes a byte in the middle of what the batch holds. */
async function damage({ segment, offset, length }: DiskBatch): Promise<void> {
  const bytes = await readFile(segment.path)
  const at = offset + Math.floor((RECORD_HEADER_BYTES + length) / 2)
  bytes[at] = (bytes[at] ?? 0) ^ 1
  await writeFile(segment.path, bytes)
}

test('what waits comes back after a restart, in its order, with what was settled of it', async () => {
  const folder = await newFolder()
  const open = await openQueue(folder)
  await open.put('a', ['1'])
  const part = await open.put('b', ['2', '3', '4', '5'])
  open.settle(await open.put('a', ['6']))
  await open.put('a', ['7'])
  open.queue.settle(part, 2, 4)
  open.queue.settle(part, 0, 1)
  await open.queue.close()
  const again = await openQueue(folder)
  expect(await again.texts()).toEqual([
    ['a', '1'],
    ['b', '3'],
    ['a', '7'],
  ])
  expect(again.recovered.map(({ settled }) => settled)).toEqual([
    [],
    [
      [0, 1],
      [2, 4],
    ],
    [],
  ])
})

test('a queue without a backlog never reads the disk', async () => {
  let reads = 0
  const files = filesWith({}, (opened) => ({
    read(position, length) {
      reads++
      return opened.read(position, length)
    },
  }))
  const open = await openQueue(await newFolder(), { files })
  for (let round = 0; round < 50; round++) {
    const batch = await open.put('lane', ['x'.repeat(1_000)])
    expect(await open.load(batch)).toEqual(['x'.repeat(1_000)])
    open.settle(batch)
  }
  expect(reads).toBe(0)
})

test('a request of two thousand lanes is stored as one', async () => {
  const folder = await newFolder()
  const open = await openQueue(folder)
  const batches = Array.from({ length: 2_000 }, (_, at) => ({
    lane: `lane ${at}`,
    items: itemBatch([{ text: `${at}` }]),
  }))
  const reserved = open.queue.reserve(batches)
  if (reserved.kind === 'retry') return expect.fail(reserved.message)
  const stored = await new Promise<unknown>((resolve) => reserved.commit(resolve))
  expect(stored).toHaveLength(2_000)
  const found = await (await openQueue(await copyOf(folder))).texts()
  expect(found).toEqual(batches.map(({ lane }, at) => [lane, `${at}`]))
})

test('the counters are those of the last acknowledgement that was written', async () => {
  const folder = await newFolder()
  const open = await openQueue(folder)
  expect(open.restored).toBeUndefined()
  const batch = await open.put('lane', ['text'])
  open.counters = { delivered: 1, lost: { shutdown: 2 } }
  open.settle(batch)
  await open.queue.flush()
  open.counters = { delivered: 99 }
  expect((await openQueue(await copyOf(folder))).restored).toEqual({ delivered: 1, lost: { shutdown: 2 } })
})

test('acknowledgements are written 100 ms after the first of them, also while a sync is due', async () => {
  const folder = await newFolder()
  const open = await openQueue(folder)
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  for (const text of ['first', 'second', 'third']) {
    open.settle(await open.put('lane', [text]))
    vi.advanceTimersByTime(100)
    // The clock stands still: only what those 100 ms brought can come.
    for (let looks = 0; (await waitingIn(folder)) > 0; looks++) expect(looks).toBeLessThan(100)
  }
})

async function waitingIn(folder: string): Promise<number> {
  const copy = new OpenQueue(await copyOf(folder), {}, 1e6)
  const found = await copy.queue.recover()
  await copy.queue.close()
  return found.length
}

test('a journal that is rewritten repeatedly keeps its content', async () => {
  const folder = await newFolder()
  const open = await openQueue(folder, { compactBytes: 64 })
  const kept: string[] = []
  for (let round = 0; round < 60; round++) {
    const batches = await Promise.all(['a', 'b', 'c'].map((text) => open.put('lane', [`${round}${text}`])))
    for (const [at, batch] of batches.entries()) {
      if (round % 10 === 0 && at === 1) kept.push(`${round}b`)
      else open.settle(batch)
    }
    await open.queue.flush()
  }
  expect((await namesIn(folder, '.log'))[0]).not.toBe('acknowledgements-0000000001.log')
  expect((await (await openQueue(await copyOf(folder))).texts()).map(([, text]) => text)).toEqual(kept)
})

describe('a damaged record', () => {
  test('is counted as lost, its neighbors are intact, and its segment is kept aside', async () => {
    const folder = await newFolder()
    const open = await openQueue(folder, { memoryBytes: 0 })
    const batches = []
    for (let at = 0; at < 12; at++) batches.push(await open.put('lane', [`${at} `.repeat(200)]))
    const [, , third] = batches
    if (third === undefined) return
    await open.load(batches[11] as DiskBatch) // so that nothing of the others is in memory
    await damage(third)
    const texts = await Promise.all(batches.map((batch) => open.load(batch)))
    expect(texts.map((text) => text?.[0]?.split(' ', 1)[0])).toEqual(
      batches.map((_, at) => (at === 2 ? undefined : `${at}`)),
    )
    expect(await open.load(third)).toBeUndefined()
    expect(open.linesWith('a queue record is damaged: quarantined')).toHaveLength(1)
    expect(open.queue.quarantinedBytes).toBe(third.length)
    for (const batch of batches) open.settle(batch)
    await open.queue.close()
    expect(await namesIn(folder, '.corrupt')).toEqual(['0000000001.segment.corrupt'])
    expect(await (await openQueue(folder)).texts()).toEqual([])
  })

  test('does not fill the disk with segments kept aside', async () => {
    const folder = await newFolder()
    const open = await openQueue(folder, { memoryBytes: 0, segmentBytes: 256 })
    for (let round = 0; round < 12; round++) {
      const batch = await open.put('lane', ['x'.repeat(300)])
      const next = await open.put('lane', ['pushes the other out of memory'])
      await damage(batch)
      expect(await open.load(batch)).toBeUndefined()
      open.settle(batch)
      open.settle(next)
    }
    await open.queue.close()
    expect(await namesIn(folder, '.corrupt')).toHaveLength(8)
    expect(open.linesWith('removed the oldest damaged queue segment').length).toBeGreaterThan(0)
  })
})

describe('reading back', () => {
  async function unread(code: string, times: number) {
    const folder = await newFolder()
    let failures = times
    const files = filesWith({}, (opened) => ({
      read(position, length) {
        if (failures-- > 0) throw systemError(code)
        return opened.read(position, length)
      },
    }))
    const open = await openQueue(folder, { memoryBytes: 0, files, rereadAfterMs: [1, 1] })
    const batch = await open.put('lane', ['text'])
    await open.put('lane', ['another'])
    return { open, batch }
  }

  test('waits out temporary errors: too many open files are no loss', async () => {
    const { open, batch } = await unread('EMFILE', 2)
    expect(await open.load(batch)).toEqual(['text'])
    expect(open.queue.quarantinedBytes).toBe(0)
  })

  test('reports nothing as lost because of concurrent reads', async () => {
    const all = Promise.withResolvers<void>()
    let reads = 0
    const files = filesWith({}, (opened) => ({
      async read(position, length) {
        const bytes = await opened.read(position, length)
        if (++reads === 3) all.resolve()
        await all.promise
        return bytes
      },
    }))
    const options = { memoryBytes: 0, files, segmentBytes: 64 * 1_048_576 }
    const open = await openQueue(await newFolder(), options, 256 * 1_048_576)
    const batches = []
    for (let at = 0; at < 4; at++) batches.push(await open.put('lane', [`${at}`.repeat(5 * 1_048_576)]))
    // Three of five mebibytes come back in one moment, and eight may be kept.
    const loaded = await Promise.all(batches.slice(0, 3).map((batch) => open.load(batch)))
    expect(loaded.map((texts) => texts?.[0]?.slice(0, 2))).toEqual(['00', '11', '22'])
  })

  test('gives up what the disk cannot read, after some tries', async () => {
    const { open, batch } = await unread('EIO', 1_000)
    expect(await open.load(batch)).toBeUndefined()
    expect(open.queue.quarantinedBytes).toBe(batch.length)
    expect(open.linesWith('a queue segment cannot be read')).toHaveLength(3)
  })

  test('does not wait again for the rest of a file that is gone', async () => {
    const folder = await newFolder()
    const open = await openQueue(folder, { memoryBytes: 0, segmentBytes: 64 * 1_024, rereadAfterMs: [1, 1] })
    const batches = []
    for (let at = 0; at < 20; at++) batches.push(await open.put('lane', [`${at}`]))
    await open.queue.close()
    const again = await openQueue(folder, { memoryBytes: 0, rereadAfterMs: [1, 1] })
    const found = again.recovered.map(({ batch }) => batch)
    for (const name of await namesIn(folder, '.segment')) await rm(join(folder, name))
    expect(await again.load(found[0] as DiskBatch)).toBeUndefined()
    expect(again.linesWith('cannot be read')).toHaveLength(3)
    for (const batch of found.slice(1)) expect(await again.load(batch)).toBeUndefined()
    expect(again.linesWith('cannot be read')).toHaveLength(3 + 19)
  })

  test('gives up little when a disk fails for longer than the wait for one record', async () => {
    let isSick = true
    const files = filesWith({}, (opened) => ({
      read(position, length) {
        if (isSick) throw systemError('EIO')
        return opened.read(position, length)
      },
    }))
    const options = { memoryBytes: 0, files, segmentBytes: 65_536, rereadAfterMs: [1, 1] }
    const open = await openQueue(await newFolder(), options)
    const batches = []
    for (let at = 0; at < 51; at++) batches.push(await open.put('lane', [`${at}`]))
    const loads = batches.slice(0, 50).map((batch) => open.load(batch))
    await vi.waitUntil(() => open.queue.quarantinedBytes > 0, WITHIN)
    isSick = false
    const texts = await Promise.all(loads)
    expect(texts.filter((text) => text === undefined).length).toBeLessThan(6)
  })

  test('forgets the failures of a record once it was read', async () => {
    let isSick = false
    const files = filesWith({}, (opened) => ({
      read(position, length) {
        isSick = !isSick
        if (isSick) throw systemError('EIO')
        return opened.read(position, length)
      },
    }))
    const options = { memoryBytes: 0, files, segmentBytes: 64 * 1_048_576, rereadAfterMs: [1, 1] }
    const open = await openQueue(await newFolder(), options, 32 * 1_048_576)
    // A quarter of the budget may be kept: each pushes the other out.
    const [one, two] = [
      await open.put('lane', ['1'.repeat(5 * 1_048_576)]),
      await open.put('lane', ['2'.repeat(5 * 1_048_576)]),
    ]
    await open.put('lane', ['pushes the last one out'])
    for (let round = 0; round < 5; round++)
      for (const batch of [one, two]) expect(await open.load(batch)).toHaveLength(1)
    expect(open.linesWith('cannot be read').length).toBeGreaterThanOrEqual(8)
    expect(open.queue.quarantinedBytes).toBe(0)
  })

  test('returns records that can be read while others cannot', async () => {
    const MINUTE_MS = 60_000
    let isSick = true
    const files = filesWith({}, (opened, path) => ({
      read(position, length) {
        if (isSick && path.includes('0000000001')) throw systemError('EIO')
        return opened.read(position, length)
      },
    }))
    const open = await openQueue(await newFolder(), {
      memoryBytes: 0,
      files,
      segmentBytes: 256,
      rereadAfterMs: [MINUTE_MS],
    })
    const bad = await open.put('bad', ['x'.repeat(300)])
    const good = await open.put('good', ['y'.repeat(300)])
    await open.put('good', ['pushes the other out of memory'])
    // More than are read at once.
    for (let load = 0; load < 40; load++) open.queue.load(bad, () => {})
    expect(await open.load(good)).toEqual(['y'.repeat(300)])
    expect(open.queue.quarantinedBytes).toBe(0)
    isSick = false
  })

  test('returns records that a brief disk error held up', async () => {
    const { open, batch } = await unread('EIO', 2)
    expect(await open.load(batch)).toEqual(['text'])
    expect(open.queue.quarantinedBytes).toBe(0)
  })

  test('gives up nothing while the directory is away', async () => {
    const folder = join(await newFolder(), 'queue')
    await mkdir(folder)
    const first = await openQueue(folder)
    await first.put('lane', ['text'])
    await first.queue.close()
    const open = await openQueue(folder, { rereadAfterMs: [] })
    await rename(folder, `${folder}.away`)
    const loaded = open.load(open.recovered[0]?.batch as DiskBatch)
    await vi.waitUntil(() => open.linesWith('a queue segment cannot be read').length > 0, WITHIN)
    await rename(`${folder}.away`, folder)
    expect(await loaded).toEqual(['text'])
  })

  test('ends with the queue, and reports nothing as lost', async () => {
    const { open, batch } = await unread('EMFILE', 1_000)
    const ready = vi.fn()
    open.queue.load(batch, ready)
    await open.queue.close()
    expect(ready).not.toHaveBeenCalled()
  })

  test('goes on when other queues use up the byte budget', async () => {
    const open = await openQueue(await newFolder(), { memoryBytes: 0 }, 100_000)
    const batches = []
    for (let at = 0; at < 20; at++) batches.push(await open.put('lane', [`${at}`.repeat(500)]))
    expect(open.budget.reserve(open.budget.capacity - open.budget.used)).toBe(true)
    for (const [at, batch] of batches.entries()) {
      expect(await open.load(batch)).toEqual([`${at}`.repeat(500)])
      open.settle(batch)
    }
  })
})

describe('files of a later release', () => {
  test('a segment keeps the queue from opening, and nothing is changed', async () => {
    const folder = await newFolder()
    const open = await openQueue(folder)
    await open.put('lane', ['text'])
    const copy = await copyOf(folder)
    await writeFile(join(copy, '0000000000.segment'), Buffer.alloc(500, 'not a segment')) // would be set aside
    await laterVersion(join(copy, '0000000001.segment'))
    const before = await readdir(copy)
    await expect(new OpenQueue(copy, {}, 1e6).queue.recover()).rejects.toThrow(ComponentError)
    await expect(new OpenQueue(copy, {}, 1e6).queue.recover()).rejects.toThrow(
      '0000000001.segment has format version 2, which this release cannot read',
    )
    expect(await readdir(copy)).toEqual(before)
  })

  test('a journal keeps the queue from opening too', async () => {
    const folder = await newFolder()
    const entry = encodeEntries({ answeredUpTo: 0, done: [], parts: [], counters: {} })
    const json = Buffer.from(entry.subarray(8).toString().replace('"version":1', '"version":2'))
    const head = Buffer.alloc(8)
    head.writeUInt32LE(json.length, 0)
    head.writeUInt32LE(crc32(json), 4)
    await writeFile(join(folder, 'acknowledgements-0000000001.log'), Buffer.concat([head, json]))
    await expect(new OpenQueue(folder, {}, 1e6).queue.recover()).rejects.toThrow(
      'acknowledgements-0000000001.log has format version 2',
    )
  })
})

test('segments that crashes left small are merged', async () => {
  let folder = await newFolder()
  for (let crash = 0; crash < 6; crash++) {
    const open = await openQueue(folder, { segmentBytes: 65_536 })
    await open.put('lane', [`${crash}`])
    folder = await copyOf(folder)
  }
  expect(await namesIn(folder, '.segment')).toHaveLength(6)
  const open = await openQueue(folder, { segmentBytes: 65_536, settledForMs: 0 })
  await open.put('lane', ['6'])
  await open.queue.relocate()
  await vi.waitUntil(async () => (await namesIn(folder, '.segment')).length === 1, WITHIN)
  const found = await (await openQueue(await copyOf(folder))).texts()
  expect(found.map(([, text]) => text)).toEqual(['0', '1', '2', '3', '4', '5', '6'])
})

test('a commit after the queue is closed is refused, and leaves nothing behind', async () => {
  const open = await openQueue(await newFolder())
  const reserved = open.reserve('lane', ['text'])
  if (reserved.kind === 'retry') return expect.fail(reserved.message)
  await open.queue.close()
  const stored = await new Promise<unknown>((resolve) => reserved.commit(resolve))
  expect(stored).toMatchObject({ kind: 'retry', cause: 'shutting_down' })
  expect(open.reserve('lane', ['text'])).toMatchObject({ kind: 'retry', cause: 'shutting_down' })
  expect(open.budget.used).toBe(0)
})
