import { expect, test } from 'vitest'
import { ByteBudget } from '../../../../../src/component/byte-budget.ts'
import { ComponentError } from '../../../../../src/component/component.ts'
import { DeadLetters } from '../../../../../src/delivery/dead-letters/dead-letters.ts'
import { MemoryQueue } from '../../../../../src/delivery/queue/memory-queue.ts'
import { QueuedBatch } from '../../../../../src/delivery/contract/queue.ts'
import { LetterCommands } from '../../../../../src/exporters/awscloudwatchlogs/dead-letters/letter-commands.ts'
import { askControl } from '../../../../../src/listen/directory/control.ts'
import { itemBatch, namedItems } from '../../../../fakes/items.ts'
import { listed } from '../../../../fakes/listed.ts'
import { answering, stopped, storage } from '../commands/letters-on-disk.ts'
import { lookAtStoredLetters } from '../../../../../src/exporters/awscloudwatchlogs/commands/stored-letters.ts'

/** Queries the socket of a daemon, as a command of another release would. */
async function asked(directory: string, ask: string, query: object): Promise<unknown[]> {
  const all: unknown[] = []
  for await (const piece of (await askControl(directory, ask, { ...query })) ?? []) all.push(piece)
  return all
}

test.each(['list', 'show', 'replay'])(
  '%s by the socket of a daemon has the rules of the command line',
  async (name) => {
    const { directory, offered } = await answering(await storage(), 'awscloudwatchlogs/0000', [{ id: 'a', died: 0 }])
    const ask = (query: object) => asked(directory, `dead-letters.${name}`, query)
    await expect(ask({ since: 'yesterday', group: '*' })).rejects.toThrow(
      /^group: "\*" is not a log group name: .*; since: "yesterday" is not a time: /,
    )
    await expect(ask({ since: 'yesterday' })).rejects.toThrow(ComponentError)
    await expect(ask({ before: '2026-11-21' })).rejects.toThrow('Unrecognized key: "before"')
    expect(offered).toEqual([])
  },
)

test('replay by the socket of a daemon queues nothing for a group that can never be written', async () => {
  const { directory, offered } = await answering(await storage(), 'awscloudwatchlogs/0000', [{ id: 'a', died: 0 }])
  await expect(asked(directory, 'dead-letters.replay', { to: 'my group' })).rejects.toThrow(
    'to: "my group" is not a log group name',
  )
  expect(offered).toEqual([])
  expect(await asked(directory, 'dead-letters.list', {})).toMatchObject([{ id: 'a' }])
})

test('letters that are only shown stay', async () => {
  const directory = await stopped(await storage(), 'awscloudwatchlogs/0000', [{ id: 'a', died: 0 }])
  const { letterCommands } = await lookAtStoredLetters(directory)
  expect(await letterCommands.replay({})).toEqual({
    letters: 0,
    events: 0,
    left: 0,
    stopped: 'the letters are read-only',
  })
  expect([...(await listed(letterCommands.list({})))]).toMatchObject([{ id: 'a' }])
})

test('a replay ends after the current letter when the daemon stops, and that letter is removed', async () => {
  const letters = new DeadLetters(new MemoryQueue(new ByteBudget(1_048_576)), () => {})
  for (const name of ['a', 'b', 'c']) {
    const items = itemBatch(namedItems(name, 2))
    const run = { batch: new QueuedBatch(items, 2, 0, items.bytes.length, Date.now()), from: 0, to: 2 }
    await letters.put({ lane: 'g:s', run, reason: 'poison', error: '' })
  }
  const offered = Promise.withResolvers<undefined>()
  const queued = Promise.withResolvers<undefined>()
  const letterCommands = new LetterCommands(letters, () => {
    offered.resolve(undefined)
    return queued.promise
  })
  const replay = letterCommands.replay({})
  await offered.promise
  const closed = letterCommands.close()
  queued.resolve(undefined)
  await closed
  expect(await replay).toEqual({ letters: 1, events: 2, left: 0, stopped: 'the daemon is stopping' })
  expect(letters.count).toBe(2)
})

test('a replay that cannot read its letter does not keep the daemon from stopping', async () => {
  class Unreadable extends MemoryQueue {
    override load(): void {}
  }
  const letters = new DeadLetters(new Unreadable(new ByteBudget(1_048_576)), () => {})
  const items = itemBatch(namedItems('a', 2))
  const run = { batch: new QueuedBatch(items, 2, 0, items.bytes.length, Date.now()), from: 0, to: 2 }
  await letters.put({ lane: 'g:s', run, reason: 'poison', error: '' })
  const letterCommands = new LetterCommands(letters, () => Promise.reject(new Error('nothing should be queued')))
  const replay = letterCommands.replay({})
  await letterCommands.close()
  expect(await replay).toEqual({ letters: 0, events: 0, left: 0, stopped: 'the daemon is stopping' })
  expect(letters.count).toBe(1)
})
