import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { startCloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { temporaryFolder } from '../../fakes/temporary-folder.ts'
import { durableConfig } from './crash-rounds.ts'
import { postRecords } from '../daemon/daemon-senders.ts'
import { type Daemon, startDaemon } from '../daemon/daemon.ts'

const WITHIN = { timeout: 60_000, interval: 50 }

async function send(daemon: Daemon, text: string): Promise<number> {
  return (await postRecords(daemon, { body: text })).status
}

test(
  'records that vanish from the disk of a stopped daemon are counted as lost, also after another kill',
  { timeout: 120_000 },
  async () => {
    const local = await startCloudWatchLocal({ quotas: false })
    onTestFinished(() => local.close())
    local.faults.fail(503)
    const directory = await temporaryFolder()
    const config = durableConfig(local.url, directory)
    const own = join(directory, 'awscloudwatchlogs', '0000')

    const first = await startDaemon(config, { set: ['service.shutdown_timeout=1s'] })
    for (const text of ['one', 'two', 'three']) expect(await send(first, text)).toBe(200)
    expect(await first.stop()).toBe(0)
    for (const name of await readdir(own)) if (name.endsWith('.segment')) await rm(join(own, name))

    const second = await startDaemon(config)
    expect(second.log.filter(({ level }) => level === 'error').map(({ msg }) => msg)).toEqual([
      expect.stringContaining('acknowledged records are missing from the queue'),
    ])
    const account = async (daemon: Daemon) => {
      const metrics = await daemon.metrics()
      return [metrics.received, metrics.records('lost', 'quarantined'), metrics.records('queued'), metrics.unaccounted]
    }
    expect(await account(second)).toEqual([3, 3, 0, 0])
    expect(await send(second, 'four')).toBe(200)
    await second.kill()

    const third = await startDaemon(config)
    expect(await account(third)).toEqual([4, 3, 1, 0])
    local.faults.clear()
    await vi.waitFor(async () => expect(await account(third)).toEqual([4, 3, 0, 0]), WITHIN)
    expect(await third.stop()).toBe(0)
  },
)
