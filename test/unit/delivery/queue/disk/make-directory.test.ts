import { rmSync, statSync } from 'node:fs'
import type * as promises from 'node:fs/promises'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'

const synced: string[] = []
vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof promises>()
  return {
    ...real,
    async open(path: string, flags: string) {
      const handle = await real.open(path, flags)
      const sync = handle.sync.bind(handle)
      handle.sync = async () => {
        synced.push(path)
        await sync()
      }
      return handle
    },
  }
})
const { makeDirectory } = await import('../../../../../src/delivery/queue/disk/files/make-directory.ts')

test('each new directory is synced in its parent', async () => {
  const root = await mkdtemp(join(tmpdir(), 'make-directory-'))
  onTestFinished(() => rmSync(root, { recursive: true }))
  await makeDirectory(join(root, 'a', 'b', 'c'), 0o700, true)
  expect(statSync(join(root, 'a', 'b', 'c')).mode & 0o777).toBe(0o700)
  expect(synced.splice(0).toSorted()).toEqual([root, join(root, 'a'), join(root, 'a', 'b')])
})

test('an existing one is synced in its parent: its creator may have died before that', async () => {
  const root = await mkdtemp(join(tmpdir(), 'make-directory-'))
  onTestFinished(() => rmSync(root, { recursive: true }))
  await makeDirectory(root, 0o700, true)
  expect(synced.splice(0)).toEqual([tmpdir()])
})

test('nothing is synced where syncing is left to the file system', async () => {
  const root = await mkdtemp(join(tmpdir(), 'make-directory-'))
  onTestFinished(() => rmSync(root, { recursive: true }))
  await makeDirectory(join(root, 'a'), 0o700, false)
  expect(synced).toEqual([])
})
