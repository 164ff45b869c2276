import { expect, onTestFinished, test } from 'vitest'
import { startCloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { startDaemon } from '../daemon/daemon.ts'
import { cloudwatchConfig } from '../daemon/daemon-config.ts'
import { postRecords } from '../daemon/daemon-senders.ts'

test('a request that the queue could never hold is refused for good, a smaller one is taken', async () => {
  const local = await startCloudWatchLocal({ quotas: false })
  onTestFinished(() => local.close())
  const exporter = { sending_queue: { sizer: 'items', queue_size: 3 } }
  const daemon = await startDaemon(cloudwatchConfig(local.url, { exporter }))
  const send = (records: number) =>
    postRecords(daemon, ...Array.from({ length: records }, (_, i) => ({ body: `r${i}` })))
  expect((await send(4)).status).toBe(413)
  expect((await send(3)).status).toBe(200)
  expect(await daemon.stop()).toBe(0)
  expect(local.events()).toHaveLength(3)
})
