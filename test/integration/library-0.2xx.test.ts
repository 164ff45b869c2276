// An application on the 0.2xx line of the logs SDK uses the library, and gets the daemon with the package.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type CloudWatchLocal, startCloudWatchLocal } from '../fakes/cloudwatch.ts'
import { CLEAN_ENVIRONMENT } from './daemon.ts'
import { type InstalledApp, installApp, oldestNode } from './library-app.ts'

const execute = promisify(execFile)
const ROOT = join(import.meta.dirname, '..', '..')

/** What only the daemon needs: its own folders, and packages that a library would bring along for nothing. */
const DAEMON =
  /otlp-cloudwatch\/dist\/(main|cli|components|service|receivers|processors|extensions)\b|@grpc\/|\/pino\/|\/yaml\//

const oldest = await oldestNode()
const nodes = [
  { name: `Node ${process.versions.node}`, node: process.execPath },
  {
    name: oldest === undefined ? 'Node 22.15 (skipped: its npm package is not to be had)' : 'Node 22.15',
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
  const validated = await execute(command, ['validate', '--config', config], { env: CLEAN_ENVIRONMENT })
  expect(validated.stdout).toContain(`${config} is good.`)
})
