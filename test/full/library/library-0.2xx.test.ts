// An application on the 0.2xx line of the logs SDK uses the library, and gets the daemon with the package.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { type CloudWatchLocal, startCloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { recordsRequest } from '../../fakes/logs-request.ts'
import { cloudwatchConfig } from '../../integration/daemon/daemon-config.ts'
import { grpcSender, httpSender } from '../../integration/daemon/daemon-senders.ts'
import { CLEAN_ENVIRONMENT, runToEnd, startDaemon } from '../../integration/daemon/daemon.ts'
import { type InstalledApp, installApp, nodeOf, OLDEST_NODE } from './library-app.ts'

const WITHIN = { timeout: 20_000, interval: 50 }
const execute = promisify(execFile)
const ROOT = join(import.meta.dirname, '..', '..', '..')

/** What only the daemon needs: its own folders, and packages that a library would bring along for nothing. */
const DAEMON = /otlp-cloudwatch\/dist\/(main|daemon)\b|@grpc\/|\/pino\/|\/yaml\//

const oldest = await nodeOf(OLDEST_NODE)
const nodes = [
  { name: `Node ${process.versions.node}`, node: process.execPath },
  {
    name: oldest === undefined ? 'Node 22.15 (skipped: its npm package is not available)' : 'Node 22.15',
    node: oldest,
  },
]

let app: InstalledApp
beforeAll(async () => {
  app = await installApp('app-0.2xx')
  return () => app.remove()
}, 600_000)

let local: CloudWatchLocal
beforeEach(async () => {
  local = await startCloudWatchLocal()
  return () => local.close()
})

describe.each(nodes)('on $name', ({ node = '' }) => {
  test.skipIf(node === '')('the application writes its records once, and loads nothing of the daemon', async () => {
    const { stdout } = await execute(node, ['app.mjs', local.url], { cwd: app.folder, env: CLEAN_ENVIRONMENT })
    const { loaded, ...account } = JSON.parse(stdout) as { readonly loaded: readonly string[] }
    expect(account).toMatchObject({ received: 3, delivered: 3, queued: 0 })
    expect(local.events('/app/checkout', 'main').map(({ message }) => JSON.parse(message) as unknown)).toEqual(
      [17, 18, 19].map((order) => ({
        body: `paid order ${order}`,
        severity_number: 9,
        severity_text: 'INFO',
        attributes: { 'order.id': order, items: ['a-1', 'b-2'] },
        scope: { name: 'shop', version: '1.2.3' },
        resource: { 'service.name': 'checkout' },
      })),
    )
    expect(loaded).toContainEqual(expect.stringContaining('otlp-cloudwatch/dist/index.js'))
    expect(loaded.filter((url) => DAEMON.test(url))).toEqual([])
  })
})

test('the package’s daemon takes records by gRPC and HTTP, keeps them on disk and writes them', async () => {
  const directory = join(app.folder, 'storage')
  const exporter = { log_group_name: '/app', sending_queue: { storage: 'file_storage' } }
  const config = cloudwatchConfig(local.url, { exporter }) as { extensions: object; service: object }
  const entry = join(app.folder, 'node_modules', 'otlp-cloudwatch', 'dist', 'main.js')
  const daemon = await startDaemon(
    {
      ...config,
      extensions: { ...config.extensions, file_storage: { directory, create_directory: true } },
      service: { ...config.service, extensions: ['health_check', 'file_storage'] },
    },
    { entry },
  )
  const longAgo = BigInt(Date.now() - 20 * 86_400_000) * 1_000_000n
  expect(await grpcSender(daemon)(recordsRequest({ body: 'by gRPC' }))).toMatchObject({ kind: 'taken', rejected: 0 })
  expect(await httpSender(daemon)(recordsRequest({ body: 'by HTTP' }))).toMatchObject({ kind: 'taken', rejected: 0 })
  await httpSender(daemon)(recordsRequest({ body: 'long ago', time: longAgo }))
  await vi.waitFor(async () => {
    const metrics = await daemon.metrics()
    expect([metrics.records('delivered'), metrics.records('dead_lettered')]).toEqual([2, 1])
  }, WITHIN)
  expect(
    local
      .events('/app')
      .map(({ message }) => message)
      .sort(),
  ).toEqual(['{"body":"by HTTP"}', '{"body":"by gRPC"}'])
  const listed = await runToEnd(['dead-letters', 'list', '--directory', directory], { entry })
  expect([listed.code, listed.stdout]).toEqual([0, expect.stringContaining('too_old')])
  expect(await daemon.stop()).toBe(0)
})

test('the types of the library go with those of the 0.2xx line, without skipLibCheck', async () => {
  const tsc = join(ROOT, 'node_modules', '.bin', 'tsc')
  const types = join(ROOT, 'node_modules', '@types')
  await expect(execute(tsc, ['--project', app.folder, '--typeRoots', types])).resolves.toMatchObject({ stdout: '' })
}, 120_000)

test('the command of the package runs', async () => {
  const command = join(app.folder, 'node_modules', '.bin', 'otlp-cloudwatch')
  const { stdout } = await execute(command, ['--version'])
  expect(stdout).toMatch(/^otlp-cloudwatch \d+\.\d+\.\d+\n$/)
  const config = join(ROOT, 'config', 'agent.yaml')
  const env = { ...CLEAN_ENVIRONMENT, AWS_REGION: 'us-east-1' }
  const validated = await execute(command, ['validate', '--config', config], { env })
  expect(validated.stdout).toContain(`${config} is valid.`)
})
