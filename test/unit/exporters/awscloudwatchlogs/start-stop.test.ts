import { expect, test, vi } from 'vitest'
import { ByteBudget } from '../../../../src/component/byte-budget.ts'
import { ALONE } from '../../../../src/component/siblings.ts'
import { CloudWatchLogs } from '../../../../src/exporters/awscloudwatchlogs/cloudwatch-logs.ts'
import { configSchema } from '../../../../src/exporters/awscloudwatchlogs/config.ts'
import { resolve } from '../../../../src/exporters/awscloudwatchlogs/settings/resolve.ts'
import { silentLogger } from '../../../../src/telemetry/logger.ts'
import { temporaryFolder } from '../../../fakes/temporary-folder.ts'

test('a shutdown during the start leaves nothing open', async () => {
  const path = await temporaryFolder()
  const release = vi.fn(async () => {})
  const nextAbandoned = vi.fn(async () => undefined)
  const config = configSchema.parse({
    log_group_name: 'g',
    log_stream_name: 's',
    region: 'us-east-1',
    sending_queue: { storage: 'file_storage' },
  })
  const logs = new CloudWatchLogs({
    name: 'awscloudwatchlogs',
    settings: resolve(config, ALONE.share, {}),
    logger: silentLogger,
    budget: new ByteBudget(64 * 1_048_576),
    siblings: ALONE,
  })
  const before = timers()
  const directory = { path, fsync: true, capacityBytes: 64 * 1_048_576, nextAbandoned, release }
  const starting = logs.start({ directory, fatal() {} })
  await logs.shutdown(new AbortController().signal)
  await expect(starting).rejects.toThrow('stopped during its start')
  // A timer of the test runner may end meanwhile.
  const left = Math.max(0, timers() - before)
  expect([release.mock.calls.length, nextAbandoned.mock.calls.length, left]).toEqual([1, 0, 0])
})

/** Those that keep a process alive. */
function timers(): number {
  return process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length
}
