// A directory of each format version that a release ever wrote, as a process that was killed left it: it has to open and
// be delivered exactly. Made by test/testdata/queue/make.ts.
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { newFolder, openQueue } from './queue-fixture.ts'

const STORED = join(import.meta.dirname, '..', '..', '..', '..', 'testdata', 'queue')

test('a directory of version 1 opens and is delivered exactly', async () => {
  const folder = await newFolder()
  await cp(join(STORED, 'v1'), folder, { recursive: true })
  const open = await openQueue(folder)
  expect(await open.texts()).toEqual([
    ['group:first', 'one', 'zwölf 🦊', ''],
    ['group:second', 'a', 'c'],
    ['group:records', 'x'.repeat(4_000)],
    ['group:last', 'the end'],
  ])
  expect(open.recovered.map(({ settled }) => settled)).toEqual([
    [],
    [
      [1, 2],
      [3, 5],
    ],
    [],
    [],
  ])
  expect(open.recovered.map(({ batch }) => batch.items?.kind)).toEqual([1, 1, 2, 1])
  const [first] = open.recovered
  expect([...(first?.batch.items?.index ?? [])]).toEqual([3, 1_000, 29, 14, 1_001, 34, 14, 1_002, 26])
  expect(open.restored).toEqual({ delivered: 4, lost: { shutdown: 1 } })
  expect(open.logged.filter(({ level }) => level !== 'info')).toEqual([])

  for (const { batch } of open.recovered) open.settle(batch)
  await open.put('group:first', ['written by this release'])
  await open.queue.close()
  expect(await (await openQueue(folder)).texts()).toEqual([['group:first', 'written by this release']])
})

test('a directory of an earlier build knows its gap markers from records', async () => {
  const folder = await newFolder()
  await cp(join(STORED, 'v1-own'), folder, { recursive: true })
  const open = await openQueue(folder)
  const found = open.recovered.map(({ lane, batch }) => [lane, batch.own] as const)
  expect(found).toEqual([
    ['group:stream', false],
    ['group:stream', true],
    ['group:full', false],
    ['group:stream', true],
  ])
  expect((await open.texts()).map(([, text]) => text?.slice(0, 12))).toEqual([
    'a record',
    'a gap marker',
    'xxxxxxxxxxxx',
    'a gap marker',
  ])
  for (const { batch } of open.recovered) open.settle(batch)
  await open.queue.close()
})
