import { open, rm, type FileHandle } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'

const NAME = 'lock.sock'

/**
 * A lock that dies with its holder: a Unix socket somebody listens on. A pid in a file would mean nothing in containers,
 * where every daemon is pid 1, and nothing after a power loss.
 */
export interface Lock {
  release(): Promise<void>
}

/** @returns undefined if another process holds the directory */
export async function lock(directory: string): Promise<Lock | undefined> {
  const handle = await open(directory, 'r')
  // A socket's path has at most 107 bytes; this one is short however deep the directory lies.
  const path = process.platform === 'linux' ? join('/proc/self/fd', String(handle.fd), NAME) : join(directory, NAME)
  // Twice: the first time a dead holder's socket may lie there.
  for (const last of [false, true]) {
    const server = await listen(path)
    if (server !== undefined) return { release: () => release(server, path, handle) }
    if (last || (await somebodyListens(path))) break
    await rm(path, { force: true })
  }
  await handle.close()
  return undefined
}

function listen(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined)
      else reject(error)
    })
    // It holds a name, not the process.
    server.listen(path, () => resolve(server.unref()))
  })
}

function somebodyListens(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

/** Closing the server removes its socket. */
async function release(server: Server, path: string, handle: FileHandle): Promise<void> {
  await new Promise<void>((resolve) => server.close(() => resolve()))
  await rm(path, { force: true })
  await handle.close()
}
