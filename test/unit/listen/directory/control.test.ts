import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { askControl, type Handlers, openControl } from '../../../../src/listen/directory/control.ts'
import { temporaryFolder } from '../../../fakes/temporary-folder.ts'

const WAIT = { timeout: 30_000, interval: 10 }
/** More than all buffers on the way hold. */
const BIG = 'x'.repeat(4 * 1_048_576)

async function opened(handlers: Handlers): Promise<string> {
  const directory = await temporaryFolder()
  const control = await openControl(directory, handlers)
  onTestFinished(() => control.close())
  return directory
}

async function asked(directory: string, ask: string, options = {}): Promise<unknown[] | undefined> {
  const pieces = await askControl(directory, ask, options)
  if (pieces === undefined) return undefined
  const all: unknown[] = []
  for await (const piece of pieces) all.push(piece)
  return all
}

/** As many pieces as requested, how many were made, and whether it was aborted. */
function pieces(count: number, text: string) {
  const made = { count: 0, ended: false }
  async function* make() {
    try {
      while (made.count < count) yield { number: ++made.count, text }
    } finally {
      made.ended = true
    }
  }
  return { made, make }
}

test('answers with one value, or with several', async () => {
  const directory = await opened({
    one: ({ name }) => ({ hello: name }),
    later: async () => 'later',
    several: () => ['a', 'ä\n', { c: 1 }],
    none: () => [],
    nothing: () => undefined,
  })
  expect(await asked(directory, 'one', { name: 'you' })).toEqual([{ hello: 'you' }])
  expect(await asked(directory, 'later')).toEqual(['later'])
  expect(await asked(directory, 'several')).toEqual(['a', 'ä\n', { c: 1 }])
  expect(await asked(directory, 'none')).toEqual([])
  expect(await asked(directory, 'nothing')).toEqual([null])
})

test('only the user it runs as may ask', async () => {
  const directory = await opened({})
  expect((await stat(join(directory, 'control.sock'))).mode & 0o777).toBe(0o600)
})

test('makes no more pieces than the client has room for', async () => {
  const { made, make } = pieces(40, BIG)
  const directory = await opened({ much: make })
  const answer = (await askControl(directory, 'much', {}))?.[Symbol.asyncIterator]()
  expect((await answer?.next())?.value).toMatchObject({ number: 1 })
  // One that is read, one on its way, one that waits for its turn.
  await vi.waitFor(() => expect(made.count).toBeGreaterThanOrEqual(2), WAIT)
  expect(made.count).toBeLessThanOrEqual(3)
  let read = 1
  while ((await answer?.next())?.done === false) {
    read++
    expect(made.count).toBeLessThanOrEqual(read + 2)
  }
  expect(read).toBe(40)
})

test('makes no more pieces for a client that went away', async () => {
  const { made, make } = pieces(40, BIG)
  const directory = await opened({ much: make })
  for await (const piece of (await askControl(directory, 'much', {})) ?? []) {
    expect(piece).toMatchObject({ number: 1 })
    break
  }
  await vi.waitFor(() => expect(made.ended).toBe(true), WAIT)
  expect(made.count).toBeLessThan(40)
})

test('reports errors, also in the middle of an answer', async () => {
  const directory = await opened({
    wrong: () => {
      throw new Error('since: no time')
    },
    broken: async function* () {
      yield 'first'
      throw new Error('the disk is gone')
    },
  })
  await expect(asked(directory, 'wrong')).rejects.toThrow('since: no time')
  await expect(asked(directory, 'other')).rejects.toThrow('does not answer other')
  const answer = (await askControl(directory, 'broken', {}))?.[Symbol.asyncIterator]()
  expect(await answer?.next()).toEqual({ done: false, value: 'first' })
  await expect(answer?.next()).rejects.toThrow('the disk is gone')
})

test('an answer that is cut off is an error', async () => {
  const directory = await temporaryFolder()
  const server = createServer((socket) => void socket.once('data', () => socket.end('{"answer":1}\n{"ans')))
  await new Promise<void>((resolve) => void server.listen(join(directory, 'control.sock'), resolve))
  onTestFinished(() => new Promise<void>((resolve) => void server.close(() => resolve())))
  await expect(asked(directory, 'list')).rejects.toThrow('ended before its answer was complete')
})

test('a query without an end is cut off', async () => {
  const directory = await opened({})
  const socket = connect(join(directory, 'control.sock'))
  const closed = once(socket, 'close')
  socket.on('error', () => {})
  socket.resume().write('x'.repeat(100_000))
  await closed
})

test('a directory without a holder gives no answer', async () => {
  const directory = await temporaryFolder()
  expect(await asked(directory, 'list')).toBeUndefined()
  const control = await openControl(directory, { list: () => [] })
  await control.close()
  expect(await asked(directory, 'list')).toBeUndefined()
})
