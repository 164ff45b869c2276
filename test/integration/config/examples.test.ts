// The compose example as far as it goes without Docker: the file is complete in itself, its config is valid, and its web
// application runs with that config.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { parse } from 'yaml'
import { startCloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { CLEAN_ENVIRONMENT, endWithTest, runToEnd, startDaemon } from '../daemon/daemon.ts'

const FOLDER = join(import.meta.dirname, '..', '..', '..', 'config', 'examples')
const WAIT = { timeout: 60_000, interval: 50 }

interface Service {
  readonly image?: string
  readonly build?: string
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly configs?: readonly { readonly source: string; readonly target: string }[]
  readonly volumes?: readonly string[]
  readonly ports?: readonly string[]
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly healthcheck?: object
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>
  readonly configs: Readonly<Record<string, { readonly content: string }>>
  readonly volumes: Readonly<Record<string, unknown>>
}

const compose = parse(readFileSync(join(FOLDER, 'docker-compose.yaml'), 'utf8')) as Compose
const services = Object.entries(compose.services)
const daemonService = compose.services['otlp-cloudwatch']
const content = compose.configs['daemon']?.content ?? ''

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'otlp-cloudwatch-example-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** The config as Compose writes it into the container, with what a container has and a test has not. */
async function daemonConfig(): Promise<{ readonly file: string; readonly set: readonly string[] }> {
  const folder = await temporaryFolder()
  const file = join(folder, 'config.yaml')
  await writeFile(file, content)
  return { file, set: [`extensions.file_storage.directory=${await temporaryFolder()}`] }
}

test('the compose file names nothing that it does not define', () => {
  expect(services.map(([name]) => name)).toEqual(['web', 'otlp-cloudwatch', 'localstack'])
  for (const [name, service] of services) {
    expect(service.image ?? service.build, name).toBeDefined()
    // A tag that moves would be another program one day.
    if (service.image !== undefined) expect(service.image).toMatch(/:\d[\w.-]*$/)
    if (service.build !== undefined) expect(existsSync(join(FOLDER, service.build, 'Dockerfile'))).toBe(true)
    for (const { source } of service.configs ?? []) expect(Object.keys(compose.configs)).toContain(source)
    for (const [source = ''] of (service.volumes ?? []).map((volume) => volume.split(':')))
      expect(source.startsWith('./') ? existsSync(join(FOLDER, source)) : source in compose.volumes, source).toBe(true)
    for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
      expect(Object.keys(compose.services)).toContain(other)
      if (condition === 'service_healthy') expect(compose.services[other]?.healthcheck, other).toBeDefined()
    }
    // Published ports are for this machine alone: neither service asks who calls.
    for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/)
  }
})

test('the parts of the compose file fit each other', () => {
  const config = parse(content) as {
    readonly extensions: { readonly file_storage: { readonly directory: string } }
    readonly receivers: { readonly otlp: { readonly protocols: { readonly http: { readonly endpoint: string } } } }
    readonly exporters: { readonly awscloudwatchlogs: { readonly endpoint_url: string } }
  }
  const [port] = config.receivers.otlp.protocols.http.endpoint.split(':').slice(-1)
  expect(compose.services['web']?.environment?.['OTEL_EXPORTER_OTLP_ENDPOINT']).toBe(`http://otlp-cloudwatch:${port}`)
  expect(daemonService?.volumes).toEqual([`queue:${config.extensions.file_storage.directory}`])
  expect(daemonService?.command).toEqual(['--config', daemonService?.configs?.[0]?.target])
  expect(new URL(config.exporters.awscloudwatchlogs.endpoint_url).hostname).toBe('localstack')
})

test('the config in the compose file passes validate', async () => {
  const { file, set } = await daemonConfig()
  const args = ['validate', '--config', file, ...set.map((each) => `--set=${each}`)]
  expect(await runToEnd(args, { env: daemonService?.environment ?? {} })).toMatchObject({ code: 0 })
  // Compose would replace a reference to a variable before the daemon reads it.
  expect(content).not.toContain('$')
})

test('the web application and the config run together: each request is an event in the group of its service', async () => {
  const local = await startCloudWatchLocal({ quotas: false })
  onTestFinished(() => local.close())
  const { file, set } = await daemonConfig()
  const daemon = await startDaemon(file, {
    env: daemonService?.environment ?? {},
    set: [
      ...set,
      'receivers.otlp.protocols.http.endpoint=127.0.0.1:0',
      'extensions.health_check.endpoint=127.0.0.1:0',
      `exporters.awscloudwatchlogs.endpoint_url=${local.url}`,
    ],
  })
  const web = spawn(process.execPath, [join(FOLDER, 'web.mjs')], {
    env: {
      ...CLEAN_ENVIRONMENT,
      ...compose.services['web']?.environment,
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${daemon.httpPort}`,
      PORT: '0',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  endWithTest(web)
  const ended = once(web, 'exit')
  let said = ''
  web.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
  await vi.waitFor(() => expect(said).toMatch(/listening on port \d+/), WAIT)
  const port = /port (\d+)/.exec(said)?.[1]
  for (const path of ['/a', '/b']) expect((await fetch(`http://127.0.0.1:${port}${path}`)).status).toBe(200)
  web.kill('SIGTERM')
  expect(await ended).toEqual([0, null])
  expect(await daemon.stop()).toBe(0)
  expect(local.events('/services/web', 'compose').map(({ message }) => JSON.parse(message) as object)).toMatchObject([
    { body: 'GET /a', severity_text: 'INFO', resource: { 'service.name': 'web' } },
    { body: 'GET /b' },
  ])
})
