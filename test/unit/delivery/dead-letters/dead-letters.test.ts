import { describe, expect, test } from 'vitest'
import { ByteBudget } from '../../../../src/component/byte-budget.ts'
import { type DeadLetters, GONE, openDeadLetters } from '../../../../src/delivery/dead-letters/dead-letters.ts'
import { moveLetters } from '../../../../src/delivery/dead-letters/move-letters.ts'
import type { ItemBatch } from '../../../../src/delivery/contract/items.ts'
import { QueuedBatch } from '../../../../src/delivery/contract/queue.ts'
import { silentLogger } from '../../../../src/telemetry/logger.ts'
import { itemBatch, itemTexts, namedItems } from '../../../fakes/items.ts'
import { listed } from '../../../fakes/listed.ts'
import { temporaryFolder } from '../../../fakes/temporary-folder.ts'

const MEBIBYTE = 1_048_576
const BIG = 'x'.repeat(100_000)

async function open(directory: string, capacityBytes = 16 * 1_048_576, heapBytes?: number) {
  const evicted: number[] = []
  const budget = new ByteBudget(64 * 1_048_576, heapBytes)
  const fatal = (error: Error) => {
    throw error
  }
  const letters = openDeadLetters(
    { directory, capacityBytes, fsync: false },
    ({ items }) => evicted.push(items),
    fatal,
    budget,
    silentLogger,
  )
  await letters.open()
  return { letters, evicted, budget }
}

/** Items `[from, to)` of a batch of `count` named items. */
function run(name: string, count: number, from = 0, to = count) {
  const items = itemBatch(namedItems(name, count))
  return { batch: new QueuedBatch(items, count, 0, items.bytes.length, Date.now()), from, to }
}

async function put(letters: DeadLetters, lane: string, name: string, reason: string, count = 3): Promise<boolean> {
  return (await letters.put({ lane, run: run(name, count), reason, error: `why ${name}` })) === 'kept'
}

test('keeps a part of a batch with its lane, reason and error, and reads it back', async () => {
  const { letters } = await open(await temporaryFolder())
  const dead = { lane: 'g:s', run: run('item', 5, 1, 4), reason: 'poison', error: 'CloudWatch said no' }
  expect(await letters.put(dead)).toBe('kept')
  const [letter] = await listed(letters.list({}))
  expect(letter).toMatchObject({ lane: 'g:s', reason: 'poison', error: 'CloudWatch said no', items: 3 })
  const items = await letters.read(letter?.id ?? '')
  expect(items === undefined ? [] : itemTexts(items)).toEqual(['item1', 'item2', 'item3'])
  await letters.close()
})

test('finds by reason, group, stream, time and id', async () => {
  const { letters } = await open(await temporaryFolder())
  await put(letters, 'g:s', 'a', 'poison')
  await put(letters, 'g:t', 'b', 'expired')
  await put(letters, 'group:s', 'c', 'expired')
  const found = async (filter: object) => (await listed(letters.list(filter))).map(({ error }) => error.slice(4))
  expect(await found({})).toEqual(['a', 'b', 'c'])
  expect(await found({ reason: 'expired' })).toEqual(['b', 'c'])
  expect(await found({ lane: 'g' })).toEqual(['a', 'b'])
  expect(await found({ lane: 'g:t' })).toEqual(['b'])
  expect(await found({ sinceMs: Date.now() + 1_000 })).toEqual([])
  expect(await found({ id: (await listed(letters.list({})))[1]?.id })).toEqual(['b'])
  await letters.close()
})

test('lists the oldest first, also those that came from another store', async () => {
  const { letters } = await open(await temporaryFolder())
  await put(letters, 'g:s', 'a', 'poison')
  const older = { id: 'x', lane: 'g:s', reason: 'expired', error: 'why b', diedAtMs: 5, items: 1 }
  expect(await letters.adopt(older, itemBatch(namedItems('b', 1)))).toBeUndefined()
  expect((await listed(letters.list({}))).map(({ error }) => error)).toEqual(['why b', 'why a'])
  await letters.close()
})

test('accepts no letter of another store that would evict one of its own', async () => {
  const { letters, evicted } = await open(await temporaryFolder(), 2 * MEBIBYTE)
  for (let i = 0; i < 6; i++) await put(letters, 'g:s', `${i}-${BIG}`, 'poison', 1)
  const other = { id: 'x', lane: 'g:s', reason: 'expired', error: 'why c', diedAtMs: 5, items: 9 }
  expect(await letters.adopt(other, itemBatch(namedItems(BIG, 9)))).toMatchObject({ cause: 'storage_full' })
  expect([letters.count, evicted]).toEqual([6, []])
  await letters.close()
})

test('survives a restart with the same ids, without removed letters', async () => {
  const directory = await temporaryFolder()
  const first = await open(directory)
  await put(first.letters, 'g:s', 'a', 'poison')
  await put(first.letters, 'g:s', 'b', 'poison')
  const [gone, stays] = await listed(first.letters.list({}))
  first.letters.remove(gone?.id ?? '')
  await first.letters.close()
  const second = await open(directory)
  expect((await listed(second.letters.list({}))).map(({ id }) => id)).toEqual([stays?.id])
  expect(second.letters.items).toBe(3)
  await second.letters.close()
})

test('evicts the oldest when there is no room, and reports the number of items', async () => {
  const { letters, evicted } = await open(await temporaryFolder(), 2 * 1_048_576)
  for (let i = 0; i < 40; i++) expect(await put(letters, 'g:s', `${i}-${BIG}`, 'expired', 1)).toBe(true)
  expect(evicted.length).toBeGreaterThan(10)
  expect(letters.count).toBe(40 - evicted.length)
  expect((await listed(letters.list({}))).at(-1)?.error.slice(0, 6)).toBe('why 39')
  expect(letters.usedBytes).toBeLessThanOrEqual(2 * 1_048_576)
  await letters.close()
})

test('reports that items whose bytes are missing cannot be kept', async () => {
  const { letters } = await open(await temporaryFolder())
  const absent = { batch: new QueuedBatch(undefined, 1, 0, 0, Date.now()), from: 0, to: 1 }
  expect(await letters.put({ lane: 'g:s', run: absent, reason: 'expired', error: '' })).toBe('never')
  await letters.close()
})

test('a letter that would fill half of the store is not kept, and evicts no others', async () => {
  const { letters, evicted } = await open(await temporaryFolder(), 1_048_576)
  expect(await put(letters, 'g:s', 'a', 'poison')).toBe(true)
  const items = itemBatch([{ text: 'x'.repeat(600_000) }])
  const large = { batch: new QueuedBatch(items, 1, 0, items.bytes.length, Date.now()), from: 0, to: 1 }
  expect(await letters.put({ lane: 'g:s', run: large, reason: 'poison', error: '' })).toBe('never')
  expect([letters.count, evicted]).toEqual([1, []])
  await letters.close()
})

describe('a letter that is moved', () => {
  test('is handed over for good: closing the store does not affect it', async () => {
    const { letters } = await open(await temporaryFolder())
    // As large as nothing that shares its memory with others.
    const name = 'x'.repeat(20_000)
    await put(letters, 'g:s', name, 'poison')
    const taken: ItemBatch[] = []
    const id = (await listed(letters.list({})))[0]?.id ?? ''
    expect(await letters.move(id, async (items) => void taken.push(items))).toBeUndefined()
    expect(taken.map((items) => itemTexts(items))).toEqual([[`${name}0`, `${name}1`, `${name}2`]])
    expect(letters.count).toBe(0)
    await letters.close()
  })

  test('is moved once, and not evicted meanwhile', async () => {
    const { letters, evicted } = await open(await temporaryFolder(), 2 * MEBIBYTE)
    for (const name of ['a', 'b']) await put(letters, 'g:s', name, 'poison', 1)
    const [oldest = '', next = ''] = (await listed(letters.list({}))).map(({ id }) => id)
    const offered = Promise.withResolvers<undefined>()
    const moving = letters.move(oldest, () => offered.promise)
    expect(await letters.move(oldest, async () => undefined)).toBe(GONE)
    for (let i = 0; i < 40; i++) await put(letters, 'g:s', `${i}-${BIG}`, 'poison', 1)
    expect(evicted.length).toBeGreaterThan(10)
    const ids = (await listed(letters.list({}))).map(({ id }) => id)
    expect([ids.includes(oldest), ids.includes(next)]).toEqual([true, false])
    offered.resolve(undefined)
    expect(await moving).toBeUndefined()
    expect((await listed(letters.list({ id: oldest }))).length).toBe(0)
    await letters.close()
  })

  test('stays where it is if the other store refused it', async () => {
    const { letters } = await open(await temporaryFolder())
    await put(letters, 'g:s', 'a', 'poison')
    const id = (await listed(letters.list({})))[0]?.id ?? ''
    expect(await letters.move(id, async () => 'no room')).toBe('no room')
    expect(letters.count).toBe(1)
    await letters.close()
  })
})

describe('more than the heap has room for', () => {
  const HEAP_BYTES = 400_000
  const LETTERS = 1_000
  const names = Array.from({ length: LETTERS }, (_, i) => `why l${i}-`)

  async function full(directory: string) {
    const opened = await open(directory, 16 * MEBIBYTE, HEAP_BYTES)
    for (let i = 0; i < LETTERS; i++)
      expect(await put(opened.letters, 'g:s', `l${i}-`, i % 2 === 0 ? 'too_old' : 'poison', 1)).toBe(true)
    return opened
  }

  test('are all kept and listed, oldest first, and use none of the heap of waiting records', async () => {
    const directory = await temporaryFolder()
    const first = await full(directory)
    const stays = async ({ letters, evicted, budget }: typeof first) => {
      expect([letters.count, letters.items, evicted.length, budget.heapUsed]).toEqual([LETTERS, LETTERS, 0, 0])
      expect((await listed(letters.list({}))).map(({ error }) => error)).toEqual(names)
      expect((await listed(letters.list({ reason: 'poison' }))).length).toBe(LETTERS / 2)
    }
    await stays(first)
    await first.letters.close()
    const second = await open(directory, 16 * MEBIBYTE, HEAP_BYTES)
    await stays(second)
    await second.letters.close()
  })

  test('are read and moved one by one, also those of one reason', async () => {
    const { letters, budget } = await full(await temporaryFolder())
    const moved: string[] = []
    for await (const { id } of letters.list({ reason: 'poison' })) {
      expect(await letters.read(id)).toBeDefined()
      await letters.move(id, async (items) => void moved.push(...itemTexts(items)))
    }
    expect(moved).toHaveLength(LETTERS / 2)
    expect([new Set(moved).size, letters.count]).toEqual([LETTERS / 2, LETTERS / 2])
    expect((await listed(letters.list({}))).map(({ error }) => error)).toEqual(names.filter((_, i) => i % 2 === 0))
    await letters.close()
    expect([budget.used, budget.heapUsed]).toEqual([0, 0])
  })

  test('are all moved into another store', async () => {
    const left = await full(await temporaryFolder())
    const own = await open(await temporaryFolder(), 16 * MEBIBYTE, HEAP_BYTES)
    const account = { moved() {}, lost: (items: number) => expect(items).toBe(0) }
    expect(await moveLetters(left.letters, own.letters, account, new AbortController().signal)).toBeUndefined()
    expect([left.letters.count, own.letters.count]).toEqual([0, LETTERS])
    expect((await listed(own.letters.list({}))).map(({ error }) => error)).toEqual(names)
    await left.letters.close()
    await own.letters.close()
  })
})
