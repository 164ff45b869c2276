// Names that AWS keeps for itself: a group of one is never created, so what a client writes must not end there.
import { expect, onTestFinished, test, vi } from 'vitest'
import { startCloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { logsRequest } from '../../fakes/logs-request.ts'
import { cloudwatchConfig } from '../daemon/daemon-config.ts'
import { httpSender } from '../daemon/daemon-senders.ts'
import { runToEnd, startDaemon, configFile } from '../daemon/daemon.ts'

test.each(['aws/x', 'AWS/EC2', 'Aws/'])('the records of a client that names the group %s are stored', async (name) => {
  const local = await startCloudWatchLocal({ quotas: false })
  onTestFinished(() => local.close())
  const exporter = { log_group_name: '{service.name}', allowed_log_groups: ['*'] }
  const daemon = await startDaemon(cloudwatchConfig(local.url, { exporter }))
  const request = logsRequest({ resource: { 'service.name': name }, scopes: [{ records: [{ body: 'x' }] }] })
  expect(await httpSender(daemon)(request)).toMatchObject({ kind: 'taken', rejected: 0 })
  await vi.waitUntil(() => local.events().length === 1, { timeout: 20_000, interval: 20 })
  expect([...local.store.groups.keys()]).toEqual([name.replace('/', '_')])
  expect(await daemon.stop()).toBe(0)
})

test('a config that names one is refused', async () => {
  const config = cloudwatchConfig('http://localhost:1', { exporter: { log_group_name: 'AWS/{service.name}' } })
  const { code, stderr } = await runToEnd(['--config', await configFile(config)])
  expect(code).toBe(2)
  expect(stderr).toContain('"AWS/{service.name}" starts with AWS/, which AWS reserves')
})
