// How a command speaks to the daemon that holds a directory: a Unix socket in it, one JSON object a line each way. An answer
// comes in as many pieces as there are, each when there is room for it on the way, and `done` says that none is missing.
//
//   {"ask":"dead-letters.list","with":{"reason":"too_old"}}\n   ──▶
//                                                               ◀──   {"answer":…}\n … {"done":true}\n   or  {"error":"…"}\n

import { once } from 'node:events'
import { open, rm, type FileHandle } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { ComponentError } from '../../component/component.ts'

const NAME = 'control.sock'
/** A question is a few options; an answer may be long. */
const MAX_QUESTION_LENGTH = 64 * 1024
/** Only the user the daemon runs as may ask. */
const MODE = 0o600
const NEWLINE = 10

/** An answer is one value, or what can be iterated: then each of its values is a piece, asked for when the last one is sent. */
export type Handlers = Readonly<Record<string, (options: Readonly<Record<string, unknown>>) => unknown>>

type Line = { readonly answer: unknown } | { readonly error: string } | { readonly done: true }

export interface Control {
  close(): Promise<void>
}

export async function openControl(directory: string, handlers: Handlers): Promise<Control> {
  const { path, handle } = await socketPath(directory)
  await rm(path, { force: true })
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    let question = ''
    const hear = (text: string) => {
      question += text
      if (question.length > MAX_QUESTION_LENGTH) return socket.destroy()
      if (!question.includes('\n')) return
      socket.off('data', hear).resume()
      // It fails only where nobody listens any more; what the answer fails of is told in it.
      pipeline(answer(question, handlers), socket).catch(() => socket.destroy())
    }
    socket.setEncoding('utf8').on('data', hear)
  })
  const mask = process.umask(0o777 & ~MODE)
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      // Of this process alone, where it is one of several.
      server.listen({ path, exclusive: true }, resolve)
    })
  } finally {
    process.umask(mask)
  }
  return {
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
      await rm(path, { force: true })
      await handle.close()
    },
  }
}

async function* answer(question: string, handlers: Handlers): AsyncGenerator<string> {
  try {
    const { ask, with: options } = JSON.parse(question) as { ask: string; with?: Record<string, unknown> }
    const handler = Object.hasOwn(handlers, ask) ? handlers[ask] : undefined
    if (handler === undefined) throw new Error(`this daemon does not answer ${ask}: it may be of another release`)
    const answered = await handler(options ?? {})
    for await (const piece of isIterable(answered) ? answered : [answered]) yield text({ answer: piece ?? null })
    yield text({ done: true })
  } catch (error) {
    yield text({ error: error instanceof Error ? error.message : String(error) })
  }
}

function isIterable(value: unknown): value is Iterable<unknown> | AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value)
}

function text(line: Line): string {
  return `${JSON.stringify(line)}\n`
}

/**
 * Asks the daemon that holds the directory.
 * @returns the pieces of its answer, which come as they are asked for; undefined if none holds it
 * @throws ComponentError, also while they come, with what the daemon said was wrong, or if it ends; system errors, if it
 *   may not be asked
 */
export async function askControl(
  directory: string,
  ask: string,
  options: Readonly<Record<string, unknown>>,
): Promise<AsyncIterable<unknown> | undefined> {
  const socket = await connected(directory)
  return socket === undefined ? undefined : piecesOf(socket, { ask, with: options })
}

async function connected(directory: string): Promise<Socket | undefined> {
  const { path, handle } = await socketPath(directory)
  const socket = connect(path)
  try {
    await once(socket, 'connect')
    // What fails later is told to who reads it.
    return socket.on('error', () => {})
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ECONNREFUSED') return undefined
    throw error
  } finally {
    await handle.close()
  }
}

async function* piecesOf(socket: Socket, question: object): AsyncGenerator {
  socket.write(`${JSON.stringify(question)}\n`)
  try {
    for await (const text of linesOf(socket)) {
      const line = JSON.parse(text) as Line
      if ('error' in line) throw new ComponentError(line.error)
      if ('done' in line) return
      yield line.answer
    }
  } catch (cause) {
    if (cause instanceof ComponentError) throw cause
    throw new ComponentError(BROKEN_OFF, { cause })
  }
  throw new ComponentError(BROKEN_OFF)
}

const BROKEN_OFF = 'the daemon ended before its answer was whole: ask again'

/** Reads on when the last line is asked for, and no sooner: a line may be long, and there may be many. */
async function* linesOf(socket: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let parts: Buffer[] = []
  for await (const chunk of socket) {
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      yield Buffer.concat([...parts, chunk.subarray(start, end)]).toString()
      parts = []
      start = end + 1
    }
    if (start < chunk.length) parts.push(chunk.subarray(start))
  }
}

/** A socket's path has at most 107 bytes; on Linux the one by way of an open directory is short, however deep that lies. */
async function socketPath(directory: string): Promise<{ readonly path: string; readonly handle: FileHandle }> {
  const handle = await open(directory, 'r')
  return {
    path: process.platform === 'linux' ? join('/proc/self/fd', String(handle.fd), NAME) : join(directory, NAME),
    handle,
  }
}
