// Protocol between a command and the daemon that holds a directory: a Unix socket in the directory, one JSON object a line
// each way. An answer has any number of pieces, each sent when the socket has room for it; `done` marks a complete answer.
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
/** Characters. A question is a few options; an answer may be long. */
const MAX_QUESTION_LENGTH = 64 * 1024
/** Only the daemon's own user may connect. */
const MODE = 0o600
const NEWLINE = 10

/** An answer is one value or an iterable. Each value of an iterable is a piece, pulled when the previous one is sent. */
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
    const receive = (text: string) => {
      question += text
      if (question.length > MAX_QUESTION_LENGTH) return socket.destroy()
      if (!question.includes('\n')) return
      socket.off('data', receive).resume()
      // Fails only if the client disconnected; errors of the handler are part of the answer.
      pipeline(answer(question, handlers), socket).catch(() => socket.destroy())
    }
    socket.setEncoding('utf8').on('data', receive)
  })
  const mask = process.umask(0o777 & ~MODE)
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      // `exclusive`: not shared with sibling processes.
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
 * @returns the pieces of its answer, read on demand; undefined if no daemon holds the directory
 * @throws ComponentError, also while pieces are read, with the daemon's error, or if the daemon ends; system errors if the
 *   socket cannot be used
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
    // Later errors reach the reader of the pieces.
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

const BROKEN_OFF = 'the daemon ended before its answer was complete: ask again'

/** Reads on only when the next line is pulled: lines may be long and many. */
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

/** A socket's path has at most 107 bytes. On Linux the path through an open directory is short, however deep it lies. */
async function socketPath(directory: string): Promise<{ readonly path: string; readonly handle: FileHandle }> {
  const handle = await open(directory, 'r')
  return {
    path: process.platform === 'linux' ? join('/proc/self/fd', String(handle.fd), NAME) : join(directory, NAME),
    handle,
  }
}
