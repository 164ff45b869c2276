import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { startCloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { cloudwatchConfig } from '../../integration/daemon/daemon-config.ts'
import { startDaemon } from '../../integration/daemon/daemon.ts'
import { GO_INSTALL_TIMEOUT_MS, goTools } from '../go-tools.ts'

const execute = promisify(execFile)
const WORKERS = 4
const LOGS_A_WORKER = 5_000

const go = await goTools()

describe.skipIf(go.missing !== undefined)(`telemetrygen, the Go SDK ${go.missing ?? ''}`, () => {
  let telemetrygen = ''
  beforeAll(async () => {
    telemetrygen = await go.install('telemetrygen')
  }, GO_INSTALL_TIMEOUT_MS)

  test.each(['gRPC', 'HTTP'])(
    'every record it reports as sent by %s arrives once',
    async (protocol) => {
      const local = await startCloudWatchLocal()
      onTestFinished(() => local.close())
      const daemon = await startDaemon(cloudwatchConfig(local.url))
      const port = protocol === 'HTTP' ? daemon.httpPort : daemon.grpcPort
      await execute(telemetrygen, [
        'logs',
        '--otlp-insecure',
        ...(protocol === 'HTTP' ? ['--otlp-http'] : []),
        `--otlp-endpoint=127.0.0.1:${port}`,
        `--workers=${WORKERS}`,
        `--logs=${LOGS_A_WORKER}`,
        '--rate=0',
        '--service=generated',
        '--body=a message',
        '--telemetry-attributes=order=17',
      ])
      expect(await daemon.stop()).toBe(0)
      const events = local.events('/test/generated')
      expect(events).toHaveLength(WORKERS * LOGS_A_WORKER)
      expect(JSON.parse(events[0]?.message ?? '')).toMatchObject({
        body: 'a message',
        severity_number: 9,
        severity_text: 'Info',
        attributes: { order: 17 },
        resource: { 'service.name': 'generated' },
      })
    },
    120_000,
  )
})
