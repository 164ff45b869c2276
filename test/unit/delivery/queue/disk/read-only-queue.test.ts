import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ComponentError } from '../../../../../src/component/component.ts'
import { DeadLetters } from '../../../../../src/delivery/dead-letters/dead-letters.ts'
import { ReadOnlyQueue } from '../../../../../src/delivery/queue/disk/read-only-queue.ts'
import { itemTexts } from '../../../../fakes/items.ts'
import { laterVersion } from './later-version.ts'
import { newFolder, openQueue } from './queue-fixture.ts'

/** Names, contents and times of all files, for a later comparison. */
async function everything(folder: string) {
  const names = (await readdir(folder)).sort()
  return Promise.all(
    names.map(async (name) => {
      const path = join(folder, name)
      const { mtimeMs, ctimeMs } = await stat(path)
      return [name, mtimeMs, ctimeMs, (await readFile(path)).toString('latin1')]
    }),
  )
}

/** A stopped queue in which these wait, and its one segment. */
async function stopped(...waiting: readonly (readonly string[])[]) {
  const folder = await newFolder()
  const open = await openQueue(folder)
  const done = await open.put('done', ['settled'])
  for (const texts of waiting) await open.put('a', texts)
  open.settle(done)
  await open.queue.close()
  const [name = ''] = (await readdir(folder)).filter((file) => file.endsWith('.segment'))
  return { folder, segment: join(folder, name) }
}

/** What a queue holds that is only looked at. */
async function look(folder: string) {
  const queue = new ReadOnlyQueue(folder)
  const found: (string | undefined)[][] = []
  for (const { lane, batch } of await queue.recover()) {
    const items = await new Promise<typeof batch.items>((resolve) => queue.load(batch, () => resolve(batch.items)))
    found.push([lane, ...(items === undefined ? [undefined] : itemTexts(items))])
  }
  await queue.close()
  return { found, lostItems: queue.lostItems }
}

test('finds waiting records, and changes nothing', async () => {
  const { folder } = await stopped(['first'], ['second', 'third'])
  const before = await everything(folder)
  expect((await look(folder)).found).toEqual([
    ['a', 'first'],
    ['a', 'second', 'third'],
  ])
  expect(await everything(folder)).toEqual(before)
})

test('leaves a damaged segment where it is, and reports what is missing', async () => {
  const { folder, segment } = await stopped(['first'], ['second'])
  await writeFile(segment, 'x'.repeat(1_000))
  const before = await everything(folder)
  expect(await look(folder)).toEqual({ found: [], lostItems: 2 })
  expect(await everything(folder)).toEqual(before)
})

test('a record whose bytes are gone has no items', async () => {
  const { folder, segment } = await stopped(['first'])
  const looking = new ReadOnlyQueue(folder)
  const [waiting] = await looking.recover()
  await rm(segment)
  if (waiting === undefined) throw new Error('nothing was found')
  await new Promise<void>((resolve) => looking.load(waiting.batch, resolve))
  expect(waiting.batch.items).toBeUndefined()
})

test('a missing directory reads as empty, and is not created', async () => {
  const folder = join(await newFolder(), 'dead-letters')
  expect((await look(folder)).found).toEqual([])
  await expect(readdir(folder)).rejects.toThrow('ENOENT')
})

test('refuses a directory of a later version', async () => {
  const { folder, segment } = await stopped(['first'])
  await laterVersion(segment)
  await expect(look(folder)).rejects.toThrow(ComponentError)
})

test('takes nothing', async () => {
  const letters = new DeadLetters(new ReadOnlyQueue(await newFolder()), () => {})
  const letter = { id: 'x', lane: 'g:s', reason: 'poison', error: '', diedAtMs: 0, items: 1 }
  const items = { kind: 1, count: 1, bytes: Buffer.from('a'), index: Float64Array.of(1, 0, 1) } as const
  expect(await letters.adopt(letter, items)).toMatchObject({
    kind: 'retry',
    message: expect.stringContaining('open read-only'),
  })
})
