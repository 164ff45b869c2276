import { open, readdir, rename, rm, stat, statfs, type FileHandle } from 'node:fs/promises'

/** The file system operations of a queue. Tests replace it with disks that are full, fail, or lose power. */
export interface Files {
  /** @param flags as for open(2): `r`, or `wx+` for a file that must not exist yet */
  open(path: string, flags: 'r' | 'wx+'): Promise<OpenFile>
  /** Returns the names in a directory. */
  list(directory: string): Promise<string[]>
  rename(from: string, to: string): Promise<void>
  /** Removes a file; a missing file is not an error. */
  remove(path: string): Promise<void>
  /** Makes the names in a directory durable: a synced file may otherwise be gone after a power loss. */
  syncDirectory(path: string): Promise<void>
  /** Returns the state of the volume; `identity` changes if the directory is replaced by another one. */
  volume(directory: string): Promise<{ readonly freeBytes: number; readonly bytes: number; readonly identity: string }>
}

export interface OpenFile {
  /** Writes all parts. @throws file system errors; then any part may have been written */
  write(parts: readonly Uint8Array[], position: number): Promise<void>
  /** Returns fewer than `length` bytes at the end of the file. */
  read(position: number, length: number): Promise<Buffer>
  sync(): Promise<void>
  truncate(bytes: number): Promise<void>
  size(): Promise<number>
  close(): Promise<void>
}

/** Opens a file for reading, and closes it after `use`. */
export async function withFile<T>(files: Files, path: string, use: (file: OpenFile) => Promise<T>): Promise<T> {
  const file = await files.open(path, 'r')
  try {
    return await use(file)
  } finally {
    await file.close()
  }
}

export const nodeFiles: Files = {
  open: async (path, flags) => new NodeFile(await open(path, flags, 0o600)),
  list: readdir,
  rename,
  remove: (path) => rm(path, { force: true }),
  async syncDirectory(path) {
    const directory = await open(path, 'r')
    try {
      await directory.sync()
    } finally {
      await directory.close()
    }
  },
  async volume(directory) {
    const [{ bavail, blocks, bsize }, { dev, ino }] = await Promise.all([statfs(directory), stat(directory)])
    return { freeBytes: bavail * bsize, bytes: blocks * bsize, identity: `${dev}:${ino}` }
  },
}

class NodeFile implements OpenFile {
  readonly #handle: FileHandle

  constructor(handle: FileHandle) {
    this.#handle = handle
  }

  async write(parts: readonly Uint8Array[], position: number): Promise<void> {
    let at = position
    let rest = parts
    while (rest.length > 0) {
      // The write may be short, on a nearly full disk for example; the next write then reports the error.
      const { bytesWritten } = await this.#handle.writev(rest as Uint8Array[], at)
      at += bytesWritten
      rest = after(rest, bytesWritten)
    }
  }

  async read(position: number, length: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafeSlow(length)
    let done = 0
    while (done < length) {
      const { bytesRead } = await this.#handle.read(buffer, done, length - done, position + done)
      if (bytesRead === 0) break
      done += bytesRead
    }
    return buffer.subarray(0, done)
  }

  sync(): Promise<void> {
    return this.#handle.datasync()
  }

  truncate(bytes: number): Promise<void> {
    return this.#handle.truncate(bytes)
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size
  }

  close(): Promise<void> {
    return this.#handle.close()
  }
}

/** Returns the rest of `parts` after their first `written` bytes. */
function after(parts: readonly Uint8Array[], written: number): Uint8Array[] {
  let skip = written
  const rest: Uint8Array[] = []
  for (const part of parts) {
    if (skip < part.length) rest.push(skip > 0 ? part.subarray(skip) : part)
    skip = Math.max(0, skip - part.length)
  }
  return rest
}
