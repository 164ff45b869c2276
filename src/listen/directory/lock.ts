import { randomBytes } from 'node:crypto'
import { type FileHandle, open, readdir, rm } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const NAME = /^lock-[0-9a-f]+\.sock$/
/** Two processes that try at once see each other and both step back; another collision is unlikely. */
const TRIES = 3
const STEP_BACK_MS = 50

/**
 * A lock that ends with its holder: a Unix socket that the holder listens on. A pid in a file would mean nothing in
 * containers, where every daemon is pid 1, or after a power loss.
 *
 * Each holder's socket has its own name. A process listens first and then looks for others, so at least one of two sees the
 * other. Unique names also make it safe to remove the socket of a dead holder: no live one can have taken its place.
 */
export interface Lock {
  release(): Promise<void>
}

/**
 * @returns undefined if another process holds the directory
 * @throws the system's error if the directory is not writable
 */
export async function lock(directory: string): Promise<Lock | undefined> {
  const handle = await open(directory, 'r')
  const folder = pathOf(directory, handle)
  try {
    for (let tries = 0; tries < TRIES; tries++) {
      const name = `lock-${randomBytes(8).toString('hex')}.sock`
      const server = await listen(join(folder, name))
      const release = () => close(server, join(folder, name))
      let alone = false
      try {
        alone = !(await othersLive(directory, folder, name))
      } finally {
        if (!alone) await release()
      }
      if (alone)
        return {
          async release() {
            await release()
            await handle.close()
          },
        }
      await sleep(Math.random() * STEP_BACK_MS)
    }
  } catch (error) {
    await handle.close()
    throw error
  }
  await handle.close()
  return undefined
}

/** Returns whether a process holds the directory. Only looks: it neither adds nor removes files. */
export async function isHeld(directory: string): Promise<boolean> {
  const handle = await open(directory, 'r')
  try {
    const folder = pathOf(directory, handle)
    for (const name of await locksIn(directory)) if (await hasListener(join(folder, name))) return true
    return false
  } finally {
    await handle.close()
  }
}

/** A socket's path has at most 107 bytes; through an open directory it is short, however deep that lies. */
function pathOf(directory: string, handle: FileHandle): string {
  return process.platform === 'linux' ? join('/proc/self/fd', String(handle.fd)) : directory
}

async function locksIn(directory: string): Promise<string[]> {
  return (await readdir(directory)).filter((name) => NAME.test(name))
}

async function othersLive(directory: string, folder: string, own: string): Promise<boolean> {
  for (const name of (await locksIn(directory)).filter((name) => name !== own)) {
    if (await hasListener(join(folder, name))) return true
    await rm(join(folder, name), { force: true })
  }
  return false
}

function listen(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', reject)
    // `unref`: it must not keep the process alive. `exclusive`: a socket shared with siblings would lock nothing.
    server.listen({ path, exclusive: true }, () => resolve(server.unref()))
  })
}

function hasListener(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    // Any other error (full backlog, no permission) means that there is a listener.
    socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code !== 'ECONNREFUSED' && code !== 'ENOENT'))
  })
}

/** Closing a server removes its socket; `force`, as another process may have removed it before. */
async function close(server: Server, path: string): Promise<void> {
  await new Promise<void>((resolve) => server.close(() => resolve()))
  await rm(path, { force: true })
}
