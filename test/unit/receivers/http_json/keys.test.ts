import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { ByteBudget } from '../../../../src/component/byte-budget.ts'
import { type Files, nodeFiles } from '../../../../src/delivery/queue/disk/files/files.ts'
import { KeyFiles } from '../../../../src/receivers/http_json/keys/key-files.ts'
import { entryOf } from '../../../../src/receivers/http_json/keys/key-table.ts'
import { type Begun, Keys } from '../../../../src/receivers/http_json/keys/keys.ts'
import { silentLogger } from '../../../../src/telemetry/logger.ts'

const BODY = Buffer.from('body')
const DAY_MS = 86_400_000

async function directory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'otlp-cloudwatch-keys-'))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  return path
}

function claimed(path: string) {
  return { path, fsync: true, capacityBytes: 1, nextAbandoned: async () => undefined, release: async () => {} }
}

async function open(path: string, now = () => Date.now(), files = nodeFiles): Promise<Keys> {
  const keys = new Keys(new ByteBudget(100_000_000), claimed(path), silentLogger, { now, files })
  await keys.start()
  onTestFinished(() => keys.close())
  return keys
}

function remember(keys: Keys, name: string): Promise<boolean> {
  return new Promise((resolve) => keys.remember(keys.begin(undefined, name, BODY) as Begun, 0, resolve))
}

test('a key is forgotten after 24 hours, and its file is removed at the next start', async () => {
  const path = await directory()
  let now = Date.now()
  const keys = await open(path, () => now)
  await remember(keys, 'old')
  await keys.close()
  now += DAY_MS - 60_000
  const second = await open(path, () => now)
  expect(second.begin(undefined, 'old', BODY).kind).toBe('repeated')
  await remember(second, 'young')
  await second.close()
  expect(await readdir(path)).toHaveLength(2)
  now += 120_000
  const third = await open(path, () => now)
  expect(third.begin(undefined, 'old', BODY).kind).toBe('new')
  expect(third.begin(undefined, 'young', BODY).kind).toBe('repeated')
  expect(await readdir(path)).toHaveLength(1)
})

test('keys of different senders are different keys', async () => {
  const keys = await open(await directory())
  const [blue, red] = ['blue', 'red'].map((name) => ({ name, allowedGroups: ['*'] }))
  await new Promise((resolve) => keys.remember(keys.begin(blue, 'k', BODY) as Begun, 0, resolve))
  expect(keys.begin(blue, 'k', BODY).kind).toBe('repeated')
  expect(keys.begin(red, 'k', BODY).kind).toBe('new')
  expect(keys.begin(undefined, 'k', BODY).kind).toBe('new')
})

/** The file system with a sync that a test replaces. */
function withSync(sync: (itself: () => Promise<void>) => Promise<void>): Files {
  return {
    ...nodeFiles,
    async open(path, flags) {
      const opened = await nodeFiles.open(path, flags)
      return {
        write: (parts, position) => opened.write(parts, position),
        read: (position, length) => opened.read(position, length),
        truncate: (bytes) => opened.truncate(bytes),
        size: () => opened.size(),
        close: () => opened.close(),
        sync: () => sync(() => opened.sync()),
      }
    },
  }
}

test('a key is on disk before its sender gets a response', async () => {
  const gate = Promise.withResolvers<void>()
  let syncs = 0
  const files = withSync(async (itself) => {
    syncs++
    await gate.promise
    await itself()
  })
  const keys = await open(await directory(), undefined, files)
  let answered = false
  const remembered = remember(keys, 'k').then(() => (answered = true))
  await expect.poll(() => syncs).toBe(1)
  expect(answered).toBe(false)
  expect(keys.begin(undefined, 'k', BODY).kind).toBe('in_flight')
  gate.resolve()
  await remembered
  expect(keys.begin(undefined, 'k', BODY).kind).toBe('repeated')
})

test('while a disk fails no key is taken, and what was accepted before is not accepted again', async () => {
  const path = await directory()
  let broken = true
  const keys = await open(
    path,
    undefined,
    withSync((itself) => (broken ? Promise.reject(new Error('EIO')) : itself())),
  )
  expect(await remember(keys, 'accepted')).toBe(true)
  expect(keys.begin(undefined, 'other', BODY).kind).toBe('unavailable')
  broken = false
  await expect.poll(() => keys.begin(undefined, 'accepted', BODY).kind).toBe('repeated')
  await keys.close()
  expect((await open(path)).begin(undefined, 'accepted', BODY).kind).toBe('repeated')
})

test('a key that comes after the end is refused, and not written', async () => {
  const path = await directory()
  const keys = await open(path)
  const late = keys.begin(undefined, 'late', BODY) as Begun
  await keys.close()
  expect(keys.begin(undefined, 'k', BODY).kind).toBe('unavailable')
  expect(await new Promise((resolve) => keys.remember(late, 0, resolve))).toBe(true)
  expect(await readdir(path)).toEqual([])
})

test('a disk that fails refuses keys until what was accepted is written, in a new file', async () => {
  const path = await directory()
  let broken = false
  const files = withSync((itself) => (broken ? Promise.reject(new Error('EIO')) : itself()))
  const written = new KeyFiles(path, true, 100, files)
  await written.load(() => {})
  const entry = (name: string) => entryOf(Buffer.alloc(32, name), Buffer.alloc(32), 1_000, 0)
  const append = (name: string) => new Promise((resolve) => written.append(entry(name), resolve))
  expect(await append('a')).toBeUndefined()
  broken = true
  expect(await append('b')).toEqual(new Error('EIO'))
  expect(written.failure).toEqual(new Error('EIO'))
  broken = false
  written.retry()
  expect(await append('c')).toBeUndefined()
  expect(written.failure).toBeUndefined()
  await written.close()
  const found: string[] = []
  const read = new KeyFiles(path, true, 100)
  await read.load((each) => found.push(each.toString('latin1', 0, 1)))
  expect(new Set(found)).toEqual(new Set(['a', 'b', 'c']))
})
