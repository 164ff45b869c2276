import { mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { startCloudWatchLocal } from '../fakes/cloudwatch.ts'
import { recordsRequest } from '../fakes/logs-request.ts'
import { startDaemon } from './daemon.ts'
import { cloudwatchConfig } from './daemon-config.ts'

const WAIT = { timeout: 60_000, interval: 50 }

test(
  'a queue whose directory is gone makes senders wait and the daemon unready, until it is back',
  { timeout: 120_000 },
  async () => {
    const local = await startCloudWatchLocal({ quotas: false })
    onTestFinished(() => local.close())
    const directory = await mkdtemp(join(tmpdir(), 'otlp-cloudwatch-storage-'))
    onTestFinished(() => rm(directory, { recursive: true, force: true }))
    const config = cloudwatchConfig(local.url, { exporter: { sending_queue: { storage: 'file_storage' } } }) as {
      extensions: object
      service: object
    }
    const daemon = await startDaemon({
      ...config,
      extensions: { ...config.extensions, file_storage: { directory } },
      service: { ...config.service, extensions: ['health_check', 'file_storage'] },
    })
    const send = async () => {
      const headers = { 'content-type': 'application/x-protobuf' }
      const body = Buffer.from(recordsRequest({ body: 'x' }))
      return fetch(`http://127.0.0.1:${daemon.httpPort}/v1/logs`, { method: 'POST', headers, body })
    }
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
