import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { ByteBudget } from '../../../../src/component/byte-budget.ts'
import { ALONE } from '../../../../src/component/siblings.ts'
import type { Component, Host } from '../../../../src/component/component.ts'
import { goDuration } from '../../../../src/extensions/health_check/answer.ts'
import { healthCheckExtension } from '../../../../src/extensions/health_check/index.ts'
import { silentLogger, type Fields } from '../../../../src/telemetry/logger.ts'
import { Registry } from '../../../../src/telemetry/registry.ts'

const HOST: Host = { extension: () => undefined, fatal: (error) => expect.fail(error.message) }

const running: Component[] = []
afterEach(async () => {
  for (const extension of running.splice(0)) await extension.shutdown(AbortSignal.abort())
})

async function startHealthCheck(yaml: object = {}, host: Host = HOST) {
  let url = ''
  const logger = {
    ...silentLogger,
    info: (_: string, fields?: Fields) => void (url = `http://${String(fields?.['http'])}`),
  }
  const extension = healthCheckExtension.create({
    id: { type: 'health_check', name: '' },
    config: healthCheckExtension.config.parse({ endpoint: 'localhost:0', ...yaml }),
    logger,
    metrics: new Registry(),
    budget: new ByteBudget(1),
    build: { name: 'test', version: '0' },
    siblings: ALONE,
  })
  running.push(extension)
  await extension.start(host)
  return { extension, url }
}

describe('health_check', () => {
  test('answers 503 while an exporter cannot store new records, and 200 again after', async () => {
    let obstacle: string | undefined
    const { extension, url } = await startHealthCheck({}, { ...HOST, obstacle: () => obstacle })
    extension.pipelineReady?.(true)
    expect((await fetch(url)).status).toBe(200)
    obstacle = 'awscloudwatchlogs: the disk is full'
    expect((await fetch(url)).status).toBe(503)
    obstacle = undefined
    expect((await fetch(url)).status).toBe(200)
  })

  test('answers 503 before the pipelines run, 200 while they do, 503 while they drain', async () => {
    const { extension, url } = await startHealthCheck()
    const down = { status: 'Server not available', upSince: '0001-01-01T00:00:00Z', uptime: '' }

    const before = await fetch(url)
    expect([before.status, await before.json()]).toEqual([503, down])

    extension.pipelineReady?.(true)
    const ready = await fetch(url)
    expect(ready.headers.get('content-type')).toBe('application/json')
    expect([ready.status, await ready.json()]).toEqual([
      200,
      {
        status: 'Server available',
        upSince: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string,
        uptime: expect.stringMatching(/^[\d.]+m?s$/) as string,
      },
    ])

    extension.pipelineReady?.(false)
    const draining = await fetch(url)
    expect([draining.status, await draining.json()]).toEqual([503, down])
  })

  test('answers every path by default, and only its own path where one is set', async () => {
    const any = await startHealthCheck()
    expect((await fetch(`${any.url}/healthz?x=1`)).status).toBe(503)
    const own = await startHealthCheck({ path: '/live' })
    expect((await fetch(`${own.url}/live?x=1`)).status).toBe(503)
    expect((await fetch(`${own.url}/`)).status).toBe(404)
  })

  test('sends the bodies of response_body instead of its own', async () => {
    const { extension, url } = await startHealthCheck({ response_body: { healthy: 'good', unhealthy: 'bad' } })
    expect(await (await fetch(url)).text()).toBe('bad')
    extension.pipelineReady?.(true)
    const ready = await fetch(url)
    expect([ready.status, await ready.text()]).toEqual([200, 'good'])
  })

  test('sends no body to HEAD', async () => {
    const { url } = await startHealthCheck()
    const response = await fetch(url, { method: 'HEAD' })
    expect([response.status, await response.text()]).toEqual([503, ''])
  })

  test('fails to start on a port that is taken, and names it', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => {
      other.listen(0, '127.0.0.1', resolve)
    })
    const { port } = other.address() as AddressInfo
    await expect(startHealthCheck({ endpoint: `127.0.0.1:${port}` })).rejects.toThrow(
      `endpoint: 127.0.0.1:${port} is in use: `,
    )
    other.close()
  })

  test('closes connections that are kept open, and its port', async () => {
    const { extension, url } = await startHealthCheck()
    await (await fetch(url)).text()
    await extension.shutdown(AbortSignal.abort())
    await expect(fetch(url)).rejects.toThrow('fetch failed')
  })

  test.for([
    [{ endpoint: '13133' }, 'write host and port'],
    [{ endpoint: 'localhost:99999' }, 'write host and port'],
    [{ path: 'health' }, 'write a path such as /health'],
    [{ tls: { cert_file: 'a' } }, 'is not supported yet'],
    [{ use_v2: true }, 'is not supported yet'],
    [{ check_collector_pipeline: { exporter_failure_threshold: 0 } }, '>0'],
    [{ endpont: 'x' }, 'endpont'],
  ] as const)('refuses %j', ([yaml, message]) => {
    expect(healthCheckExtension.config.safeParse(yaml).error?.message).toContain(message)
  })
})

test.for([
  [0, '0s'],
  [7, '7ms'],
  [1_500, '1.5s'],
  [60_000, '1m0s'],
  [61_250, '1m1.25s'],
  [93_600_000, '26h0m0s'],
] as const)('%i ms is %s, as Go prints it', ([ms, expected]) => {
  expect(goDuration(ms)).toBe(expected)
})
