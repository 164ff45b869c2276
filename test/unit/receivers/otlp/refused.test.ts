// Every refusal is counted by its reason, logged with the sender and what to change, and reported to the sender where its
// protocol has words for it.
import { once } from 'node:events'
import { connect as connectHttp2, type IncomingHttpHeaders } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { connectTo, ended, framed, openCall } from './grpc/raw-grpc.ts'
import { logsOf, runReceiver, until, type Running } from './running-receiver.ts'

const TLS = new URL('../../../testdata/tls/', import.meta.url).pathname
const tls = { cert_file: `${TLS}server.pem`, key_file: `${TLS}server.key` }
const SENDER = 'refused the sender at 127.0.0.1: '

afterEach(() => void vi.useRealTimers())

/** Everything the other side says until it hangs up, or until `enough` of it is there. */
function answer(socket: Socket, enough = /$^/): Promise<string> {
  let text = ''
  socket.on('error', () => {})
  onTestFinished(() => void socket.destroy())
  return new Promise((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
      if (enough.test(text)) resolve(text)
    })
    socket.once('close', () => resolve(text))
  })
}

function sendRaw(port: number, bytes: string | Uint8Array): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(bytes)
  return answer(socket)
}

function warnings({ log }: Running): string[] {
  return log.filter(({ level }) => level === 'warn').map(({ message }) => message)
}

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0'
const PLAIN_HEAD = 'POST /v1/logs HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n'

describe('the HTTP port refuses', () => {
  test.each([
    {
      what: 'a wrong path',
      bytes: 'POST /v1/nothing HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\nconnection: close\r\n\r\nabc',
      status: 404,
      reason: 'not_found',
      says: 'there is nothing at "/v1/nothing": send logs to /v1/logs',
      size: 3,
    },
    {
      what: 'a wrong method',
      bytes: 'GET /v1/logs HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n',
      status: 405,
      reason: 'method_not_allowed',
      says: 'GET is not an OTLP/HTTP method: send POST',
    },
    {
      what: 'a wrong media type',
      bytes:
        'POST /v1/logs HTTP/1.1\r\nhost: a\r\ncontent-type: text/xml\r\ncontent-length: 3\r\nconnection: close\r\n\r\n<a>',
      status: 415,
      reason: 'unsupported_media_type',
      says: 'the content type "text/xml" is not an OTLP type: send application/x-protobuf or application/json',
      size: 3,
    },
    {
      what: 'JSON that is none',
      bytes: `${PLAIN_HEAD}content-length: 2\r\nconnection: close\r\n\r\n{a`,
      status: 400,
      reason: 'malformed',
      says: '',
      size: 2,
    },
    {
      what: 'a body over the limit',
      bytes: `${PLAIN_HEAD}content-length: 70000000\r\nconnection: close\r\n\r\n`,
      status: 413,
      reason: 'too_large',
      says: 'the request is larger than 67108864 bytes (protocols.http.max_request_body_size)',
      size: 70_000_000,
    },
    {
      what: 'a head over the limit',
      bytes: `${PLAIN_HEAD}x: ${'y'.repeat(20_000)}`,
      status: 431,
      reason: 'header_too_large',
      says: 'the head of the request has more than 16384 bytes (protocols.http.max_header_bytes) or 128 fields',
    },
    {
      what: 'a head of very many fields',
      bytes: `${PLAIN_HEAD}${'a: b\r\n'.repeat(200)}\r\n`,
      status: 431,
      reason: 'header_too_large',
      says: 'the head of the request has more than 16384 bytes (protocols.http.max_header_bytes) or 128 fields',
    },
    {
      what: 'bytes that are not HTTP',
      bytes: 'hello\r\n\r\n',
      status: 400,
      reason: 'malformed_http',
      says: 'it does not speak HTTP/1.1',
    },
    {
      what: 'a request without Host',
      bytes: 'POST /v1/logs HTTP/1.1\r\n\r\n',
      status: 400,
      reason: 'malformed_http',
      says: 'the request has no Host header',
    },
    {
      what: 'an unknown expectation',
      bytes: `${PLAIN_HEAD}expect: a miracle\r\n\r\n`,
      status: 417,
      reason: 'malformed_http',
      says: 'the expectation "a miracle" is not supported',
    },
    {
      what: 'a tunnel',
      bytes: 'CONNECT example.com:443 HTTP/1.1\r\nhost: a\r\n\r\n',
      status: 400,
      reason: 'malformed_http',
      says: 'it does not speak HTTP/1.1 (CONNECT is for proxies)',
    },
  ])('$what', async ({ bytes, status, reason, says, size }) => {
    const running = await runReceiver({ http: {} })
    const text = await sendRaw(running.http, bytes)
    expect(text).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(text.replaceAll(String.raw`\"`, '"')).toContain(says)
    expect(running.metric('otlp_cloudwatch_receiver_requests')).toContain(`otlp http ${reason} 1`)
    if (size !== undefined)
      expect(running.metric('otlp_cloudwatch_receiver_refused_bytes')).toContain(`otlp http ${reason} ${size}`)
    expect(warnings(running)).toEqual([expect.stringContaining(`${SENDER}${says}`)])
    expect(running.next.requests).toEqual([])
  })

  test('a request that takes too long, by HTTP/1.1', async () => {
    const running = await runReceiver({ http: { read_timeout: '100ms' } })
    expect(await sendRaw(running.http, `${PLAIN_HEAD}content-length: 10\r\n\r\nabc`)).toMatch(/^HTTP\/1.1 408 /)
    expect(running.metric('otlp_cloudwatch_receiver_requests')).toContain('otlp http timeout 1')
    expect(warnings(running)).toEqual([expect.stringContaining(`${SENDER}its request did not arrive within`)])
  })

  test('gRPC, and names the port that takes it', async () => {
    const running = await runReceiver()
    const text = await sendRaw(running.http, PREFACE)
    const says = `it sent gRPC, but this port takes OTLP/HTTP: send to port ${running.grpc}`
    expect(text).toContain(says)
    expect(running.metric('otlp_cloudwatch_receiver_refused_connections')).toContain('otlp http wrong_protocol 1')
    expect(warnings(running)).toEqual([`${SENDER}${says}`])
  })

  test('gRPC, so that an HTTP/2 client reads why', async () => {
    const { http, grpc } = await runReceiver()
    const session = connectHttp2(`http://127.0.0.1:${http}`)
    session.on('error', () => {})
    onTestFinished(() => session.destroy())
    const [code, , data] = (await once(session, 'goaway')) as [number, number, Buffer]
    expect(code).toBe(0xd)
    expect(String(data)).toContain(`send to port ${grpc}`)
  })

  test('TLS, and names the option for it', async () => {
    const running = await runReceiver({ http: {} })
    const socket = connectTls({ port: running.http, host: '127.0.0.1', rejectUnauthorized: false })
    await answer(socket)
    await until(() => warnings(running).length > 0, 'it is logged')
    expect(running.metric('otlp_cloudwatch_receiver_refused_connections')).toContain('otlp http wrong_protocol 1')
    expect(warnings(running)).toEqual([expect.stringContaining(`${SENDER}it speaks TLS, but this port does not`)])
  })

  test('more pipelined requests than any real client sends', async () => {
    const running = await runReceiver({ http: {} })
    running.next.hold = true
    const body = logsOf('a')
    const one = `POST /v1/logs HTTP/1.1\r\nhost: a\r\ncontent-type: application/x-protobuf\r\ncontent-length: ${body.length}\r\n\r\n`
    await sendRaw(running.http, Buffer.concat(Array.from({ length: 200 }, () => [Buffer.from(one), body]).flat()))
    expect(running.next.held.length).toBeLessThanOrEqual(64)
    expect(running.metric('otlp_cloudwatch_receiver_requests')).toContain('otlp http too_many_requests 1')
    expect(warnings(running)).toEqual([expect.stringContaining('too many open requests')])
  })
})

describe('the gRPC port refuses', () => {
  test.each([
    [
      'HTTP/1.1',
      `${PLAIN_HEAD}content-length: 2\r\n\r\n{}`,
      'it sent HTTP/1.1, but this port takes gRPC: send to port ',
    ],
    [
      'bytes that are neither',
      'hello\r\n',
      'it sent bytes that are not HTTP/2, but this port takes gRPC: send to port ',
    ],
  ])('%s, and names the port that takes it', async (_, bytes, says) => {
    const running = await runReceiver()
    const text = await sendRaw(running.grpc, bytes)
    expect(text).toMatch(/^HTTP\/1.1 400 /)
    expect(text).toContain(`${says}${running.http}`)
    expect(running.metric('otlp_cloudwatch_receiver_refused_connections')).toContain('otlp grpc wrong_protocol 1')
    expect(warnings(running)).toEqual([`${SENDER}${says}${running.http}`])
  })

  test('TLS, and names the option for it', async () => {
    const running = await runReceiver({ grpc: {} })
    await answer(connectTls({ port: running.grpc, host: '127.0.0.1', rejectUnauthorized: false }))
    await until(() => warnings(running).length > 0, 'it is logged')
    expect(running.metric('otlp_cloudwatch_receiver_refused_connections')).toContain('otlp grpc wrong_protocol 1')
    expect(warnings(running)).toEqual([expect.stringContaining('or set protocols.grpc.tls')])
  })

  test.each([
    [
      { 'content-type': 'application/json', ':path': '/v1/logs' },
      415,
      'wrong_protocol',
      'it sent OTLP/HTTP, but this port takes gRPC',
    ],
    [
      { 'content-type': 'text/plain' },
      415,
      'unsupported_media_type',
      'the content type "text/plain" is not gRPC: send application/grpc',
    ],
    [{ ':method': 'GET' }, 405, 'method_not_allowed', '"GET" is not a gRPC method: send POST'],
  ])('a stream of HTTP/2 with %j', async (headers, status, reason, says) => {
    const running = await runReceiver()
    const call = openCall(connectTo(running.grpc), headers)
    call.end()
    const [answered] = (await once(call, 'response')) as [IncomingHttpHeaders]
    expect(answered[':status']).toBe(status)
    expect(running.metric('otlp_cloudwatch_receiver_requests')).toContain(`otlp grpc ${reason} 1`)
    expect(warnings(running)).toEqual([expect.stringContaining(`${SENDER}${says}`)])
  })

  test.each([
    [
      { ':path': '/a.Service/Method' },
      12,
      'not_found',
      'there is no method "/a.Service/Method": send logs to opentelemetry.proto',
    ],
    [
      { 'x-large': 'y'.repeat(20_000) },
      8,
      'header_too_large',
      'the head of the request has more than 16384 bytes (protocols.grpc.max_header_bytes)',
    ],
    [
      { 'grpc-encoding': 'lz4' },
      12,
      'unsupported_encoding',
      'the encoding "lz4" is not supported: send identity, gzip, deflate, zstd, snappy',
    ],
  ])('a call with %.60j', async (headers, code, reason, says) => {
    const running = await runReceiver({ grpc: {} })
    const call = openCall(connectTo(running.grpc), headers)
    call.end(framed(gzipSync(logsOf('a')), 1))
    const status = await ended(call)
    expect(status.code).toBe(code)
    expect(status.message).toContain(says)
    expect(running.metric('otlp_cloudwatch_receiver_requests')).toContain(`otlp grpc ${reason} 1`)
    expect(warnings(running)).toEqual([expect.stringContaining(`${SENDER}${says}`)])
    expect(running.next.requests).toEqual([])
  })

  test('a call whose sender does not end it is closed once it is answered', async () => {
    const { grpc } = await runReceiver({ grpc: {} })
    const call = openCall(connectTo(grpc), { ':path': '/a.Service/Method' })
    call.resume()
    await once(call, 'close')
  })
})

describe('a port with TLS refuses', () => {
  test.each([
    ['http', PLAIN_HEAD],
    ['grpc', PREFACE],
  ] as const)('what comes to %s in clear', async (protocol, bytes) => {
    const running = await runReceiver({ [protocol]: { tls } })
    await sendRaw(running[protocol], bytes)
    await until(() => warnings(running).length > 0, 'it is logged')
    expect(running.metric('otlp_cloudwatch_receiver_refused_connections')).toContain(
      `otlp ${protocol} wrong_protocol 1`,
    )
    expect(warnings(running)).toEqual([
      expect.stringContaining(`${SENDER}it sent without TLS, but this port takes TLS only`),
    ])
  })

  test.each(['http', 'grpc'] as const)('a client of %s without a certificate', async (protocol) => {
    const running = await runReceiver({ [protocol]: { tls: { ...tls, client_ca_file: `${TLS}ca.pem` } } })
    await answer(
      connectTls({ port: running[protocol], host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['h2'] }),
    )
    await until(() => warnings(running).length > 0, 'it is logged')
    expect(running.metric('otlp_cloudwatch_receiver_refused_connections')).toContain(`otlp ${protocol} tls_failed 1`)
    expect(warnings(running)).toEqual([expect.stringContaining(`${SENDER}the TLS handshake failed`)])
  })

  test('no client that only checks whether the port is open', async () => {
    const running = await runReceiver({ http: { tls } })
    const socket = connect(running.http, '127.0.0.1')
    await once(socket, 'connect')
    socket.destroy()
    await until(() => running.metric('otlp_cloudwatch_receiver_connections').includes('otlp http 0'), 'it is gone')
    expect(warnings(running)).toEqual([])
  })
})

describe('connections over the limit', () => {
  test('by HTTP get a retryable answer, and those that were served stay', async () => {
    const running = await runReceiver({ http: { max_connections: 1 } })
    const body = logsOf('a')
    const request = `POST /v1/logs HTTP/1.1\r\nhost: a\r\ncontent-type: application/x-protobuf\r\ncontent-length: ${body.length}\r\n\r\n`
    const first = connect(running.http, '127.0.0.1')
    const ok = answer(first, /200 OK/)
    first.write(Buffer.concat([Buffer.from(request), body]))
    expect(await ok).toContain('200 OK')
    const text = await sendRaw(running.http, Buffer.concat([Buffer.from(request), body]))
    expect(text).toMatch(/^HTTP\/1.1 503 /)
    expect(text).toMatch(/retry-after: 1/i)
    expect(text).toContain('too many connections are open: try again later')
    expect(running.next.requests).toHaveLength(1)
    expect(running.metric('otlp_cloudwatch_receiver_refused_connections')).toContain('otlp http too_many_connections 1')
    expect(warnings(running)).toEqual([expect.stringContaining(`${SENDER}too many connections are open`)])
    const again = answer(first, /200 OK/)
    first.write(Buffer.concat([Buffer.from(request), body]))
    expect(await again).toContain('200 OK')
  })

  test('by gRPC get GOAWAY', async () => {
    const running = await runReceiver({ grpc: { max_connections: 1 } })
    const first = openCall(connectTo(running.grpc))
    first.end(framed(logsOf('a')))
    expect((await ended(first)).code).toBe(0)
    const second = connectTo(running.grpc)
    const [, , data] = (await once(second, 'goaway')) as [number, number, Buffer]
    expect(String(data)).toContain('too many connections are open: try again later')
  })

  test.each(['http', 'grpc'] as const)(
    'by %s: the oldest without a request is closed to make room',
    async (protocol) => {
      const running = await runReceiver({ [protocol]: { max_connections: 3 } })
      const silent = Array.from({ length: 10 }, () => connect(running[protocol], '127.0.0.1'))
      const closed = silent.map((socket) => answer(socket))
      await Promise.all(closed.slice(0, 7))
      if (protocol === 'http') expect(await closed[0]).toMatch(/^HTTP\/1.1 503 /)
      const call =
        protocol === 'grpc'
          ? async () => {
              const stream = openCall(connectTo(running.grpc))
              stream.end(framed(logsOf('a')))
              return (await ended(stream)).code
            }
          : async () =>
              (
                await fetch(`http://127.0.0.1:${running.http}/v1/logs`, {
                  method: 'POST',
                  headers: { 'content-type': 'application/x-protobuf' },
                  body: logsOf('a'),
                })
              ).status
      expect(await call()).toBe(protocol === 'grpc' ? 0 : 200)
      expect(running.next.bodies).toEqual(['a'])
    },
  )
})

test('refusals of one kind are one line a minute, with their number and the latest sender', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const running = await runReceiver({ http: {} })
  const wrong = (path: string) => fetch(`http://127.0.0.1:${running.http}${path}`, { method: 'POST' })
  for (let i = 0; i < 5; i++) await wrong(`/wrong/${i}`)
  expect(warnings(running)).toEqual([`${SENDER}there is nothing at "/wrong/0": send logs to /v1/logs`])
  vi.advanceTimersByTime(60_000)
  expect(warnings(running).slice(1)).toEqual([
    'refused 4 times since the last line, most recently the sender at 127.0.0.1: there is nothing at "/wrong/4": send logs to /v1/logs',
  ])
  await wrong('/again')
  vi.advanceTimersByTime(60_000)
  expect(warnings(running)).toHaveLength(3)
  vi.advanceTimersByTime(120_000)
  await wrong('/later')
  expect(warnings(running)).toHaveLength(4)
  await wrong('/last')
  const stopped = running.receiver.shutdown(AbortSignal.abort())
  vi.useRealTimers()
  await stopped
  expect(warnings(running).at(-1)).toContain('"/last"')
  expect(running.metric('otlp_cloudwatch_receiver_requests')).toEqual([])
})

test('a hostile path, type or method is cut and escaped in the log', async () => {
  const running = await runReceiver({ http: {} })
  await sendRaw(running.http, `POST /${'%0a'.repeat(4_000)} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`)
  await sendRaw(
    running.http,
    `POST /v1/logs HTTP/1.1\r\nhost: a\r\ncontent-type: \u001b[31m${'x'.repeat(9_000)}\r\nconnection: close\r\n\r\n`,
  )
  expect(warnings(running)).toHaveLength(2)
  for (const line of warnings(running)) {
    expect(line.length).toBeLessThan(400)
    // oxlint-disable-next-line no-control-regex
    expect(line).not.toMatch(/[\u0000-\u001f]/)
  }
})
