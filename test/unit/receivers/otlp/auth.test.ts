import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2'
import { connect } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Authentication, Authenticator } from '../../../../src/component/authenticator.ts'
import type { Component } from '../../../../src/component/component.ts'
import { basicauthExtension } from '../../../../src/extensions/basicauth/index.ts'
import { bearertokenauthExtension } from '../../../../src/extensions/bearertokenauth/index.ts'
import { otlpReceiver } from '../../../../src/receivers/otlp/index.ts'
import { startAuthenticator } from '../../../fakes/authentication.ts'
import { connectTo, ended, framed, openCall } from './grpc/raw-grpc.ts'
import { jsonOf, logsOf, runReceiver, type Running } from './running-receiver.ts'

const BY_TOKEN = { auth: { authenticator: 'bearertokenauth' } }
const GOOD = { authorization: 'Bearer good' }
const BLUE = { authorization: 'Bearer blue' }
const PROTOBUF = { 'content-type': 'application/x-protobuf' }

/** A receiver that wants a token by both protocols: `good`, or `blue` of the tenant of that name. */
async function runWithTokens(keys: { http?: object; grpc?: object } = {}): Promise<Running> {
  const { extension } = await startAuthenticator(bearertokenauthExtension, {
    token: 'good',
    tenants: { blue: { token: 'blue', allowed_log_groups: ['/blue/*'] } },
  })
  return run(
    { grpc: { ...BY_TOKEN, ...keys.grpc }, http: { ...BY_TOKEN, ...keys.http } },
    { bearertokenauth: extension },
  )
}

function run(
  protocols: Record<string, Record<string, unknown>>,
  extensions: Readonly<Record<string, Component>>,
): Promise<Running> {
  return runReceiver(protocols, undefined, extensions)
}

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

interface Post {
  readonly headers?: Readonly<Record<string, string>>
  readonly path?: string
  readonly method?: string
  readonly agent?: Agent
}

function post(
  port: number,
  body: Uint8Array | string,
  { headers, path = '/v1/logs', method = 'POST', agent = new Agent() }: Post,
) {
  return new Promise<Answer>((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port, path, method, headers: { ...PROTOBUF, ...headers }, agent })
    request.on('error', reject)
    request.on('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
      )
    })
    request.end(body)
  })
}

/** Sends a whole message; how the call ends. */
function exportLogs(session: ClientHttp2Session, headers: Record<string, string> = {}, body = logsOf('a')) {
  const call = openCall(session, headers)
  call.end(framed(body))
  return ended(call)
}

describe('by HTTP', () => {
  test('a sender with good credentials is accepted', async () => {
    const { http, next } = await runWithTokens()
    expect(await post(http, logsOf('a'), { headers: GOOD })).toMatchObject({ status: 200 })
    expect(next.bodies).toEqual(['a'])
    expect(next.requests[0]?.identity).toBeUndefined()
  })

  test('the tenant goes with the request', async () => {
    const { http, next } = await runWithTokens()
    await post(http, logsOf('a'), { headers: BLUE })
    await post(http, jsonOf('b'), { headers: { ...BLUE, 'content-type': 'application/json' } })
    await post(http, logsOf('c'), { headers: GOOD })
    expect(next.requests.map(({ identity }) => identity?.name)).toEqual(['blue', 'blue', undefined])
    expect(next.requests[0]?.identity?.allowedGroups).toEqual(['/blue/*'])
  })

  test('one without, or with others, gets 401 and the scheme, in its own encoding', async () => {
    const { http, next } = await runWithTokens()
    const json = { 'content-type': 'application/json' }
    const missing = await post(http, jsonOf('a'), { headers: json })
    expect(missing).toMatchObject({ status: 401, headers: { 'www-authenticate': 'Bearer realm="otlp"', ...json } })
    expect(JSON.parse(missing.body.toString())).toEqual({
      code: 16,
      message: 'the request has no token: send Authorization: Bearer <token>',
    })
    const wrong = await post(http, logsOf('a'), { headers: { authorization: 'Bearer wrong' } })
    expect(wrong).toMatchObject({ status: 401, headers: { 'www-authenticate': 'Bearer realm="otlp"', ...PROTOBUF } })
    expect(wrong.body.subarray(0, 2).toString('hex')).toBe('0810')
    expect(wrong.headers['retry-after']).toBeUndefined()
    expect(next.requests).toEqual([])
  })

  test('it is refused before its body arrives, and without 100 Continue', async () => {
    const { http, budget } = await runWithTokens()
    for (const more of ['', 'expect: 100-continue\r\n']) {
      const socket = connect(http, '127.0.0.1')
      onTestFinished(() => void socket.destroy())
      const head = `POST /v1/logs HTTP/1.1\r\nhost: a\r\ncontent-type: application/x-protobuf\r\ncontent-length: 1000000\r\n`
      socket.write(`${head}${more}\r\n`)
      const [answer] = (await once(socket, 'data')) as [Buffer]
      expect(answer.toString()).toMatch(/^HTTP\/1\.1 401 /)
    }
    expect(budget.peak).toBe(0)
  })

  test('its connection serves further requests, with or without a body', async () => {
    const { http, next } = await runWithTokens()
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    onTestFinished(() => agent.destroy())
    expect(await post(http, logsOf('x'.repeat(300_000)), { agent })).toMatchObject({ status: 401 })
    expect(await post(http, logsOf('a'), { agent, headers: GOOD })).toMatchObject({ status: 200 })
    expect(next.bodies).toEqual(['a'])
  })

  test('no path answers without credentials', async () => {
    const { http } = await runWithTokens()
    for (const path of ['/v1/traces', '/nowhere'])
      expect(await post(http, '', { path }), path).toMatchObject({ status: 401 })
    expect(await post(http, '', { path: '/nowhere', headers: GOOD })).toMatchObject({ status: 404 })
  })

  test('a preflight request of a browser has none, and is answered', async () => {
    const { http } = await runWithTokens({ http: { cors: { allowed_origins: ['https://app'] } } })
    const headers = { origin: 'https://app', 'access-control-request-method': 'POST' }
    expect(await post(http, '', { method: 'OPTIONS', headers })).toMatchObject({ status: 204 })
  })
})

describe('by gRPC', () => {
  test('a sender with good credentials is accepted', async () => {
    const { grpc, next } = await runWithTokens()
    expect(await exportLogs(connectTo(grpc), GOOD)).toMatchObject({ code: 0 })
    expect(next.bodies).toEqual(['a'])
    expect(next.requests[0]?.identity).toBeUndefined()
  })

  test('the tenant goes with its own calls, also beside others of the connection', async () => {
    const { grpc, next } = await runWithTokens()
    const session = connectTo(grpc)
    await Promise.all([
      exportLogs(session, BLUE, logsOf('blue')),
      exportLogs(session, GOOD, logsOf('good')),
      exportLogs(session, BLUE, logsOf('blue')),
    ])
    const names = next.requests.map(({ identity }) => identity?.name ?? 'good')
    expect(names.toSorted()).toEqual(['blue', 'blue', 'good'])
    expect(next.bodies).toEqual(names)
  })

  test('one without, or with others, gets UNAUTHENTICATED', async () => {
    const { grpc, next } = await runWithTokens()
    const session = connectTo(grpc)
    expect(await exportLogs(session)).toMatchObject({
      code: 16,
      message: 'the request has no token: send Authorization: Bearer <token>',
    })
    const wrong = await exportLogs(session, { authorization: 'Bearer wrong' })
    expect(wrong).toMatchObject({ code: 16, message: 'the token is unknown' })
    expect(wrong.details.subarray(0, 2).toString('hex')).toBe('0810')
    expect(await exportLogs(session, GOOD)).toMatchObject({ code: 0 })
    expect(next.bodies).toEqual(['a'])
  })

  test('it is refused before its message arrives, and bytes it sends anyway take no room', async () => {
    const { grpc, budget } = await runWithTokens()
    const session = connectTo(grpc)
    const call = openCall(session)
    expect(await ended(call)).toMatchObject({ code: 16 })
    const pushy = openCall(session)
    pushy.write(framed(Buffer.alloc(100_000), 0, 1_000_000))
    expect(await ended(pushy)).toMatchObject({ code: 16 })
    expect(budget.peak).toBe(0)
  })

  test('no service answers without credentials', async () => {
    const { grpc } = await runWithTokens()
    const traces = { ':path': '/opentelemetry.proto.collector.trace.v1.TraceService/Export' }
    const session = connectTo(grpc)
    expect(await exportLogs(session, traces)).toMatchObject({ code: 16 })
    expect(await exportLogs(session, { ...traces, ...GOOD })).toMatchObject({ code: 12 })
  })
})

describe('while credentials cannot be compared', () => {
  class NotNow implements Component, Authenticator {
    readonly challenge = ''
    authenticate(): Authentication {
      return { kind: 'retry', cause: 'auth_unavailable', afterMs: 2_500, message: 'not now' }
    }
    async start(): Promise<void> {}
    async shutdown(): Promise<void> {}
  }
  const auth = { auth: { authenticator: 'not_now' } }

  test('senders get a time to retry, and no request for credentials', async () => {
    const { http, grpc } = await run({ grpc: auth, http: auth }, { not_now: new NotNow() })
    const answer = await post(http, logsOf('a'), {})
    expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '3' } })
    expect(answer.headers['www-authenticate']).toBeUndefined()
    const { code, details } = await exportLogs(connectTo(grpc))
    expect(code).toBe(14)
    expect(details.toString('latin1')).toContain('google.rpc.RetryInfo')
  })
})

test('refused requests are counted by reason', async () => {
  const { http, grpc, metric } = await runWithTokens()
  await post(http, logsOf('a'), {})
  await post(http, logsOf('a'), { headers: GOOD })
  const session = connectTo(grpc)
  await exportLogs(session)
  await exportLogs(session)
  expect(metric('otlp_cloudwatch_receiver_requests')).toEqual([
    'otlp grpc accepted 0',
    'otlp grpc unauthenticated 2',
    'otlp http accepted 1',
    'otlp http unauthenticated 1',
  ])
})

test('one protocol may be open while the other is not', async () => {
  const { extension } = await startAuthenticator(basicauthExtension, { htpasswd: { inline: 'u:p' } })
  const { http, grpc } = await run(
    { grpc: {}, http: { auth: { authenticator: 'basicauth/a' } } },
    { 'basicauth/a': extension },
  )
  expect(await exportLogs(connectTo(grpc))).toMatchObject({ code: 0 })
  expect(await post(http, logsOf('a'), {})).toMatchObject({
    status: 401,
    headers: { 'www-authenticate': 'Basic realm="otlp", charset="UTF-8"' },
  })
  const authorization = `Basic ${Buffer.from('u:p').toString('base64')}`
  expect(await post(http, logsOf('a'), { headers: { authorization } })).toMatchObject({ status: 200 })
})

describe('tenants by certificate', () => {
  const file = (name: string) => join(import.meta.dirname, '../../../testdata/tls', name)
  const tls = { cert_file: file('server.pem'), key_file: file('server.key'), client_ca_file: file('ca.pem') }
  const groups = { allowed_log_groups: ['/blue/*'] }

  async function sessionOf(port: number, name: string): Promise<ClientHttp2Session> {
    const [ca, cert, key] = await Promise.all(
      ['ca.pem', `${name}.pem`, `${name}.key`].map((each) => readFile(file(each))),
    )
    const session = connectHttp2(`https://127.0.0.1:${port}`, { ca: ca ?? '', cert: cert ?? '', key: key ?? '' })
    session.on('error', () => {})
    onTestFinished(() => session.destroy())
    return session
  }

  async function postOver(session: ClientHttp2Session): Promise<unknown> {
    const stream = session.request({ ':method': 'POST', ':path': '/v1/logs', ...PROTOBUF })
    stream.end(logsOf('a'))
    const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders]
    stream.resume()
    return headers[':status']
  }

  async function run(tenants: object): Promise<{ running: Running; answers: unknown[] }> {
    const running = await runReceiver({ grpc: { tls, tenants }, http: { tls, tenants } })
    const overHttp = await postOver(await sessionOf(running.http, 'client'))
    const { code } = await exportLogs(await sessionOf(running.grpc, 'client'))
    return { running, answers: [overHttp, code] }
  }

  test('are identified by its common name', async () => {
    const { running, answers } = await run({ client: groups })
    expect(answers).toEqual([200, 0])
    expect(running.next.requests.map(({ identity }) => identity)).toEqual([
      { name: 'client', allowedGroups: ['/blue/*'] },
      { name: 'client', allowedGroups: ['/blue/*'] },
    ])
  })

  test('are the only ones that may send', async () => {
    const { running, answers } = await run({ server: groups })
    expect(answers).toEqual([403, 7])
    expect(running.next.requests).toEqual([])
  })
})

describe('settings that cannot work', () => {
  test('an extension that does not run, or is no authenticator, stops the start', async () => {
    const message =
      'protocols.http.auth.authenticator: bearertokenauth is not a running authenticator: write bearertokenauth or basicauth below extensions and in service.extensions'
    await expect(run({ http: BY_TOKEN }, {})).rejects.toThrow(message)
    const other: Component = { start: async () => {}, shutdown: async () => {} }
    await expect(run({ http: BY_TOKEN }, { bearertokenauth: other })).rejects.toThrow(message)
  })

  const tenants = { blue: { allowed_log_groups: ['*'] } }
  const tls = { cert_file: 'c', key_file: 'k' }
  const cases: [object, string][] = [
    [
      { tenants },
      'protocols.http.tenants: requires client certificates: set tls.client_ca_file, or write tenants in an authenticator',
    ],
    [
      { tenants, tls },
      'protocols.http.tenants: requires client certificates: set tls.client_ca_file, or write tenants in an authenticator',
    ],
    [
      { tenants, tls: { ...tls, client_ca_file: 'ca' }, ...BY_TOKEN },
      'protocols.http.tenants: cannot be set together with auth: write tenants in its extension, or remove auth',
    ],
    [
      { auth: { authenticator: 'a', request_params: ['key'] } },
      'protocols.http.auth.request_params: is not supported yet: remove it, and send the credentials in a header',
    ],
    [{ auth: {} }, 'protocols.http.auth.authenticator: Invalid input: expected string, received undefined'],
  ]
  test.each(cases)('%j', (http, problem) => {
    const issues = otlpReceiver.config.safeParse({ protocols: { http } }).error?.issues ?? []
    expect(issues.map(({ path, message }) => `${path.join('.')}: ${message}`)).toEqual([problem])
  })
})
