// Loaded into a daemon before its own code (`node --import`): its disk is as sick as a file says when something is synced.
//
//   const disk = await sickDisk()
//   const daemon = await startDaemon(config, disk.options)
//   await disk.is('EIO')        every sync fails; or with ENOSPC
//   await disk.is('stalled')    every sync holds its thread until the disk is well again
//   await disk.is('well')
//
// A thread that waits for a FIFO is held by the kernel, as by a disk: the process cannot take it back.
import { execFileSync } from 'node:child_process'
import { constants, readFileSync } from 'node:fs'
import { type FileHandle, mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

type Health = 'well' | 'stalled' | 'EIO' | 'ENOSPC'

const folder = process.env['SICK_DISK']
if (folder !== undefined) await makeSick(folder)

async function makeSick(at: string): Promise<void> {
  const probe = await open('/dev/null')
  const handle = Object.getPrototypeOf(probe) as FileHandle
  await probe.close()
  const datasync = Reflect.get(handle, 'datasync')
  handle.datasync = async function (this: FileHandle) {
    const health = readFileSync(join(at, 'health'), 'utf8') as Health
    if (health === 'EIO' || health === 'ENOSPC')
      throw Object.assign(new Error(`${health}: fdatasync`), { code: health })
    if (health === 'stalled') await (await open(join(at, 'fifo'), constants.O_RDONLY)).close()
    await datasync.call(this)
  }
}

export interface SickDisk {
  /** For `startDaemon`. */
  readonly options: { readonly env: Readonly<Record<string, string>>; readonly nodeArgs: readonly string[] }
  is(health: Health): Promise<void>
  close(): Promise<void>
}

export async function sickDisk(): Promise<SickDisk> {
  const at = await mkdtemp(join(tmpdir(), 'otlp-cloudwatch-disk-'))
  const fifo = join(at, 'fifo')
  execFileSync('mkfifo', [fifo])
  await writeFile(join(at, 'health'), 'well')
  /** While the pipe has a writer, no reader waits. */
  let writer: FileHandle | undefined
  return {
    options: { env: { SICK_DISK: at }, nodeArgs: ['--import', pathToFileURL(import.meta.filename).href] },
    async is(health) {
      await writeFile(join(at, 'health'), health)
      if (health === 'stalled') {
        await writer?.close()
        writer = undefined
      } else writer ??= await open(fifo, constants.O_RDWR)
    },
    async close() {
      await writer?.close()
      await rm(at, { recursive: true, force: true })
    },
  }
}
