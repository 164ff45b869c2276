import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { type CloudWatchLocal, startCloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { recordsRequest } from '../../fakes/logs-request.ts'
import { temporaryFolder } from '../../fakes/temporary-folder.ts'
import { laterVersion } from '../../unit/delivery/queue/disk/later-version.ts'
import { durableConfig } from './crash-rounds.ts'
import { httpSender } from '../daemon/daemon-senders.ts'
import { type Daemon, startDaemon } from '../daemon/daemon.ts'

const WITHIN = { timeout: 30_000, interval: 50 }

async function setting(): Promise<{ local: CloudWatchLocal; root: string; config: object }> {
  const local = await startCloudWatchLocal()
  onTestFinished(() => local.close())
  const root = await temporaryFolder()
  return { local, root, config: durableConfig(local.url, root) }
}

async function send(daemon: Daemon, ...bodies: string[]): Promise<void> {
  const answer = await httpSender(daemon)(recordsRequest(...bodies.map((body) => ({ body }))))
  expect(answer).toMatchObject({ kind: 'taken', rejected: 0 })
}

async function segments(root: string, directory: string): Promise<string[]> {
  return (await readdir(join(root, 'awscloudwatchlogs', directory))).filter((name) => name.endsWith('.segment'))
}

const bodies = (local: CloudWatchLocal) =>
  local
    .events()
    .map(({ message }) => (JSON.parse(message) as { body: string }).body)
    .sort()

test('records of a process that does not come back are delivered by the next one', async () => {
  const { local, root, config } = await setting()
  local.faults.cut('before')
  const one = await startDaemon(config)
  const two = await startDaemon(config)
  await send(one, 'a', 'b')
  await send(two, 'c', 'd')
  expect(await segments(root, '0000')).toHaveLength(1)
  expect(await segments(root, '0001')).toHaveLength(1)
  await two.kill()
  await one.kill()

  local.faults.clear()
  const next = await startDaemon(config)
  await send(next, 'e')
  await vi.waitUntil(() => bodies(local).length >= 5, WITHIN)
  await vi.waitUntil(async () => (await next.metrics()).records('queued') === 0, WITHIN)
  const metrics = await next.metrics()
  expect([metrics.unaccounted, metrics.received, metrics.records('delivered')]).toEqual([0, 5, 5])
  await vi.waitUntil(async () => (await segments(root, '0001')).length === 0, WITHIN)
  expect(await next.stop()).toBe(0)
  expect(bodies(local)).toEqual(['a', 'b', 'c', 'd', 'e'])
  expect(await segments(root, '0000')).toEqual([])
})

test('two daemons on one storage use separate directories, and each continues with what it finds', async () => {
  const { local, root, config } = await setting()
  const one = await startDaemon(config)
  const two = await startDaemon(config)
  await send(one, 'a')
  await send(two, 'b')
  await vi.waitUntil(() => bodies(local).length === 2, WITHIN)
  expect(await one.stop()).toBe(0)
  expect(await two.stop()).toBe(0)
  expect((await readdir(join(root, 'awscloudwatchlogs'))).sort()).toEqual(['0000', '0001'])
  expect(bodies(local)).toEqual(['a', 'b'])
})

test('a daemon does not start on a directory of a later release, and changes nothing in it', async () => {
  const { local, root, config } = await setting()
  local.faults.cut('before')
  const daemon = await startDaemon(config)
  await send(daemon, 'a')
  await daemon.kill()
  const directory = join(root, 'awscloudwatchlogs', '0000')
  const [name] = await segments(root, '0000')
  await laterVersion(join(directory, name ?? ''))
  const before = (await readdir(directory)).filter((name) => !name.endsWith('.sock'))

  await expect(startDaemon(config)).rejects.toThrow(/ended with 1[^]*format version 2, which this release cannot read/)
  expect((await readdir(directory)).filter((name) => !name.endsWith('.sock'))).toEqual(before)
})
