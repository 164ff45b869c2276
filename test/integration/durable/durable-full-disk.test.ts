import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { grpcSender, postRecords } from '../daemon/daemon-senders.ts'
import { durableConfig } from './crash-rounds.ts'
import { smallVolume } from '../../fakes/disk/small-volume.ts'
import { startCloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { recordsRequest } from '../../fakes/logs-request.ts'
import { temporaryFolder } from '../../fakes/temporary-folder.ts'
import { startDaemon } from '../daemon/daemon.ts'
import { cloudwatchConfig } from '../daemon/daemon-config.ts'

const MEBIBYTE = 1_048_576
const WAIT = { timeout: 60_000, interval: 50 }

test(
  'a queue whose directory is gone makes senders wait and the daemon unready, until it is back',
  { timeout: 120_000 },
  async () => {
    const local = await startCloudWatchLocal({ quotas: false })
    onTestFinished(() => local.close())
    const directory = await temporaryFolder()
    const config = cloudwatchConfig(local.url, { exporter: { sending_queue: { storage: 'file_storage' } } }) as {
      extensions: object
      service: object
    }
    const daemon = await startDaemon({
      ...config,
      extensions: { ...config.extensions, file_storage: { directory } },
      service: { ...config.service, extensions: ['health_check', 'file_storage'] },
    })
    const send = () => postRecords(daemon, { body: 'x' })
    const health = async () => (await fetch(daemon.healthUrl)).status
    expect([(await send()).status, await health()]).toEqual([200, 200])

    const own = join(directory, 'awscloudwatchlogs', '0000')
    await rename(own, `${own}-away`)
    await vi.waitFor(async () => expect(await health()).toBe(503), WAIT)
    const refused = await send()
    expect([refused.status, Number(refused.headers.get('retry-after'))]).toEqual([503, expect.any(Number)])

    await rename(`${own}-away`, own)
    await vi.waitFor(async () => expect(await health()).toBe(200), WAIT)
    await vi.waitFor(async () => expect((await send()).status).toBe(200), WAIT)
    await vi.waitFor(() => expect(local.events().length).toBeGreaterThanOrEqual(2), WAIT)
    expect((await daemon.metrics()).unaccounted).toBe(0)
    expect(await daemon.stop()).toBe(0)
  },
)

test(
  'a volume that other processes fill makes senders wait by both protocols; the drain goes on, and so does intake once there is room',
  { timeout: 180_000 },
  async (context) => {
    const volume = await smallVolume(64 * MEBIBYTE)
    if (volume === undefined) return context.skip('needs a user who may mount a tmpfs')
    const local = await startCloudWatchLocal({ quotas: false })
    onTestFinished(() => local.close())
    local.faults.fail(503)
    const daemon = await startDaemon(durableConfig(local.url, join(volume, 'queues')))
    const byHttp = (text: string) => postRecords(daemon, { body: text })
    const byGrpc = grpcSender(daemon)
    const health = async () => (await fetch(daemon.healthUrl)).status
    const stored = () => local.events().map(({ message }) => (JSON.parse(message) as { body: string }).body)
    const acknowledged = ['a', 'b', 'c']
    for (const text of acknowledged) expect((await byHttp(text)).status).toBe(200)

    const others = join(volume, 'others')
    await expect(writeFile(others, Buffer.alloc(128 * MEBIBYTE))).rejects.toThrow('ENOSPC')
    await vi.waitFor(async () => expect(await health()).toBe(503), WAIT)
    const refused = await byHttp('refused')
    expect([refused.status, Number(refused.headers.get('retry-after'))]).toEqual([503, expect.any(Number)])
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await byGrpc(recordsRequest({ body: 'refused too' }))).toMatchObject({ kind: 'wait' })

    local.faults.clear()
    await vi.waitFor(() => expect(stored()).toEqual(expect.arrayContaining(acknowledged)), WAIT)
    expect(await health()).toBe(503)

    await rm(others)
    await vi.waitFor(async () => expect(await health()).toBe(200), WAIT)
    await vi.waitFor(async () => expect((await byHttp('d')).status).toBe(200), WAIT)
    await vi.waitFor(() => expect(stored()).toContain('d'), WAIT)
    expect(stored().filter((text) => text.startsWith('refused'))).toEqual([])
    expect((await daemon.metrics()).unaccounted).toBe(0)
    expect(await daemon.stop()).toBe(0)
  },
)
