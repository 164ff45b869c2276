// How a command speaks to the daemon that holds a directory: a Unix socket in it, one JSON object a line each way.
//
//   {"ask":"dead-letters.list","with":{"reason":"too_old"}}\n   ──▶
//                                                               ◀──   {"answer":[…]}\n  or  {"error":"…"}\n

import { open, rm, type FileHandle } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const NAME = 'control.sock'
/** A question is a few options; an answer may be a list. */
const MOST_QUESTION_BYTES = 64 * 1024
/** Only the user the daemon runs as may ask. */
const MODE = 0o600

export type Handlers = Readonly<Record<string, (options: Readonly<Record<string, unknown>>) => unknown>>

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
    let size = 0
    socket.on('data', (chunk) => {
      size += chunk.length
      if (size > MOST_QUESTION_BYTES) socket.destroy()
    })
    createInterface({ input: socket }).on('line', (line) => {
      void answer(line, handlers).then((text) => socket.end(`${text}\n`))
    })
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

async function answer(line: string, handlers: Handlers): Promise<string> {
  try {
    const { ask, with: options } = JSON.parse(line) as { ask: string; with?: Record<string, unknown> }
    const handler = Object.hasOwn(handlers, ask) ? handlers[ask] : undefined
    if (handler === undefined) throw new Error(`this daemon does not answer ${ask}: it may be of another release`)
    return JSON.stringify({ answer: (await handler(options ?? {})) ?? null })
  } catch (error) {
    return JSON.stringify({ error: error instanceof Error ? error.message : String(error) })
  }
}

/**
 * Asks the daemon that holds the directory.
 * @returns undefined if none does
 * @throws Error with what the daemon said was wrong
 */
export async function askControl(
  directory: string,
  ask: string,
  options: Readonly<Record<string, unknown>>,
): Promise<{ readonly answer: unknown } | undefined> {
  const { path, handle } = await socketPath(directory)
  try {
    const text = await exchange(path, `${JSON.stringify({ ask, with: options })}\n`)
    if (text === undefined) return undefined
    const reply = JSON.parse(text) as { readonly answer?: unknown; readonly error?: string }
    if (reply.error !== undefined) throw new Error(reply.error)
    return { answer: reply.answer }
  } finally {
    await handle.close()
  }
}

function exchange(path: string, question: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const socket = connect(path)
    let connected = false
    socket.on('connect', () => {
      connected = true
      socket.write(question)
    })
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('error', (error) => {
      if (connected) reject(error)
      else resolve(undefined)
    })
    socket.on('end', () => resolve(Buffer.concat(chunks).toString()))
  })
}

/** A socket's path has at most 107 bytes; on Linux the one by way of an open directory is short, however deep that lies. */
async function socketPath(directory: string): Promise<{ readonly path: string; readonly handle: FileHandle }> {
  const handle = await open(directory, 'r')
  return {
    path: process.platform === 'linux' ? join('/proc/self/fd', String(handle.fd), NAME) : join(directory, NAME),
    handle,
  }
}
