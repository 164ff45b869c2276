import { expect, test } from 'vitest'
import { ComponentError } from '../../../../src/component/component.ts'
import { askControl } from '../../../../src/listen/control.ts'
import { answering, stopped, storage } from '../../cli/letters-on-disk.ts'
import { lookAtStoredLetters } from '../../../../src/exporters/awscloudwatchlogs/stored-letters.ts'

/** Whoever writes to the socket of a daemon: a command of another release, say. */
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
      /^group: "\*" is no name of a log group: .*; since: "yesterday" is not a time: /,
    )
    await expect(ask({ since: 'yesterday' })).rejects.toThrow(ComponentError)
    await expect(ask({ before: '2026-11-21' })).rejects.toThrow('Unrecognized key: "before"')
    expect(offered).toEqual([])
  },
)

test('replay by the socket of a daemon queues nothing for a group that can never be written', async () => {
  const { directory, offered } = await answering(await storage(), 'awscloudwatchlogs/0000', [{ id: 'a', died: 0 }])
  await expect(asked(directory, 'dead-letters.replay', { to: 'my group' })).rejects.toThrow('to: "my group" is no name')
  expect(offered).toEqual([])
  expect(await asked(directory, 'dead-letters.list', {})).toMatchObject([{ id: 'a' }])
})

test('letters that are only looked at stay', async () => {
  const directory = await stopped(await storage(), 'awscloudwatchlogs/0000', [{ id: 'a', died: 0 }])
  const { desk } = await lookAtStoredLetters(directory)
  expect(await desk.replay({})).toEqual({ letters: 0, events: 0, left: 0, stopped: 'the letters are only looked at' })
  expect([...desk.list({})]).toMatchObject([{ id: 'a' }])
})
