import { mkdir, open } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'

/**
 * Makes a directory and those above it. Each new name is synced in its parent: after a power loss a queue whose directory
 * has no name is gone, whatever was synced in it.
 * @throws file system errors
 */
export async function makeDirectory(path: string, mode: number): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode })
  if (first === undefined) return
  const top = dirname(resolve(first))
  for (let parent = dirname(resolve(path)); ; parent = dirname(parent)) {
    await sync(parent)
    if (parent === top) return
  }
}

async function sync(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
