import { mkdir, open } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'

/**
 * Creates a directory and its parents durably, so that a synced file in it survives a power loss: the name of each directory
 * is an entry of its parent, and the parent of an existing directory may not have been synced by its creator.
 * @param sync false leaves durability to the file system
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
    // This user cannot sync an existing parent that it may enter but not read.
    if (error.code === 'EACCES' || error.code === 'EPERM') return undefined
    throw error
  })
  try {
    await directory?.sync()
  } finally {
    await directory?.close()
  }
}
