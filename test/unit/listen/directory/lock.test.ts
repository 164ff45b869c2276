import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { isHeld, type Lock, lock } from '../../../../src/listen/directory/lock.ts'
import { temporaryFolder } from '../../../fakes/temporary-folder.ts'

async function folder(...below: string[]): Promise<string> {
  const made = await temporaryFolder()
  return join(made, ...below)
}

async function locked(directory: string): Promise<Lock | undefined> {
  const held = await lock(directory)
  onTestFinished(() => held?.release())
  return held
}

test('a directory is held by one at a time, and free again when it is released', async () => {
  const directory = await folder()
  const first = await locked(directory)
  expect(first).toBeDefined()
  expect(await lock(directory)).toBeUndefined()
  await first?.release()
  expect(await readdir(directory)).toEqual([])
  expect(await locked(directory)).toBeDefined()
})

test('a failed attempt does not hold the directory', async () => {
  const directory = await folder()
  const odd = join(directory, 'lock-0.sock')
  await mkdir(odd)
  await expect(lock(directory)).rejects.toThrow(odd.slice(-6))
  await rm(odd, { recursive: true })
  expect(await locked(directory)).toBeDefined()
})

test('of many attempts at once at most one succeeds', async () => {
  const directory = await folder()
  for (let round = 0; round < 10; round++) {
    const tries = await Promise.all(Array.from({ length: 8 }, () => lock(directory)))
    const held = tries.filter((one) => one !== undefined)
    expect(held.length).toBeLessThanOrEqual(1)
    for (const one of held) await one.release()
  }
  expect(await locked(directory)).toBeDefined()
})

test('the socket of a process that died is no lock, and neither is any other file', async () => {
  const directory = await folder()
  await writeFile(join(directory, 'lock-00ff.sock'), '')
  // A server that is gone without removing its socket: what kill -9 leaves.
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(join(directory, 'lock-aa.sock'), resolve))
  await new Promise((resolve) => server.close(resolve))
  expect(await locked(directory)).toBeDefined()
  expect((await readdir(directory)).length).toBe(1)
})

test('a path far longer than a socket may have can be locked', async () => {
  const directory = await folder('d'.repeat(200))
  await mkdir(directory)
  expect(await locked(directory)).toBeDefined()
  expect(await lock(directory)).toBeUndefined()
})

test('asking whether a directory is held leaves nothing behind', async () => {
  const directory = await folder()
  expect(await isHeld(directory)).toBe(false)
  const held = await locked(directory)
  const before = await readdir(directory)
  expect(await isHeld(directory)).toBe(true)
  expect(await readdir(directory)).toEqual(before)
  await held?.release()
  expect(await isHeld(directory)).toBe(false)
})

test('asking about a stale lock leaves it in place, and it does not count', async () => {
  const directory = await folder()
  await writeFile(join(directory, 'lock-0123456789abcdef.sock'), '')
  expect(await isHeld(directory)).toBe(false)
  expect(await readdir(directory)).toEqual(['lock-0123456789abcdef.sock'])
})
