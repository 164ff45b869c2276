import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { connect, type Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { describe, expect, onTestFinished, test } from 'vitest'
import { jsonOf, logsOf, runReceiver, until } from '../running-receiver.ts'

const MIB = 1024 * 1024
const PROTOBUF = { 'content-type': 'application/x-protobuf' }

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** One request; the body is written piece by piece, chunked unless its length is announced. */
function send(
  port: number,
  body: readonly Uint8Array[],
  {
    headers = {},
    method = 'POST',
    agent = new Agent(),
  }: { headers?: Record<string, string>; method?: string; agent?: Agent } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      port,
      host: '127.0.0.1',
      path: '/v1/logs',
      method,
      headers: { ...PROTOBUF, ...headers },
      agent,
    })
    request.on('error', reject)
    request.on('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks).toString(),
        }),
      )
    })
    for (const piece of body) request.write(piece)
    request.end()
  })
}

/** A connection to write to by hand. */
function openSocket(port: number): { socket: Socket; received: () => string } {
  let text = ''
  const socket = connect(port, '127.0.0.1')
  socket.setEncoding('latin1')
  socket.on('data', (chunk: string) => (text += chunk))
  socket.on('error', () => {})
  onTestFinished(() => void socket.destroy())
  return { socket, received: () => text }
}

const head = (length: number, ...more: string[]) =>
  [
    'POST /v1/logs HTTP/1.1',
    'host: a',
    'content-type: application/x-protobuf',
    `content-length: ${length}`,
    ...more,
  ].join('\r\n') + '\r\n\r\n'

test('a body in chunks of unknown length is read whole', async () => {
  const { http, next } = await runReceiver({ http: {} })
  const text = 'x'.repeat(300_000)
  const logs = logsOf(text)
  const { status } = await send(http, [logs.subarray(0, 10), logs.subarray(10, 200_000), logs.subarray(200_000)])
  expect(status).toBe(200)
  expect(next.bodies).toEqual([text])
})

test('a body of some MiB is read whole', async () => {
  const { http, next } = await runReceiver({ http: {} })
  const text = 'x'.repeat(5 * MIB)
  const logs = logsOf(text)
  expect((await send(http, [logs], { headers: { 'content-length': String(logs.length) } })).status).toBe(200)
  expect(next.bodies).toEqual([text])
})

test('a large compressed body is decompressed off the event loop, with the same result', async () => {
  const { http, next } = await runReceiver({ http: {} })
  const texts = Array.from({ length: 40_000 }, (_, i) => `record ${i} of ${Math.sin(i)}`)
  const body = gzipSync(logsOf(...texts))
  expect(body.length).toBeGreaterThan(262_144)
  expect((await send(http, [body], { headers: { 'content-encoding': 'gzip' } })).status).toBe(200)
  expect(next.bodies).toEqual(texts)
})

test('after a body over the limit the connection serves the next request', async () => {
  const { http, next, budget } = await runReceiver({ http: { max_request_body_size: 100_000 } })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  onTestFinished(() => agent.destroy())
  const tooMuch = Buffer.alloc(150_000)
  const announced = { 'content-length': String(tooMuch.length) }
  expect((await send(http, [tooMuch], { headers: announced, agent })).status).toBe(413)
  expect((await send(http, [tooMuch.subarray(75_000), tooMuch.subarray(75_000)], { agent })).status).toBe(413)
  const response = await send(http, [logsOf('a')], { agent })
  expect(response.status).toBe(200)
  expect(next.bodies).toEqual(['a'])
  expect(budget.used).toBe(0)
})

test.each([
  ['with a length', head(100 * MIB)],
  ['in chunks', head(100 * MIB).replace('content-length: 104857600', 'transfer-encoding: chunked') + '6400000\r\n'],
  [
    'to a wrong path',
    head(100 * MIB)
      .replace('/v1/logs', '/logs')
      .replace('content-length: 104857600', 'transfer-encoding: chunked') + '6400000\r\n',
  ],
])('a sender %s that keeps sending after a refusal is cut off', async (_, start) => {
  const { http } = await runReceiver({ http: { max_request_body_size: 1_000 } })
  const { socket, received } = openSocket(http)
  socket.write(start)
  socket.write(Buffer.alloc(1_001))
  await until(() => /^HTTP\/1.1 4(?:13|04) /.test(received()), 'it is refused')
  socket.write(Buffer.alloc(10_000))
  await new Promise((resolve) => socket.once('close', resolve))
})

test('a sender that asks before it sends is answered before it sends', async () => {
  const { http, next } = await runReceiver({ http: { max_request_body_size: 1_000 } })
  const refused = openSocket(http)
  refused.socket.write(head(2_000, 'expect: 100-continue'))
  await new Promise((resolve) => refused.socket.once('close', resolve))
  expect(refused.received()).toMatch(/^HTTP\/1.1 413 [^]*connection: close/i)

  const taken = openSocket(http)
  taken.socket.write(head(logsOf('a').length, 'expect: 100-continue', 'connection: close'))
  await until(() => taken.received().startsWith('HTTP/1.1 100 Continue\r\n\r\n'), 'the server wants the body')
  taken.socket.write(logsOf('a'))
  await new Promise((resolve) => taken.socket.once('close', resolve))
  expect(taken.received()).toContain('HTTP/1.1 200 OK')
  expect(next.bodies).toEqual(['a'])
})

test('a body is counted against the budget as it arrives, and given back when the client goes away', async () => {
  const { http, budget, next } = await runReceiver({ http: {} })
  const { socket } = openSocket(http)
  socket.write(head(1_000_000))
  socket.write(Buffer.alloc(400_000))
  await until(() => budget.used >= 400_000, 'what has come is held')
  socket.destroy()
  await until(() => budget.used === 0, 'it was given back')
  expect(next.requests).toEqual([])
})

test('while the buffers are full a request is refused by its head, before its body is sent', async () => {
  const { http, budget, metric } = await runReceiver({ http: {} }, 2 * MIB)
  budget.reserve(2 * MIB - 1_000)
  const { socket, received } = openSocket(http)
  socket.write(head(2_000))
  await until(() => received().includes('HTTP/1.1 503'), 'it is refused')
  expect(received()).toMatch(/retry-after: 1/i)
  expect(metric('otlp_cloudwatch_receiver_requests')).toContain('otlp http budget_full 1')
})

test('a body of unknown length that would fill the buffers is refused as soon as it does', async () => {
  const { http, budget } = await runReceiver({ http: {} }, 2 * MIB)
  budget.reserve(1.9 * MIB)
  const { status } = await send(http, [Buffer.alloc(60_000), Buffer.alloc(60_000)])
  expect(status).toBe(503)
  expect(budget.used).toBe(1.9 * MIB)
})

test('a decompressed body counts against the budget too', async () => {
  const { http, budget } = await runReceiver({ http: {} }, 2 * MIB)
  budget.reserve(1.5 * MIB)
  const { status } = await send(http, [gzipSync(logsOf('x'.repeat(900_000)))], {
    headers: { 'content-encoding': 'gzip' },
  })
  expect(status).toBe(503)
  expect(budget.used).toBe(1.5 * MIB)
})

test('JSON counts twice for a moment: as it came, and as protobuf', async () => {
  const { http, budget } = await runReceiver({ http: {} }, 2 * MIB)
  budget.reserve(1.5 * MIB)
  const headers = { 'content-type': 'application/json' }
  expect((await send(http, [Buffer.from(jsonOf('x'.repeat(300_000)))], { headers })).status).toBe(503)
  expect((await send(http, [Buffer.from(jsonOf('x'.repeat(200_000)))], { headers })).status).toBe(200)
  expect(budget.used).toBe(1.5 * MIB)
})

test('a request without a byte does not go through the pipeline', async () => {
  const { http, next, metric } = await runReceiver({ http: {} })
  expect((await send(http, [])).status).toBe(200)
  expect(next.requests).toEqual([])
  expect(metric('otlp_cloudwatch_receiver_requests')).toEqual(['otlp http accepted 1'])
})

test('records of a request that is refused late are not estimated', async () => {
  const { http, next, metric } = await runReceiver({ http: {} })
  next.hold = true
  const answer = send(http, [logsOf('a', 'b')])
  await until(() => next.held.length === 1, 'the request has arrived')
  next.held[0]?.({ kind: 'retry', cause: 'storage_failed', afterMs: 1, message: '' })
  expect((await answer).status).toBe(503)
  expect(metric('otelcol_receiver_failed_log_records')).toEqual(['otlp http 0'])
  expect(metric('otlp_cloudwatch_receiver_requests')).toContain('otlp http storage_failed 1')
})

test('after shutdown there are no metrics of it', async () => {
  const { receiver, metric } = await runReceiver({ http: {} })
  expect(metric('otelcol_receiver_accepted_log_records')).toEqual(['otlp http 0'])
  await receiver.shutdown(AbortSignal.abort())
  expect(metric('otelcol_receiver_accepted_log_records')).toEqual([])
})

test('a request that takes too long to arrive is ended', async () => {
  const { http, budget } = await runReceiver({ http: { read_timeout: '100ms' } })
  const { socket } = openSocket(http)
  socket.write(head(1_000) + 'x')
  await new Promise((resolve) => socket.once('close', resolve))
  await until(() => budget.used === 0, 'its bytes are given back')
})

test('a head that takes too long to arrive is ended', async () => {
  const { http } = await runReceiver({ http: { read_header_timeout: '100ms' } })
  const { socket, received } = openSocket(http)
  socket.write('POST /v1/logs HTTP/1.1\r\nhost: a\r\n')
  await new Promise((resolve) => socket.once('close', resolve))
  expect(received()).toMatch(/^HTTP\/1.1 408 /)
})

test('a connection on which nothing moves is closed after write_timeout', async () => {
  const { http, next } = await runReceiver({ http: { write_timeout: '100ms' } })
  next.hold = true
  const { socket } = openSocket(http)
  socket.write(head(logsOf('a').length))
  socket.write(logsOf('a'))
  await new Promise((resolve) => socket.once('close', resolve))
  expect(next.held).toHaveLength(1)
})

test.each([{ keepalive: { idle_timeout: '10ms' } }, { idle_timeout: '10ms' }])(
  'an idle connection is closed: %o',
  async (keys) => {
    const { http } = await runReceiver({ http: keys })
    const { socket, received } = openSocket(http)
    socket.write(head(logsOf('a').length))
    socket.write(logsOf('a'))
    await new Promise((resolve) => socket.once('close', resolve))
    expect(received()).toMatch(/^HTTP\/1.1 200 OK/)
  },
)

test.each([{ keepalive: { enabled: false } }, { keep_alives_enabled: false }])(
  'a connection serves one request where keep-alive is off: %o',
  async (keys) => {
    const { http } = await runReceiver({ http: keys })
    const agent = new Agent({ keepAlive: true })
    onTestFinished(() => agent.destroy())
    expect((await send(http, [logsOf('a')], { agent })).headers.connection).toBe('close')
  },
)

test.each([{ 'x-frame-options': 'deny' }, [{ name: 'x-frame-options', value: 'deny' }]])(
  'response_headers are added to each answer: %o',
  async (response_headers) => {
    const { http } = await runReceiver({ http: { response_headers } })
    expect((await send(http, [logsOf('a')])).headers['x-frame-options']).toBe('deny')
    expect((await send(http, [logsOf('a')], { method: 'PUT' })).headers['x-frame-options']).toBe('deny')
  },
)

test('paths can be chosen', async () => {
  const { http } = await runReceiver({ http: { logs_url_path: '/in', traces_url_path: '/in/traces' } })
  const post = (path: string) => fetch(`http://127.0.0.1:${http}${path}`, { method: 'POST', headers: PROTOBUF })
  expect((await post('/in')).status).toBe(200)
  expect((await post('/v1/logs')).status).toBe(404)
  expect(await (await post('/in/traces')).text()).toContain('OTEL_EXPORTER_OTLP_LOGS_ENDPOINT')
})

test('content codings can be narrowed', async () => {
  const { http } = await runReceiver({ http: { compression_algorithms: ['', 'zstd'] } })
  expect((await send(http, [logsOf('a')])).status).toBe(200)
  const { status, headers } = await send(http, [gzipSync(logsOf('a'))], { headers: { 'content-encoding': 'gzip' } })
  expect([status, headers['accept-encoding']]).toEqual([415, 'identity, zstd'])
})

test('unsupported content codings are logged at start and refused', async () => {
  const { http, log } = await runReceiver({ http: { compression_algorithms: ['', 'gzip', 'lz4'] } })
  expect(log.find(({ level }) => level === 'warn')?.message).toBe(
    'compression_algorithms: lz4 not supported; such bodies are refused with 415',
  )
  expect((await send(http, [logsOf('a')], { headers: { 'content-encoding': 'lz4' } })).status).toBe(415)
})

test('headers are handed on where they are asked for', async () => {
  const { http, next } = await runReceiver({ http: { include_metadata: true } })
  await send(http, [logsOf('a')], { headers: { 'X-Tenant': 'blue' } })
  expect(next.requests[0]?.metadata?.get('x-tenant')).toEqual(['blue'])
})

test('each other signal is logged at once, and then once a minute', async () => {
  const { http, log } = await runReceiver({ http: {} })
  for (const path of ['/v1/traces', '/v1/metrics', '/v1/traces']) {
    await fetch(`http://127.0.0.1:${http}${path}`, { method: 'POST', headers: PROTOBUF })
  }
  expect(log.filter(({ level }) => level === 'warn').map(({ message }) => message.split(':')[1])).toEqual([
    ' this server takes logs, not traces',
    ' this server takes logs, not metrics',
  ])
})

test('an answer that comes after the client has gone does no harm', async () => {
  const { http, next } = await runReceiver({ http: {} })
  next.hold = true
  const { socket } = openSocket(http)
  socket.write(head(logsOf('a').length))
  socket.write(logsOf('a'))
  await until(() => next.held.length === 1, 'the request has arrived')
  socket.resetAndDestroy()
  next.hold = false
  expect((await send(http, [logsOf('b')])).status).toBe(200)
  next.held[0]?.({ kind: 'accepted', records: 1, rejected: 0, message: '' })
  expect((await send(http, [logsOf('c')])).status).toBe(200)
})

test('requests in a row on one connection are answered in their order', async () => {
  const { http, next } = await runReceiver({ http: {} })
  next.hold = true
  const { socket, received } = openSocket(http)
  for (const text of ['a', 'b']) socket.write(Buffer.concat([Buffer.from(head(logsOf(text).length)), logsOf(text)]))
  await until(() => next.held.length === 2, 'both have arrived')
  next.held[1]?.({ kind: 'retry', cause: 'lane_full', afterMs: 1, message: '' })
  next.held[0]?.({ kind: 'accepted', records: 1, rejected: 0, message: '' })
  await until(() => received().match(/HTTP\/1.1 \d+/g)?.length === 2, 'both are answered')
  expect(received().match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 503'])
})

test('bodies that arrive at the same time do not mix', async () => {
  const { http, next } = await runReceiver({ http: {} })
  const texts = Array.from({ length: 12 }, (_, i) => `${i} `.repeat(20_000 * (i + 1)))
  for (let round = 0; round < 3; round++) {
    await Promise.all(texts.map((text) => send(http, [logsOf(text)])))
    expect(new Set(next.bodies)).toEqual(new Set(texts))
    next.requests.length = 0
  }
})

test('JSON bodies share one buffer and do not mix', async () => {
  const { http, next } = await runReceiver({ http: {} })
  const bodies = Array.from({ length: 20 }, (_, i) => `${i}`.repeat(1 + i * 50))
  const headers = { 'content-type': 'application/json' }
  await Promise.all(bodies.map((text) => send(http, [Buffer.from(jsonOf(text))], { headers })))
  expect(new Set(next.bodies)).toEqual(new Set(bodies))
})

test('on shutdown idle connections are closed and requests in flight are answered', async () => {
  const { receiver, http, next } = await runReceiver({ http: {} })
  const idle = openSocket(http)
  idle.socket.write(head(logsOf('a').length))
  idle.socket.write(logsOf('a'))
  await until(() => idle.received() !== '', 'the first request is answered')
  const silent = openSocket(http)
  await new Promise((resolve) => silent.socket.once('connect', resolve))
  next.hold = true
  const busy = openSocket(http)
  busy.socket.write(head(logsOf('b').length))
  busy.socket.write(logsOf('b'))
  const late = openSocket(http)
  late.socket.write(head(logsOf('c').length) + 'x')
  await until(() => next.held.length === 1, 'the second request has arrived')

  const stopped = receiver.shutdown(new AbortController().signal)
  await until(() => idle.socket.closed && silent.socket.closed, 'the idle connections are closed')
  late.socket.end()
  next.held[0]?.({ kind: 'accepted', records: 1, rejected: 0, message: '' })
  await stopped
  await until(() => busy.socket.closed, 'the busy connection is closed')
  expect(busy.received()).toMatch(/^HTTP\/1.1 200 OK[^]*connection: close/i)
})

test('on shutdown a request that never ends is cut at the abort', async () => {
  const { receiver, http, budget } = await runReceiver({ http: {} })
  const { socket } = openSocket(http)
  socket.write(head(1_000) + 'x')
  await until(() => budget.used > 0, 'a part has arrived')
  const abort = new AbortController()
  const stopped = receiver.shutdown(abort.signal)
  abort.abort()
  await stopped
  await until(() => socket.closed && budget.used === 0, 'the connection is closed and its bytes are given back')
})

test('the limit is lowered where the byte budget is small, with a warning', async () => {
  const { http, log } = await runReceiver({ http: {} }, 1_000)
  expect((await send(http, [Buffer.alloc(501)], { headers: { 'content-length': '501' } })).status).toBe(413)
  expect(log.filter(({ level }) => level === 'warn').slice(0, 1)).toEqual([
    {
      level: 'warn',
      message: 'the limit of a request is lowered to half of the byte budget',
      fields: { transport: 'http', limit_bytes: 500, configured_bytes: 64 * MIB },
    },
  ])
})

describe('JSON that is not OTLP logs', () => {
  const json = { 'content-type': 'application/json' }
  const warned = /^no log records were found: .*; this is \/v1\/logs of OTLP\/JSON and expects \{"resourceLogs":/

  test.each(['{"message":"hello"}', '{"resourceSpans":[{}]}', '{"resourceLogs":[{"logs":[{}]}]}'])(
    '%s is a success with a warning, is counted and logged',
    async (body) => {
      const { http, metric, log } = await runReceiver({ http: {} })
      const response = await fetch(`http://127.0.0.1:${http}/v1/logs`, { method: 'POST', headers: json, body })
      expect([response.status, await response.json()]).toEqual([
        200,
        { partialSuccess: { rejectedLogRecords: '0', errorMessage: expect.stringMatching(warned) as string } },
      ])
      expect(metric('otlp_cloudwatch_receiver_requests')).toEqual(['otlp http accepted 1'])
      expect(metric('otlp_cloudwatch_receiver_requests_not_understood')).toEqual(['otlp http 1'])
      expect(log.filter(({ level }) => level === 'warn')).toMatchObject([
        { message: 'a request holds JSON that is not OTLP logs; the response says so' },
      ])
    },
  )

  test('an empty request is a success without a message', async () => {
    const { http, metric } = await runReceiver({ http: {} })
    const response = await fetch(`http://127.0.0.1:${http}/v1/logs`, { method: 'POST', headers: json, body: '{}' })
    expect([response.status, await response.text()]).toEqual([200, '{}'])
    expect(metric('otlp_cloudwatch_receiver_requests_not_understood')).toEqual([])
  })

  test('the pipeline’s message about the other records stays', async () => {
    const { http, next } = await runReceiver({ http: {} })
    next.outcome = { kind: 'accepted', records: 1, rejected: 1, message: '1 too_old: a sample' }
    const body = '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"message":"hello"}]}]}]}'
    const response = await fetch(`http://127.0.0.1:${http}/v1/logs`, { method: 'POST', headers: json, body })
    expect(await response.json()).toMatchObject({
      partialSuccess: {
        rejectedLogRecords: '1',
        errorMessage: expect.stringMatching(
          /^1 too_old: a sample; 1 of 1 log records are empty: "message" at /,
        ) as string,
      },
    })
  })
})
