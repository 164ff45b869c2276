// Where the queues are: `<directory of file_storage>/<exporter>/0000`, …, one for each process that ever ran beside another.

import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { CommandHost, ExitCode, Output } from '../../../component/command.ts'
import { explain } from './explain.ts'

/** On every ext4 volume, for root alone. */
const OF_THE_VOLUME = 'lost+found'
const NUMBER = /^\d{4}$/

export interface Found {
  readonly directories: readonly string[]
  /** False if something could not be looked into. */
  readonly complete: boolean
}

/** A storage directory, and what was written to name it. */
interface Root {
  readonly path: string
  readonly option: string
}

/**
 * @param given on the command line, before the config
 * @returns the exit code if there is none; why is told
 */
export async function findQueues(given: string | undefined, host: CommandHost): Promise<Found | ExitCode> {
  const roots = given === undefined ? await rootsInConfig(host) : [{ path: given, option: '--directory' }]
  if (roots === undefined) return 2
  const directories: string[] = []
  let complete = true
  /** @returns undefined if it is no directory; none where it cannot be read, which is told */
  const namesIn = async (directory: string): Promise<readonly string[] | undefined> => {
    try {
      return await readdir(directory)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
      host.err(`${explain(directory, error)}\n`)
      complete = false
      return []
    }
  }
  for (const { path, option } of roots) {
    const exporters = await namesIn(path)
    if (exporters === undefined) return refuse(`${option}: ${path} is no directory`, host)
    for (const exporter of exporters.filter((name) => name !== OF_THE_VOLUME)) {
      // What else lies there is no queue.
      const numbers = (await namesIn(join(path, exporter))) ?? []
      for (const number of numbers.filter((name) => NUMBER.test(name))) directories.push(join(path, exporter, number))
    }
  }
  if (directories.length > 0) return { directories: directories.sort(), complete }
  if (!complete) return 1
  return refuse(roots.map(({ path, option }) => `${option}: ${path} holds no queue`).join('; '), host)
}

function refuse(what: string, { err }: Output): ExitCode {
  err(`${what}: write the directory of file_storage, in which the daemon keeps its queues\n`)
  return 2
}

async function rootsInConfig(host: CommandHost): Promise<Root[] | undefined> {
  const storages = await host.storageDirectories()
  switch (storages.kind) {
    case 'no_config':
      host.err('Where is the queue? Write --directory DIR, or --config FILE with a file_storage in it.\n')
      return undefined
    case 'invalid':
      return undefined
    case 'found':
      if (storages.directories.length > 0)
        return storages.directories.map((path) => ({ path, option: 'directory of file_storage' }))
      host.err(
        'The config has no file_storage that runs: define it under extensions: and name it in service.extensions.\n',
      )
      return undefined
  }
}
