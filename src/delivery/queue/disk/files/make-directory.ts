import { mkdir, open } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'

/**
 * Makes a directory and those above it, so durable that a synced file in it survives a power loss: the name of each
 * directory is an entry of its parent, and the parent of one that is already there may not have been synced by whoever
 * made it.
 * @param sync false leaves that to the file system
 */
export async function makeDirectory(path: string, mode: number, sync: boolean): Promise<void> {
  const whole = resolve(path)
  const first = await mkdir(whole, { recursive: true, mode })
  if (!sync) return
  const top = dirname(first === undefined ? whole : resolve(first))
  for (let parent = dirname(whole); ; parent = dirname(parent)) {
    await syncDirectory(parent)
    if (parent === top) return
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    // A directory that may be entered but not read, above one that was there before, cannot be synced by this user.
    if (error.code === 'EACCES' || error.code === 'EPERM') return undefined
    throw error
  })
  try {
    await directory?.sync()
  } finally {
    await directory?.close()
  }
}
