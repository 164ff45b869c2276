// The packed library in an application that is bundled, required, compiled, or run on a Node that is too old.
import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type CloudWatchLocal, startCloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { CLEAN_ENVIRONMENT } from '../../integration/daemon/daemon.ts'
import { type InstalledApp, installApp, nodeOf, OLDEST_NODE } from './library-app.ts'

const execute = promisify(execFile)
const oldest = await nodeOf(OLDEST_NODE)
const nodes = [process.execPath, ...(oldest === undefined ? [] : [oldest])]

/** Too old; 18 and the first 20 have less than the library's files import. */
const OLD_NODES = ['18.20.8', '20.9.0', '20.20.2', '22.14.0']

// Keys in the environment: the SDK's own chain has to come with the bundle.
const ENVIRONMENT = { ...CLEAN_ENVIRONMENT, AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret' }

let app: InstalledApp
beforeAll(async () => {
  app = await installApp('app-bundled')
  return () => app.remove()
}, 600_000)

let local: CloudWatchLocal
beforeEach(async () => {
  local = await startCloudWatchLocal()
  return () => local.close()
})

/** The message of `text` in `stream`, as each event is stored. */
function expectStored(stream: string, text: string): void {
  expect(local.events('/app', stream).map(({ message }) => JSON.parse(message) as unknown)).toContainEqual(
    expect.objectContaining({ body: text }),
  )
}

async function expectDelivery(node: string, file: string): Promise<void> {
  const text = `${file} on ${node}`
  const { stdout } = await execute(node, [file, local.url, text], { cwd: app.folder, env: ENVIRONMENT })
  expect(JSON.parse(stdout)).toEqual({ received: 1, delivered: 1, queued: 0 })
  expectStored('main', text)
}

async function expectBothTransports(node: string, file: string): Promise<void> {
  const text = `${file} on ${node}`
  const { stdout } = await execute(node, [file, local.url, text], { cwd: app.folder, env: ENVIRONMENT })
  expect(stdout).toBe('[[1,0],[1,0]]')
  expectStored('main', text)
  expectStored('pino', text)
}

describe('the winston and pino transports', () => {
  test('deliver from an application that installed them', async () => {
    for (const node of nodes) await expectBothTransports(node, 'transports.mjs')
  })

  test('deliver from pino’s worker thread, also when the application calls process.exit at once', async () => {
    for (const node of nodes) {
      const text = `worker on ${node}`
      await execute(node, ['pino-worker.cjs', local.url, text], { cwd: app.folder, env: ENVIRONMENT })
      expectStored('pino', text)
    }
  })

  // winston is CommonJS: esbuild cannot carry its require() into an ES module without the banner of the guide.
  test.each(['esbuild', 'rolldown', 'webpack'])('deliver from one CommonJS file by %s', async (bundler) => {
    const file = `transports-${bundler}.cjs`
    const output = bundler === 'webpack' ? 'commonjs' : 'cjs'
    await execute(process.execPath, ['bundle.mjs', bundler, output, file, 'transports.mjs'], { cwd: app.folder })
    for (const node of nodes) await expectBothTransports(node, file)
  })

  test('deliver from one ES module by esbuild with the banner of the guide', async () => {
    const esbuild = join(app.folder, 'node_modules', '.bin', 'esbuild')
    const args = ['transports.mjs', '--bundle', '--platform=node', '--format=esm', '--outfile=transports-esbuild.mjs']
    await execute(esbuild, [...args, `--banner:js=${await banner()}`], { cwd: app.folder })
    await expectBothTransports(process.execPath, 'transports-esbuild.mjs')
  })
})

/** The banner that the guide gives for esbuild. */
async function banner(): Promise<string> {
  const guide = await readFile(join(import.meta.dirname, '..', '..', '..', 'docs', 'guides', 'library.md'), 'utf8')
  return /--banner:js='([^']+)'/.exec(guide)?.[1] ?? 'not in the guide'
}

describe.each(['esbuild', 'rolldown', 'webpack'])('bundled by %s', (bundler) => {
  test.each([
    ['esm', 'mjs'],
    ['cjs', 'cjs'],
  ])(
    'into %s it delivers',
    async (format, extension) => {
      const file = `${bundler}.${extension}`
      const output = bundler === 'webpack' && format === 'cjs' ? 'commonjs' : format
      await execute(process.execPath, ['bundle.mjs', bundler, output, file], { cwd: app.folder })
      for (const node of nodes) await expectDelivery(node, file)
    },
    120_000,
  )
})

test('bundled with conditions of one’s own, which leave "module" out, it needs the banner of the guide', async () => {
  const esbuild = join(app.folder, 'node_modules', '.bin', 'esbuild')
  const bundle = (file: string, ...more: readonly string[]) =>
    execute(
      esbuild,
      ['app.mjs', '--bundle', '--platform=node', '--format=esm', '--conditions=', `--outfile=${file}`, ...more],
      { cwd: app.folder },
    )
  await bundle('without-banner.mjs')
  expect(await readFile(join(app.folder, 'without-banner.mjs'), 'utf8')).toContain('__require("node:https")')
  await bundle('with-banner.mjs', `--banner:js=${await banner()}`)
  await expectDelivery(process.execPath, 'with-banner.mjs')
})

test('CommonJS requires it', async () => {
  for (const node of nodes) await expectDelivery(node, 'app.cjs')
})

describe.each(OLD_NODES)('on Node %s', async (version) => {
  const node = await nodeOf(version)
  test.skipIf(node === undefined)('the import fails at once, and names the version', async () => {
    const message = `otlp-cloudwatch needs Node 22.15 or later, and this is Node ${version}: `
    const run = (...args: readonly string[]) => execute(node ?? '', args, { cwd: app.folder, env: ENVIRONMENT })
    const imported = run('--input-type=module', '-e', "await import('otlp-cloudwatch')")
    await expect(imported).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining(message) as string })
    await expect(run('app.mjs', local.url, 'x')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining(message) as string,
    })
  })
})

describe('TypeScript 5 finds the types', () => {
  test.each([
    ['node10', 'esnext'],
    ['bundler', 'esnext'],
    ['node16', 'node16'],
    ['nodenext', 'nodenext'],
  ])(
    'with moduleResolution %s',
    async (moduleResolution, module) => {
      const file = `types-${moduleResolution}.mts`
      const good =
        "new CloudWatchLogRecordExporter({ logGroupName: 'g', logStreamName: 's', sendingQueue: { queueSize: 5 } })"
      const bad =
        "new CloudWatchLogRecordExporter({ logGroupName: 'g', logStreamName: 's', sendingQueue: { queue_size: 5 } })"
      const transports =
        "import { CloudWatchTransport } from 'otlp-cloudwatch/winston'\nimport { CloudWatchStream } from 'otlp-cloudwatch/pino'\nnew CloudWatchTransport({ logGroupName: 'g', logStreamName: 's', format: '$message', level: 'info' })\nnew CloudWatchStream({ logGroupName: 'g', logStreamName: 's', metadata: ['a'] })\n"
      const source = `import { CloudWatchLogRecordExporter } from 'otlp-cloudwatch'\n${transports}${good}\n// @ts-expect-error the YAML's name\n${bad}\n`
      await writeFile(join(app.folder, file), source)
      const tsc = join(app.folder, 'node_modules', '.bin', 'tsc')
      const options = ['--noEmit', '--strict', '--target', 'es2022', '--types', 'node', '--skipLibCheck']
      const types = join(import.meta.dirname, '..', '..', '..', 'node_modules', '@types')
      const args = [...options, '--typeRoots', types, '--moduleResolution', moduleResolution, '--module', module, file]
      await expect(execute(tsc, args, { cwd: app.folder })).resolves.toMatchObject({ stdout: '' })
    },
    60_000,
  )
})
