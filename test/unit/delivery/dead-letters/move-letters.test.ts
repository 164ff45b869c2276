import { open as openFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { ByteBudget } from '../../../../src/component/byte-budget.ts'
import {
  type DeadLetter,
  type DeadLetters,
  openDeadLetters,
} from '../../../../src/delivery/dead-letters/dead-letters.ts'
import { moveLetters } from '../../../../src/delivery/dead-letters/move-letters.ts'
import { QueuedBatch } from '../../../../src/delivery/contract/queue.ts'
import { silentLogger } from '../../../../src/telemetry/logger.ts'
import { itemBatch, itemTexts, namedItems } from '../../../fakes/items.ts'
import { listed } from '../../../fakes/listed.ts'
import { copyOf, newFolder } from '../queue/disk/queue-fixture.ts'

const budget = () => new ByteBudget(64 * 1_048_576)
const never = new AbortController().signal

async function store(directory: string, capacityBytes = 16 * 1_048_576) {
  const evicted: number[] = []
  const fatal = (error: Error) => {
    throw error
  }
  const options = { directory, capacityBytes, fsync: false }
  const letters = openDeadLetters(options, ({ items }) => evicted.push(items), fatal, budget(), silentLogger)
  await letters.open()
  onTestFinished(() => letters.close())
  return { letters, evicted }
}

async function put(letters: DeadLetters, name: string, count = 2): Promise<boolean> {
  const items = itemBatch(namedItems(name, count))
  const run = { batch: new QueuedBatch(items, count, 0, items.bytes.length, Date.now()), from: 0, to: count }
  return (await letters.put({ lane: 'g:s', run, reason: 'poison', error: `why ${name.slice(0, 8)}` })) === 'kept'
}

class Account {
  movedItems = 0
  damagedItems = 0

  moved({ items }: DeadLetter): void {
    this.movedItems += items
  }

  lost(items: number): void {
    this.damagedItems += items
  }
}

async function textsOf(letters: DeadLetters): Promise<string[][]> {
  const texts: string[][] = []
  for (const { id } of await listed(letters.list({}))) {
    const items = await letters.read(id)
    texts.push(items === undefined ? [] : itemTexts(items))
  }
  return texts
}

test('letters are moved as they are, and are there after a restart', async () => {
  const [here, there] = [await newFolder(), await newFolder()]
  const [own, left] = [await store(here), await store(there)]
  await put(own.letters, 'own')
  await put(left.letters, 'a')
  await put(left.letters, 'b', 3)
  const before = [...(await listed(own.letters.list({}))), ...(await listed(left.letters.list({})))]
  const account = new Account()
  expect(await moveLetters(left.letters, own.letters, account, never)).toBeUndefined()
  expect([account.movedItems, account.damagedItems, left.letters.count]).toEqual([5, 0, 0])
  await Promise.all([own.letters.close(), left.letters.close()])
  const again = await store(here)
  expect(await listed(again.letters.list({}))).toEqual(before)
  expect(await textsOf(again.letters)).toEqual([
    ['own0', 'own1'],
    ['a0', 'a1'],
    ['b0', 'b1', 'b2'],
  ])
  expect((await store(there)).letters.count).toBe(0)
  expect((await readdir(there)).filter((name) => name.endsWith('.segment'))).toEqual([])
})

test('a letter that a crash left in both stores is kept once', async () => {
  const there = await newFolder()
  const own = await store(await newFolder())
  const left = await store(there)
  await put(left.letters, 'a')
  const crashed = await store(await copyOf(there))
  const account = new Account()
  await moveLetters(left.letters, own.letters, account, never)
  expect(await moveLetters(crashed.letters, own.letters, account, never)).toBeUndefined()
  expect([account.movedItems, own.letters.count, crashed.letters.count]).toEqual([2, 1, 0])
})

test('another letter that has the same id by chance is kept beside it', async () => {
  const [own, left] = [await store(await newFolder()), await store(await newFolder())]
  const letter = { id: 'abc-1', lane: 'g:s', reason: 'poison', error: '', diedAtMs: 5, items: 2 }
  expect(await own.letters.adopt(letter, itemBatch(namedItems('a', 2)))).toBeUndefined()
  await left.letters.adopt({ ...letter, lane: 'g:t' }, itemBatch(namedItems('b', 2)))
  await moveLetters(left.letters, own.letters, new Account(), never)
  expect((await listed(own.letters.list({}))).map(({ lane }) => lane)).toEqual(['g:s', 'g:t'])
  expect(new Set((await listed(own.letters.list({}))).map(({ id }) => id)).size).toBe(2)
  expect(await textsOf(own.letters)).toEqual([
    ['a0', 'a1'],
    ['b0', 'b1'],
  ])
})

test('no letter is evicted to make room for one of another store: those stay where they are', async () => {
  const own = await store(await newFolder(), 1_048_576)
  const left = await store(await newFolder())
  const big = 'x'.repeat(300_000)
  await put(own.letters, `own${big}`, 1)
  for (let i = 0; i < 5; i++) await put(left.letters, `${i}${big}`, 1)
  const account = new Account()
  expect(await moveLetters(left.letters, own.letters, account, never)).toContain('the queue on disk is full')
  expect([own.letters.count, left.letters.count, own.evicted]).toEqual([3, 3, []])
  expect(account.movedItems).toBe(2)
})

test('a damaged letter is reported, and its file is kept', async () => {
  const there = await newFolder()
  const first = await store(there)
  await put(first.letters, 'damaged')
  await put(first.letters, 'whole')
  await first.letters.close()
  const left = await store(there)
  const file = await openFile(join(there, '0000000001.segment'), 'r+')
  const bytes = await file.readFile()
  await file.write(Buffer.from('?'), 0, 1, bytes.indexOf('damaged0'))
  await file.close()
  const own = await store(await newFolder())
  const account = new Account()
  expect(await moveLetters(left.letters, own.letters, account, never)).toBeUndefined()
  expect([account.movedItems, account.damagedItems]).toEqual([2, 2])
  expect(await textsOf(own.letters)).toEqual([['whole0', 'whole1']])
  await left.letters.close()
  expect((await readdir(there)).filter((name) => name.includes('.segment'))).toEqual(['0000000001.segment.corrupt'])
})

test('nothing more is moved after the abort', async () => {
  const [own, left] = [await store(await newFolder()), await store(await newFolder())]
  await put(left.letters, 'a')
  expect(await moveLetters(left.letters, own.letters, new Account(), AbortSignal.abort())).toBe(
    'the process is stopping',
  )
  expect([own.letters.count, left.letters.count]).toEqual([0, 1])
})
