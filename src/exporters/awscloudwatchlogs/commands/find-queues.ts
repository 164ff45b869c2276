// Finds the queues: `<directory of file_storage>/<exporter>/0000`, …, one per process that ever ran concurrently.

import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isKeysFolder } from '../../../component/storage.ts'
import type { CommandHost, ExitCode, Output } from '../../../component/command.ts'
import { describeDirectoryError } from './directory-error.ts'

/** On every ext4 volume, readable only by root. */
const LOST_AND_FOUND = 'lost+found'
const NUMBER = /^\d{4}$/

export interface Found {
  readonly directories: readonly string[]
  /** False if a directory could not be read. */
  readonly complete: boolean
}

/** A storage directory, and the option that named it. */
interface Root {
  readonly path: string
  readonly option: string
}

/**
 * @param given directory from the command line; overrides the config
 * @returns Returns the exit code if there is none; the reason is printed
 */
export async function findQueues(given: string | undefined, host: CommandHost): Promise<Found | ExitCode> {
  const roots = given === undefined ? await rootsInConfig(host) : [{ path: given, option: '--directory' }]
  if (roots === undefined) return 2
  const directories: string[] = []
  let complete = true
  /** @returns Returns undefined if it is no directory, and no names, with a message, if it cannot be read */
  const namesIn = async (directory: string): Promise<readonly string[] | undefined> => {
    try {
      return await readdir(directory)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
      host.err(`${describeDirectoryError(directory, error)}\n`)
      complete = false
      return []
    }
  }
  for (const { path, option } of roots) {
    const exporters = await namesIn(path)
    if (exporters === undefined) return refuse(`${option}: ${path} is not a directory`, host)
    for (const exporter of exporters.filter((name) => name !== LOST_AND_FOUND && !isKeysFolder(name))) {
      // Anything else there is no queue.
      const numbers = (await namesIn(join(path, exporter))) ?? []
      for (const number of numbers.filter((name) => NUMBER.test(name))) directories.push(join(path, exporter, number))
    }
  }
  if (directories.length > 0) return { directories: directories.sort(), complete }
  if (!complete) return 1
  return refuse(roots.map(({ path, option }) => `${option}: ${path} contains no queue`).join('; '), host)
}

function refuse(what: string, { err }: Output): ExitCode {
  err(`${what}: write the directory of file_storage, where the daemon keeps its queues\n`)
  return 2
}

async function rootsInConfig(host: CommandHost): Promise<Root[] | undefined> {
  const storages = await host.storageDirectories()
  switch (storages.kind) {
    case 'no_config':
      host.err('No queue directory is known: write --directory DIR, or --config FILE with a file_storage.\n')
      return undefined
    case 'invalid':
      return undefined
    case 'found':
      if (storages.directories.length > 0)
        return storages.directories.map((path) => ({ path, option: 'directory of file_storage' }))
      host.err(
        'The config has no active file_storage: define it under extensions: and name it in service.extensions.\n',
      )
      return undefined
  }
}
