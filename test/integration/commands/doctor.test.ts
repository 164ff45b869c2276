import { createServer, type Server } from 'node:net'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { startCloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { configFile, runToEnd } from '../daemon/daemon.ts'

/** Accepts connections and never answers. */
async function silent(): Promise<Server> {
  const server = createServer(() => {}).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return server
}

test('the process ends by itself while an agent that provides credentials does not answer', async () => {
  const cloudwatch = await startCloudWatchLocal()
  onTestFinished(() => cloudwatch.close())
  const agent = await silent()
  const file = await configFile({
    receivers: { otlp: { protocols: { http: {} } } },
    exporters: {
      awscloudwatchlogs: { log_group_name: 'g', log_stream_name: 's', region: 'us-east-1', endpoint: cloudwatch.url },
    },
    service: { pipelines: { logs: { receivers: ['otlp'], exporters: ['awscloudwatchlogs'] } } },
  })
  const { code, stdout } = await runToEnd(['doctor', '--config', file, '--timeout', '2'], {
    env: {
      AWS_ACCESS_KEY_ID: '',
      AWS_SECRET_ACCESS_KEY: '',
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${(agent.address() as AddressInfo).port}/`,
    },
  })
  expect(code).toBe(1)
  expect(stdout).toMatch(/^fail {2}credentials .*no answer in 2 s$/m)
})
