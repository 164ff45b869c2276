import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test, vi } from 'vitest'
import { CLEAN_ENVIRONMENT, configFile, freePort, startDaemon } from '../daemon/daemon.ts'

const WITHIN = { timeout: 30_000, interval: 50 }

const withLocal = async () => {
  const endpoint = `localhost:${await freePort()}`
  return configFile({
    extensions: { cloudwatch_local: { endpoint } },
    receivers: { otlp: { protocols: { http: { endpoint: '127.0.0.1:0' } } } },
    exporters: {
      awscloudwatchlogs: {
        log_group_name: '/banner/{service.name}',
        log_stream_name: 's',
        region: 'us-east-1',
        endpoint: `http://${endpoint}`,
      },
    },
    service: {
      extensions: ['cloudwatch_local'],
      pipelines: { logs: { receivers: ['otlp'], exporters: ['awscloudwatchlogs'] } },
    },
  })
}

test('the command of the banner prints what was sent', async () => {
  const daemon = await startDaemon(await withLocal(), { command: withBanner })
  await vi.waitUntil(() => daemon.stdout.includes('read'), WITHIN)
  const body = { resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: 'for the banner' } }] }] }] }
  const answer = await fetch(`http://127.0.0.1:${daemon.httpPort}/v1/logs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  expect(answer.status).toBe(200)
  await vi.waitUntil(
    async () => (await daemon.metrics()).value('otlp_cloudwatch_records', { state: 'delivered' }) === 1,
    WITHIN,
  )
  const command = /^ {2}read +(.*)$/m.exec(daemon.stdout)?.[1] ?? ''
  const { stdout } = await promisify(execFile)('sh', ['-c', `${command} --no-follow`], { env: CLEAN_ENVIRONMENT })
  expect(stdout).toContain('for the banner')
  expect(await daemon.stop()).toBe(0)
})

test('workers leave the banner to their parent', async () => {
  const daemon = await startDaemon(await withLocal(), { set: ['service.workers=2'], command: withBanner })
  await vi.waitUntil(() => daemon.stdout.includes('read'), WITHIN)
  await daemon.workers()
  expect(await daemon.stop()).toBe(0)
  expect(daemon.stdout.match(/is ready/g)).toHaveLength(1)
})

/** The logs of these daemons are JSON, for the tests to read: the banner has to be asked for. */
function withBanner(args: readonly string[]): readonly string[] {
  return [process.execPath, 'src/main.ts', 'run', '--banner', ...args]
}
