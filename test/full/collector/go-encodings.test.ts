// The encodings that the Go collector's own exporters offer, from the collector itself.
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { goCollector, goVersion } from '../../bench/targets/go-collector.ts'
import { startCloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { recordsRequest } from '../../fakes/logs-request.ts'
import { cloudwatchConfig } from '../../integration/daemon/daemon-config.ts'
import { configFile, freePort, startDaemon } from '../../integration/daemon/daemon.ts'
import { startGoCollector } from './go-collector.ts'
import { GO_INSTALL_TIMEOUT_MS } from '../go-tools.ts'

const REQUESTS = 20
const RECORDS = 50
const PATIENT = { timeout: 60_000, interval: 50 }

const version = await goVersion()

describe.skipIf(version === undefined)('the Go collector sends', () => {
  let program = ''
  beforeAll(async () => {
    program = await goCollector()
  }, GO_INSTALL_TIMEOUT_MS)

  test.each([
    ['otlp', 'gzip'],
    ['otlp', 'zstd'],
    ['otlp', 'snappy'],
    ['otlp', 'none'],
    ['otlphttp', 'gzip'],
    ['otlphttp', 'zstd'],
    ['otlphttp', 'snappy'],
    ['otlphttp', 'x-snappy-framed'],
    ['otlphttp', 'deflate'],
    ['otlphttp', 'zlib'],
    ['otlphttp', 'none'],
  ])(
    'by %s with %s, and every record arrives once',
    async (exporter, compression) => {
      const local = await startCloudWatchLocal()
      onTestFinished(() => local.close())
      const daemon = await startDaemon(cloudwatchConfig(local.url))
      const endpoint = exporter === 'otlp' ? `127.0.0.1:${daemon.grpcPort}` : `http://127.0.0.1:${daemon.httpPort}`
      const port = await freePort()
      const file = await configFile({
        receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${port}` } } } },
        exporters: {
          [exporter]: { endpoint, compression, tls: { insecure: true }, sending_queue: { enabled: false } },
        },
        service: {
          telemetry: { logs: { encoding: 'json' }, metrics: { level: 'none' } },
          pipelines: { logs: { receivers: ['otlp'], exporters: [exporter] } },
        },
      })
      await startGoCollector(program, file, {})
      for (let request = 0; request < REQUESTS; request++) {
        const records = Array.from({ length: RECORDS }, (_, i) => ({
          body: `${request}.${i} ${'some text '.repeat(request)}`,
        }))
        const response = await fetch(`http://127.0.0.1:${port}/v1/logs`, {
          method: 'POST',
          headers: { 'content-type': 'application/x-protobuf' },
          body: Buffer.from(recordsRequest(...records)),
        })
        expect(response.status).toBe(200)
      }
      await vi.waitUntil(() => local.events().length >= REQUESTS * RECORDS, PATIENT)
      expect(await daemon.stop()).toBe(0)
      const bodies = local.events().map(({ message }) => (JSON.parse(message) as { body: string }).body.split(' ')[0])
      expect(bodies).toHaveLength(REQUESTS * RECORDS)
      expect(new Set(bodies).size).toBe(REQUESTS * RECORDS)
    },
    120_000,
  )
})
