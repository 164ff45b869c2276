import { chmod, type FileHandle, mkdir, open, readdir, readlink, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { ByteBudget } from '../../../../src/component/byte-budget.ts'
import { ALONE } from '../../../../src/component/siblings.ts'
import { ComponentError } from '../../../../src/component/component.ts'
import { configSchema } from '../../../../src/extensions/file_storage/config.ts'
import { FileStorageExtension } from '../../../../src/extensions/file_storage/extension.ts'
import { silentLogger } from '../../../../src/telemetry/logger.ts'
import { Registry } from '../../../../src/telemetry/registry.ts'
import { temporaryFolder } from '../../../fakes/temporary-folder.ts'

function extension(config: object, logger = silentLogger): FileStorageExtension {
  const made = new FileStorageExtension({
    id: { type: 'file_storage', name: '' },
    config: configSchema.parse(config),
    logger,
    metrics: new Registry(),
    budget: new ByteBudget(1),
    build: { name: 'test', version: '0' },
    siblings: ALONE,
  })
  onTestFinished(() => made.shutdown())
  return made
}

async function started(config: object): Promise<FileStorageExtension> {
  const made = extension(config)
  await made.start()
  return made
}

test('gives each owner and each process its own directory', async () => {
  const directory = await temporaryFolder()
  const first = await started({ directory })
  const second = await started({ directory })
  const paths = [
    (await first.claim('awscloudwatchlogs')).path,
    (await second.claim('awscloudwatchlogs')).path,
    (await first.claim('awscloudwatchlogs/eu')).path,
  ]
  expect(paths).toEqual([
    join(directory, 'awscloudwatchlogs', '0000'),
    join(directory, 'awscloudwatchlogs', '0001'),
    join(directory, 'awscloudwatchlogs_eu', '0000'),
  ])
})

test('gives a directory again that was released, or whose process is gone', async () => {
  const directory = await temporaryFolder()
  const claimed = await (await started({ directory })).claim('a')
  await claimed.release()
  const second = await started({ directory })
  expect((await second.claim('a')).path).toBe(claimed.path)
  await second.shutdown()
  expect((await (await started({ directory })).claim('a')).path).toBe(claimed.path)
})

test('hands out abandoned directories with records or letters, one at a time, and none that is held or empty', async () => {
  const directory = await temporaryFolder()
  const root = join(directory, 'a')
  for (const name of ['0000', '0001', '0002', '0003/dead-letters', '0004/dead-letters', 'notes'])
    await mkdir(join(root, name), { recursive: true })
  for (const name of ['0001', '0003/dead-letters', 'notes']) await writeFile(join(root, name, '0000000001.segment'), '')
  const holder = await started({ directory })
  const own = await holder.claim('a')
  expect(own.path).toBe(join(root, '0000'))
  const first = await own.nextAbandoned(new Set())
  const next = await own.nextAbandoned(new Set([join(root, '0001')]))
  expect([first?.path, next?.path]).toEqual([join(root, '0001'), join(root, '0003')])
  expect(await own.nextAbandoned(new Set())).toBeUndefined()

  const second = await (await started({ directory })).claim('a')
  expect(second.path).toBe(join(root, '0002'))
  expect(await second.nextAbandoned(new Set())).toBeUndefined()
  await first?.release()
  expect(await second.nextAbandoned(new Set([join(root, '0001')]))).toBeUndefined()
  expect((await second.nextAbandoned(new Set()))?.path).toBe(join(root, '0001'))
})

test('hands out a directory that is abandoned while others run', async () => {
  const directory = await temporaryFolder()
  const own = await (await started({ directory })).claim('a')
  const other = await started({ directory })
  const { path } = await other.claim('a')
  await writeFile(join(path, '0000000001.segment'), '')
  expect(await own.nextAbandoned(new Set())).toBeUndefined()
  await other.shutdown()
  expect((await own.nextAbandoned(new Set()))?.path).toBe(path)
})

test('hands out nothing once the daemon stops: directories abandoned then are for the next start', async () => {
  const directory = await temporaryFolder()
  const extension = await started({ directory })
  const own = await extension.claim('a')
  await mkdir(join(directory, 'a', '0001'))
  await writeFile(join(directory, 'a', '0001', '0000000001.segment'), '')
  extension.pipelineReady(false)
  expect(await own.nextAbandoned(new Set())).toBeUndefined()
})

test('creates the directory where create_directory is set, with its mode', async () => {
  const directory = join(await temporaryFolder(), 'some', 'where')
  await started({ directory, create_directory: true, directory_permissions: '0700' })
  expect((await stat(directory)).mode & 0o777).toBe(0o700)
})

test('names the fix for a directory that cannot be used', async () => {
  const made = await temporaryFolder()
  const missing = join(made, 'missing')
  await expect(extension({ directory: missing }).start()).rejects.toThrow(
    new ComponentError(`directory: ${missing} does not exist: create it, or write create_directory: true`),
  )
  const file = join(made, 'file')
  await writeFile(file, '')
  await expect(extension({ directory: file }).start()).rejects.toThrow('is not a directory')
  await expect(extension({ directory: join(file, 'below'), create_directory: true }).start()).rejects.toThrow(
    'has a parent that is not a directory',
  )
})

test.skipIf(process.getuid?.() === 0)('reports a directory that may not be written', async () => {
  const directory = await temporaryFolder()
  await chmod(directory, 0o500)
  await expect(extension({ directory }).start()).rejects.toThrow('is not writable: give this user write permission')
})

test('reports a directory that is gone at claim', async () => {
  const directory = await temporaryFolder()
  const made = await started({ directory })
  await rm(directory, { recursive: true })
  await writeFile(directory, '')
  await expect(made.claim('a')).rejects.toThrow(/directory: .* has a parent that is not a directory/)
})

test('warns of fsync: false, and obeys', async () => {
  const directory = await temporaryFolder()
  const warn = vi.fn()
  const made = extension({ directory, fsync: false }, { ...silentLogger, warn })
  await made.start()
  expect(warn).toHaveBeenCalledWith(expect.stringContaining('power loss'))
  expect((await made.claim('a')).fsync).toBe(false)
})

test('leaves nothing behind when it is shut down', async () => {
  const directory = await temporaryFolder()
  const made = await started({ directory })
  const { path } = await made.claim('a')
  await made.shutdown()
  expect(await readdir(path)).toEqual([])
})

/** Paths that are synced from now on, directories as well as files. */
async function syncedPaths(): Promise<Set<string>> {
  const probe = await open('/dev/null')
  const handle = Object.getPrototypeOf(probe) as FileHandle
  await probe.close()
  const paths = new Set<string>()
  const sync = Reflect.get(handle, 'sync')
  const spy = vi.spyOn(handle, 'sync').mockImplementation(async function (this: FileHandle) {
    paths.add(await readlink(`/proc/self/fd/${this.fd}`))
    await sync.call(this)
  })
  onTestFinished(() => spy.mockRestore())
  return paths
}

test('syncs the parent of every directory it makes: a power loss would take them with their files', async () => {
  const top = await temporaryFolder()
  const synced = await syncedPaths()
  const directory = join(top, 'state', 'queues')
  const claimed = await (await started({ directory, create_directory: true })).claim('a')
  expect(claimed.path).toBe(join(directory, 'a', '0000'))
  expect([...synced].sort()).toEqual([top, join(top, 'state'), directory, join(directory, 'a')])

  // Made by a process that the power took before it synced.
  synced.clear()
  await claimed.release()
  await (await started({ directory })).claim('a')
  expect([...synced]).toEqual(expect.arrayContaining([directory, join(directory, 'a')]))
})

test('syncs no directory when fsync is false', async () => {
  const directory = join(await temporaryFolder(), 'queues')
  const synced = await syncedPaths()
  await (await started({ directory, create_directory: true, fsync: false })).claim('a')
  expect([...synced]).toEqual([])
})
