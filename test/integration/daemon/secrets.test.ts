// A canary stands in every place of a config that holds a secret, and is searched for in everything the daemon says.
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { request } from 'node:https'
import { type AddressInfo, connect, createServer } from 'node:net'
import { Client, credentials, Metadata } from '@grpc/grpc-js'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { secretFile } from '../../fakes/authentication.ts'
import { startCloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { recordsRequest } from '../../fakes/logs-request.ts'
import { components } from '../../../src/components.ts'
import { formatProblem } from '../../../src/config/yaml/findings.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { configFile, type Daemon, type LogLine, runToEnd, startDaemon } from './daemon.ts'

/** Found in no other word. */
const CANARY = 'c4n4ry'
const secret = (of: string) => `${CANARY}-${of}`

const TLS = new URL('../../testdata/tls/', import.meta.url).pathname
const ca = await readFile(`${TLS}ca.pem`)

/** Secrets by the variable that holds each. */
const ENVIRONMENT: Readonly<Record<string, string>> = {
  TOKEN: secret('token'),
  TENANT_TOKEN: secret('tenant-token'),
  PASSWORD: secret('password'),
  // OpenSSL steps over what stands before the first line of a PEM.
  KEY_PEM: `${secret('key')}\n${await readFile(`${TLS}server.key`, 'utf8')}`,
  SECRET_KEY: secret('secret-access-key'),
  SESSION_TOKEN: secret('session-token'),
  PROXY_PASSWORD: secret('proxy'),
}

interface Files {
  readonly tokens: string
  readonly htpasswd: string
}

/** Every secret a config can hold: by variables, in its own text, and in files beside it. */
function configWith(endpoint: string, files: Files, exporter: object = {}): Readonly<Record<string, unknown>> {
  const protocol = (authenticator: string) => ({
    endpoint: '127.0.0.1:0',
    auth: { authenticator },
    tls: { cert_file: `${TLS}server.pem`, key_pem: '${env:KEY_PEM}' },
  })
  const groups = { allowed_log_groups: ['/secrets'] }
  return {
    extensions: {
      bearertokenauth: {
        filename: files.tokens,
        tenants: {
          blue: { token: '${env:TENANT_TOKEN}', ...groups },
          red: { token: secret('red'), allowed_log_groups: ['/red'] },
        },
      },
      'bearertokenauth/list': { tokens: ['${env:TOKEN}', secret('second')] },
      'bearertokenauth/one': { token: 'Bearer ${env:TOKEN}' },
      basicauth: {
        htpasswd: { file: files.htpasswd, inline: `a:\${env:PASSWORD}\nb:${secret('inline')}` },
        tenants: { a: groups },
      },
    },
    receivers: { otlp: { protocols: { grpc: protocol('bearertokenauth'), http: protocol('basicauth') } } },
    exporters: {
      awscloudwatchlogs: {
        log_group_name: '/secrets',
        log_stream_name: 's',
        region: 'us-east-1',
        endpoint,
        flush_interval: '50ms',
        retry_on_failure: { initial_interval: '50ms', max_interval: '50ms' },
        credentials: {
          access_key_id: 'AKID',
          secret_access_key: '${env:SECRET_KEY}',
          session_token: '${env:SESSION_TOKEN}',
        },
        ...exporter,
      },
    },
    service: {
      extensions: ['bearertokenauth', 'bearertokenauth/list', 'bearertokenauth/one', 'basicauth'],
      pipelines: { logs: { receivers: ['otlp'], exporters: ['awscloudwatchlogs'] } },
    },
  }
}

async function files(): Promise<Files> {
  const tokens = await secretFile(`${secret('file-token')}\n`)
  const htpasswd = await secretFile(`f:${secret('file-password')}\n`)
  return { tokens: tokens.path, htpasswd: htpasswd.path }
}

/** The canary, and what it is in base64, wherever in a text it begins. */
const FORMS = [
  CANARY,
  ...[0, 1, 2].map((before) => {
    const encoded = Buffer.from(' '.repeat(before) + CANARY).toString('base64')
    // The characters that nothing but the canary decides.
    return encoded.slice(Math.ceil((before * 8) / 6), Math.floor(((before + CANARY.length) * 8) / 6))
  }),
]

/** Fails with the lines that show a secret. */
function expectNoCanary(said: string, of: string): void {
  expect(
    said.split('\n').filter((line) => FORMS.some((form) => line.includes(form))),
    of,
  ).toEqual([])
}

const REQUEST = recordsRequest({ body: 'x' })

/** Answer by HTTP: status, headers and body. */
function overHttp({ httpPort }: Daemon, headers: Record<string, string>, body = REQUEST): Promise<string> {
  return new Promise((resolve, reject) => {
    const all = { 'content-type': 'application/x-protobuf', ...headers }
    const sent = { host: '127.0.0.1', port: httpPort, path: '/v1/logs', method: 'POST', headers: all, ca, agent: false }
    const call = request(sent, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () =>
        resolve([response.statusCode, ...response.rawHeaders, Buffer.concat(chunks).toString('latin1')].join('\n')),
      )
    })
    call.on('error', reject)
    call.end(body)
  })
}

/** Answer by gRPC: code, message and trailers. */
function overGrpc({ grpcPort }: Daemon, headers: Record<string, string>, body = REQUEST): Promise<string> {
  const client = new Client(`127.0.0.1:${grpcPort}`, credentials.createSsl(ca), { 'grpc.enable_retries': 0 })
  onTestFinished(() => client.close())
  const metadata = new Metadata()
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value)
  const same = (bytes: Buffer) => bytes
  const path = '/opentelemetry.proto.collector.logs.v1.LogsService/Export'
  return new Promise((resolve) => {
    client.makeUnaryRequest(path, same, same, Buffer.from(body), metadata, (error) => {
      const trailers = Object.values(error?.metadata.getMap() ?? {}).map((value) => value.toString('latin1' as 'utf8'))
      resolve([error?.code ?? 0, error?.details ?? '', ...trailers].join('\n'))
    })
  })
}

const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` })
const bearer = (text: string) => ({ authorization: `Bearer ${text}` })

test('a daemon at work shows no secret: not in its log, its answers, its metrics or its ledger', async () => {
  const local = await startCloudWatchLocal()
  onTestFinished(() => local.close())
  const daemon = await startDaemon(configWith(local.url, await files()), {
    env: ENVIRONMENT,
    set: ['service.telemetry.logs.level=debug'],
  })
  // What AWS says of a signature it does not like: the request as it came, token and all.
  const echo = `The Canonical String should have been 'POST\n/\nx-amz-security-token:${secret('session-token')}\n'`
  local.faults.error('InvalidSignatureException', echo, 403, { times: 2 })

  const good = [
    await overHttp(daemon, basic(`a:${secret('password')}`)),
    await overGrpc(daemon, bearer(secret('tenant-token'))),
    await overGrpc(daemon, bearer(secret('file-token'))),
  ]
  expect(good.map((answer) => answer.split('\n', 1)[0])).toEqual(['200', '0', '0'])
  const bad = [
    await overHttp(daemon, basic(`f:${secret('file-password')}`)), // no tenant
    await overHttp(daemon, basic(`a:${secret('password')}x`)),
    await overHttp(daemon, basic(`${secret('password')}:a`)),
    await overHttp(daemon, bearer(secret('token'))),
    await overHttp(daemon, { ...basic(`a:${secret('password')}`), 'content-encoding': 'br' }),
    await overHttp(daemon, basic(`a:${secret('password')}`), Buffer.from('\n\u00ffmalformed')),
    await overGrpc(daemon, bearer(`${secret('tenant-token')}x`)),
    await overGrpc(daemon, { authorization: secret('tenant-token') }),
    await overGrpc(daemon, bearer(secret('red'))), // not its group
    await overGrpc(daemon, bearer(secret('tenant-token')), Buffer.from('\n\u00ffmalformed')),
  ]
  const statuses = bad.map((answer) => answer.split('\n', 1)[0]).join(' ')
  expect(statuses).toBe('403 401 401 401 415 400 16 16 7 3')
  await vi.waitUntil(async () => (await daemon.metrics()).records('delivered') === 3, { timeout: 20_000 })
  const metricsUrl = String(daemon.log.find(({ msg }) => msg === 'metrics')?.['url'])
  const pages = await Promise.all(
    ['/metrics', '/ledger', '/'].map(async (path) => (await fetch(new URL(path, metricsUrl))).text()),
  )
  expect(pages[0]).toContain('otlp_cloudwatch_records')
  // A connection that is reset is a line of the lowest level.
  const socket = connect(Number(new URL(metricsUrl).port), '127.0.0.1')
  await once(socket, 'connect')
  socket.resetAndDestroy()
  await daemon.says((log) => log.some(({ level }) => level === 'debug'))
  expect(await daemon.stop()).toBe(0)

  expect(local.calls.all.some(({ headers }) => headers['x-amz-security-token'] === secret('session-token'))).toBe(true)
  expectNoCanary([...good, ...bad].join('\n'), 'answers')
  expectNoCanary(pages.join('\n'), 'pages')
  expectNoCanary(daemon.stdout + daemon.stderr, 'log')
})

test('neither does a daemon that cannot reach AWS through its proxy, or whose files are gone', async () => {
  const proxy = createServer((socket) => socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n'))
  proxy.listen(0, '127.0.0.1')
  onTestFinished(() => void proxy.close())
  await once(proxy, 'listening')
  const { port } = proxy.address() as AddressInfo
  const tokens = await secretFile(secret('file-token'))
  const htpasswd = await secretFile(`f:${secret('file-password')}`)
  const config = configWith(
    'https://logs.example.com',
    { tokens: tokens.path, htpasswd: htpasswd.path },
    {
      proxy_address: `http://user:\${env:PROXY_PASSWORD}@127.0.0.1:${port}`,
    },
  )
  const daemon = await startDaemon(config, {
    env: ENVIRONMENT,
    set: ['service.telemetry.logs.level=debug', 'service.shutdown_timeout=1s'],
  })
  await overGrpc(daemon, bearer(secret('file-token')))
  await daemon.says((log) => log.some(({ level, component }) => component === 'awscloudwatchlogs' && level !== 'info'))
  await htpasswd.replace(`f:${secret('file-password')}\n${secret('not-a-line')}\n`)
  await tokens.remove()
  const unreadable = (log: readonly LogLine[]) =>
    log.filter(({ msg }) => msg.startsWith('credentials cannot be reloaded')).map(({ component }) => component)
  await daemon.says((log) => new Set(unreadable(log)).size === 2)
  await daemon.stop()
  expectNoCanary(daemon.stdout + daemon.stderr, 'log')
})

test('print-config and validate show none, and how many there are shows print-config --mode unredacted', async () => {
  const exporter = { proxy_address: 'http://user:${env:PROXY_PASSWORD}@proxy:3128' }
  const config = await configFile(configWith('http://localhost:1', await files(), exporter))
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await runToEnd([...args, '--config', config], { env: ENVIRONMENT })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    return stdout
  }
  expectNoCanary(await run('print-config'), 'print-config')
  expectNoCanary(await run('print-config', '--format', 'json'), 'print-config as JSON')
  expectNoCanary(await run('validate'), 'validate')
  const unredacted = await run('print-config', '--mode', 'unredacted')
  const shown = new Set(unredacted.match(new RegExp(`${CANARY}-[a-z-]+`, 'g')))
  // All of them but those of the two files.
  const inVariables = Object.values(ENVIRONMENT).map((value) => value.split('\n', 1)[0])
  expect(shown).toEqual(new Set([...inVariables, secret('red'), secret('second'), secret('inline')]))
})

test('problems of a config are reported without its secrets', async () => {
  const wrong = await configFile({
    ...configWith('http://localhost:1', await files(), {
      proxy_address: secret('not-a-url'),
      credentials: secret('credentials'),
    }),
    extensions: {
      bearertokenauth: { token: [secret('in-a-list')], tokens: { a: secret('in-a-map') }, tokn: secret('misspelt') },
      basicauth: { htpasswd: `a:${secret('misplaced')}` },
      'basicauth/b': { htpasswd: { inline: `${secret('no-user')}\na:$2y$05$${secret('bcrypt')}` } },
    },
  })
  for (const command of ['run', 'validate', 'print-config']) {
    const { code, stdout, stderr } = await runToEnd([command, '--config', wrong], { env: ENVIRONMENT })
    expect(code).toBe(2)
    expect(stderr.split('\n').length).toBeGreaterThan(6)
    expectNoCanary(stdout + stderr, command)
  }
})

describe('errors about a bad value in place of a secret', () => {
  const places: Readonly<Record<string, (value: string) => string>> = {
    token: (value) => `bearertokenauth:\n    token: ${value}`,
    'one of tokens': (value) => `bearertokenauth: {tokens: [${value}]}`,
    tokens: (value) => `bearertokenauth: {tokens: ${value}}`,
    'a tenant': (value) => `bearertokenauth: {tenants: {a: ${value}}}`,
    'the token of a tenant': (value) => `bearertokenauth: {tenants: {a: {token: ${value}}}}`,
    inline: (value) => `basicauth: {htpasswd: {inline: ${value}}}`,
    htpasswd: (value) => `basicauth: {htpasswd: ${value}}`,
    'an extension': (value) => `basicauth: ${value}`,
  }
  const problems = (extension: string, env: Record<string, string>): string => {
    const text = `
extensions:
  ${extension}
receivers: {otlp: {protocols: {grpc: {}}}}
exporters: {nop: {}}
service: {extensions: [none], pipelines: {logs: {receivers: [otlp], exporters: [nop]}}}
`
    const loaded = loadConfig({ uris: [`yaml:${text}`], sets: [], env, registry: components })
    return loaded.kind === 'invalid' ? loaded.problems.map((problem) => formatProblem(problem)).join('\n') : ''
  }

  /** Not YAML, YAML of another kind, or a text that is no htpasswd. */
  const values = ['', '*', '!', '|', '>', '@', '"', "'", '[', '{a: ', '- ', '"a"', 'a: b: ', '"\\q', '`', '%']
  test.each(Object.entries(places))('%s', (place, write) => {
    for (const value of values) {
      const text = `${value}${CANARY}`
      const inText = problems(write(text), {})
      const byVariable = problems(write('${env:SECRET}'), { SECRET: text })
      expect(inText, text).not.toBe('')
      expect(byVariable, text).not.toBe('')
      expectNoCanary(inText, `${place}: ${text}`)
      expectNoCanary(byVariable, `${place}: ${text} by a variable`)
    }
  })
})
