import { open } from 'node:fs/promises'

/** Makes the names in a directory as durable as the files: a file that was synced may otherwise be gone after a power loss. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
