import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2'
import { connect as connectTcp } from 'node:net'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { status } from '@grpc/grpc-js'
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import { connectTo, ended, framed, openCall } from './raw-grpc.ts'
import { logsOf, runReceiver, until } from '../running-receiver.ts'

const MIB = 1024 * 1024

afterEach(() => void vi.useRealTimers())

test('an unsupported encoding is refused, and the supported ones are named', async () => {
  const { grpc, next } = await runReceiver({ grpc: {} })
  const call = openCall(connectTo(grpc), { 'grpc-encoding': 'br' })
  call.end(framed(brotliCompressSync(logsOf('a')), 1))
  const [headers] = (await once(call, 'response')) as [IncomingHttpHeaders]
  expect(headers).toMatchObject({
    'grpc-status': String(status.UNIMPLEMENTED),
    'grpc-accept-encoding': 'identity,gzip,deflate,zstd,snappy',
  })
  expect(decodeURI(String(headers['grpc-message']))).toBe(
    'the encoding "br" is not supported: send identity, gzip, deflate, zstd, snappy',
  )
  expect(next.requests).toEqual([])
})

test('an uncompressed message is accepted whatever encoding was announced', async () => {
  const { grpc, next } = await runReceiver({ grpc: {} })
  const call = openCall(connectTo(grpc), { 'grpc-encoding': 'br' })
  call.end(framed(logsOf('a')))
  expect((await ended(call)).code).toBe(status.OK)
  expect(next.bodies).toEqual(['a'])
})

test.each([
  ['that ends too early', gzipSync(logsOf('a')).subarray(0, -3)],
  ['with bytes behind its end', Buffer.concat([gzipSync(logsOf('a')), Buffer.from('trail')])],
])('gzip %s is malformed', async (_, message) => {
  const { grpc, next, budget } = await runReceiver({ grpc: {} })
  const call = openCall(connectTo(grpc), { 'grpc-encoding': 'gzip' })
  call.end(framed(message, 1))
  expect((await ended(call)).code).toBe(status.INVALID_ARGUMENT)
  expect(next.requests).toEqual([])
  expect(budget.used).toBe(0)
})

test('a message is counted against the budget as it arrives, and given back when the client goes away', async () => {
  const { grpc, budget } = await runReceiver({ grpc: {} })
  const session = connectTo(grpc)
  const call = openCall(session)
  call.write(framed(randomBytes(500_000), 0, 1_000_000))
  await until(() => budget.used >= 500_005, 'half of the message is held')
  session.destroy()
  await until(() => budget.used === 0, 'it was given back')
})

test('a message that would fill the buffers is refused as soon as it does', async () => {
  const { grpc, budget, next } = await runReceiver({ grpc: {} }, 2 * MIB)
  budget.reserve(1.5 * MIB)
  const call = openCall(connectTo(grpc))
  const end = ended(call)
  call.write(framed(randomBytes(600_000), 0, 1_000_000))
  const { code, details } = await end
  expect(code).toBe(status.UNAVAILABLE)
  expect(String(details)).toContain('google.rpc.RetryInfo')
  await until(() => budget.used === 1.5 * MIB, 'what had come was given back')
  expect(next.requests).toEqual([])
})

test('a decompressed message counts against the budget too', async () => {
  const { grpc, budget } = await runReceiver({ grpc: {} }, 2 * MIB)
  budget.reserve(1.5 * MIB)
  const call = openCall(connectTo(grpc), { 'grpc-encoding': 'gzip' })
  call.end(framed(gzipSync(logsOf('x'.repeat(900_000))), 1))
  expect((await ended(call)).code).toBe(status.UNAVAILABLE)
  expect(budget.used).toBe(1.5 * MIB)
})

test('while the buffers are full a call is refused before its message is read', async () => {
  const { grpc, budget, metric } = await runReceiver({ grpc: {} }, 2 * MIB)
  const session = connectTo(grpc)
  const before = openCall(session)
  before.end(framed(logsOf('x'.repeat(900_000))))
  expect((await ended(before)).code).toBe(status.OK)
  budget.reserve(2 * MIB - 10_000)
  // Not a byte of it is sent: only its headers and what was usual before can be the reason.
  const call = openCall(session)
  expect((await ended(call)).code).toBe(status.UNAVAILABLE)
  expect(metric('otlp_cloudwatch_receiver_requests')).toContain('otlp grpc budget_full 1')
})

test('a refused client reads the status though it has not sent everything', async () => {
  const { grpc, budget } = await runReceiver({ grpc: {} }, 2 * MIB)
  budget.reserve(2 * MIB - 10)
  const session = connectTo(grpc)
  const call = openCall(session)
  call.end(framed(randomBytes(900_000)))
  expect((await ended(call)).code).toBe(status.UNAVAILABLE)
  budget.release(2 * MIB - 10)
  const second = openCall(session)
  second.end(framed(logsOf('a')))
  expect((await ended(second)).code).toBe(status.OK)
})

test('headers of a call are handed on where they are asked for', async () => {
  const { grpc, next } = await runReceiver({ grpc: { include_metadata: true } })
  const call = openCall(connectTo(grpc), { 'x-tenant': 'blue', 'x-key-bin': Buffer.from('key').toString('base64') })
  call.end(framed(logsOf('a')))
  await ended(call)
  const metadata = next.requests[0]?.metadata
  expect(metadata?.get('x-tenant')).toEqual(['blue'])
  expect(metadata?.get('x-key-bin')).toEqual([Buffer.from('key').toString('base64')])
})

test('headers stay out of it otherwise', async () => {
  const { grpc, next } = await runReceiver({ grpc: {} })
  const call = openCall(connectTo(grpc), { 'x-tenant': 'blue' })
  call.end(framed(logsOf('a')))
  await ended(call)
  expect(next.requests).toMatchObject([{ metadata: undefined }])
})

test('other signals are logged at once, and counted each time', async () => {
  const { grpc, log, metric } = await runReceiver({ grpc: {} })
  const session = connectTo(grpc)
  for (let i = 0; i < 3; i++) {
    const call = openCall(session, { ':path': '/opentelemetry.proto.collector.trace.v1.TraceService/Export' })
    call.end(framed(logsOf('a')))
    expect((await ended(call)).code).toBe(status.UNIMPLEMENTED)
  }
  expect(log.filter(({ level }) => level === 'warn').map(({ message }) => message)).toEqual([
    'refused the sender at 127.0.0.1: this server takes logs, not traces: set OTEL_EXPORTER_OTLP_LOGS_ENDPOINT instead of OTEL_EXPORTER_OTLP_ENDPOINT',
  ])
  expect(metric('otlp_cloudwatch_receiver_requests')).toContain('otlp grpc not_logs 3')
})

test('records are counted by outcome', async () => {
  const { grpc, next, metric } = await runReceiver({ grpc: {} })
  const session = connectTo(grpc)
  const send = async (outcome: typeof next.outcome) => {
    next.outcome = outcome
    const call = openCall(session)
    call.end(framed(logsOf('a', 'b', 'c')))
    await ended(call)
  }
  await send(undefined)
  await send({ kind: 'accepted', records: 3, rejected: 1, message: 'm' })
  await send({ kind: 'retry', cause: 'lane_full', afterMs: 1, message: 'm', records: 3 })
  await send({ kind: 'retry', cause: 'storage_failed', afterMs: 1, message: 'm', records: 3 })
  // Refused before its records were counted.
  await send({ kind: 'retry', cause: 'budget_full', afterMs: 1, message: 'm' })
  await send({ kind: 'refused', cause: 'malformed', message: 'm' })
  expect(metric('otelcol_receiver_accepted_log_records')).toEqual(['otlp grpc 5'])
  expect(metric('otelcol_receiver_refused_log_records')).toEqual(['otlp grpc 4'])
  expect(metric('otelcol_receiver_failed_log_records')).toEqual(['otlp grpc 3'])
  expect(metric('otlp_cloudwatch_receiver_requests')).toEqual([
    'otlp grpc accepted 2',
    'otlp grpc budget_full 1',
    'otlp grpc storage_failed 1',
    'otlp grpc lane_full 1',
    'otlp grpc malformed 1',
  ])
  expect(metric('otlp_cloudwatch_receiver_connections')).toEqual(['otlp grpc 1'])
})

test('an answer that comes after the client has gone does no harm', async () => {
  const { grpc, next } = await runReceiver({ grpc: {} })
  next.hold = true
  const session = connectTo(grpc)
  openCall(session).end(framed(logsOf('a')))
  await until(() => next.held.length === 1, 'the request has arrived')
  session.destroy()
  await until(() => session.destroyed, 'the client is gone')
  next.held[0]?.({ kind: 'accepted', records: 1, rejected: 0, message: '' })
  next.hold = false
  const call = openCall(connectTo(grpc))
  call.end(framed(logsOf('b')))
  expect((await ended(call)).code).toBe(status.OK)
})

test('a pipeline message that is not well-formed Unicode is answered anyway', async () => {
  const { grpc, next } = await runReceiver({ grpc: {} })
  next.outcome = { kind: 'refused', cause: 'malformed', message: 'bad \ud800' }
  const call = openCall(connectTo(grpc))
  call.end(framed(logsOf('a')))
  expect(await ended(call)).toMatchObject({ code: status.INVALID_ARGUMENT, message: 'bad \ufffd' })
})

test('a message is read whole however it is cut into pieces', async () => {
  const { grpc, next, budget } = await runReceiver({ grpc: {} })
  const message = framed(logsOf('a'))
  const call = openCall(connectTo(grpc))
  const end = ended(call)
  for (const byte of message.subarray(0, -1)) await new Promise((resolve) => call.write(Buffer.of(byte), resolve))
  call.end(message.subarray(-1))
  expect((await end).code).toBe(status.OK)
  expect(next.bodies).toEqual(['a'])
  expect(budget.used).toBe(0)
})

test('messages that arrive at the same time do not mix', async () => {
  const { grpc, next } = await runReceiver({ grpc: {} })
  const texts = Array.from({ length: 12 }, (_, i) => `${i} `.repeat(20_000 * (i + 1)))
  const session = connectTo(grpc)
  for (let round = 0; round < 3; round++) {
    await Promise.all(
      texts.map((text) => {
        const call = openCall(session)
        call.end(framed(logsOf(text)))
        return ended(call)
      }),
    )
    expect(new Set(next.bodies)).toEqual(new Set(texts))
    next.requests.length = 0
  }
})

test('a second message in a call is refused, and its bytes are given back', async () => {
  const { grpc, next, budget } = await runReceiver({ grpc: {} })
  const call = openCall(connectTo(grpc))
  call.end(Buffer.concat([framed(logsOf('a')), framed(logsOf('b'))]))
  expect((await ended(call)).code).toBe(status.UNIMPLEMENTED)
  expect(next.requests).toEqual([])
  await until(() => budget.used === 0, 'the bytes were given back')
})

test.each([
  ['announces more than the limit', framed(randomBytes(10), 0, 1_048_577)],
  ['has sent more than the limit', Buffer.concat([framed(randomBytes(1_048_570)), randomBytes(10)])],
])('a call that %s is cut off', async (_, bytes) => {
  const { grpc } = await runReceiver({ grpc: { max_recv_msg_size_mib: 1 } })
  const call = openCall(connectTo(grpc))
  const end = ended(call)
  call.write(bytes)
  expect([status.RESOURCE_EXHAUSTED, status.UNIMPLEMENTED]).toContain((await end).code)
})

test('a client that goes away while its message is decompressed leaves nothing behind', async () => {
  const { grpc, budget } = await runReceiver({ grpc: {} })
  const session = connectTo(grpc)
  openCall(session, { 'grpc-encoding': 'gzip' }).end(framed(gzipSync(Buffer.alloc(60 * MIB)), 1))
  await until(() => budget.used > 2 * MIB, 'some of it is decompressed')
  session.destroy()
  await until(() => budget.used === 0, 'everything was given back')
})

test('calls beyond max_concurrent_streams wait for their turn', async () => {
  const { grpc, next } = await runReceiver({ grpc: { max_concurrent_streams: 2 } })
  next.hold = true
  const session = connectTo(grpc)
  await new Promise((resolve) => session.once('remoteSettings', resolve))
  const calls = [1, 2, 3].map(() => {
    const call = openCall(session)
    call.end(framed(logsOf('a')))
    return ended(call)
  })
  await until(() => next.held.length === 2, 'two calls have arrived')
  next.held[0]?.({ kind: 'accepted', records: 1, rejected: 0, message: '' })
  await until(() => next.held.length === 3, 'the third follows the first')
  for (const answer of next.held.slice(1)) answer({ kind: 'accepted', records: 1, rejected: 0, message: '' })
  expect((await Promise.all(calls)).map(({ code }) => code)).toEqual([0, 0, 0])
})

function goaway(session: ClientHttp2Session): Promise<number> {
  return new Promise((resolve) => session.once('goaway', resolve))
}

test('a connection at max_connection_age gets GOAWAY, and calls in flight finish', async () => {
  const keepalive = { server_parameters: { max_connection_age: '50ms' } }
  const { grpc, next } = await runReceiver({ grpc: { keepalive } })
  next.hold = true
  const session = connectTo(grpc)
  const call = openCall(session)
  const end = ended(call)
  call.end(framed(logsOf('a')))
  expect(await goaway(session)).toBe(0)
  await until(() => next.held.length === 1, 'the call has arrived')
  next.held[0]?.({ kind: 'accepted', records: 1, rejected: 0, message: '' })
  expect((await end).code).toBe(status.OK)
})

test('calls still in flight after max_connection_age_grace are cut', async () => {
  const keepalive = { server_parameters: { max_connection_age: '20ms', max_connection_age_grace: '20ms' } }
  const { grpc, budget } = await runReceiver({ grpc: { keepalive } })
  const session = connectTo(grpc)
  openCall(session).write(framed(randomBytes(10), 0, 1_000))
  await new Promise((resolve) => session.once('close', resolve))
  await until(() => budget.used === 0, 'its bytes are given back')
})

test.each(['0s', '10000h'])('max_connection_age %s is no limit', async (max_connection_age) => {
  const { grpc } = await runReceiver({ grpc: { keepalive: { server_parameters: { max_connection_age } } } })
  const session = connectTo(grpc)
  let goawaySeen = false
  session.once('goaway', () => (goawaySeen = true))
  for (let i = 0; i < 20; i++) {
    const call = openCall(session)
    call.end(framed(logsOf('a')))
    expect((await ended(call)).code).toBe(status.OK)
  }
  expect(goawaySeen).toBe(false)
})

test('an idle connection is closed after max_connection_idle', async () => {
  const keepalive = { server_parameters: { max_connection_idle: '20ms' } }
  const { grpc } = await runReceiver({ grpc: { keepalive } })
  const session = connectTo(grpc)
  await new Promise((resolve) => session.once('close', resolve))
})

test('a client that does not answer pings is closed', async () => {
  const keepalive = { server_parameters: { time: '20ms', timeout: '20ms' } }
  const { grpc } = await runReceiver({ grpc: { keepalive } })
  const socket = connectTcp(grpc, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  // The preface and empty settings of HTTP/2, and then nothing.
  socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0')
  socket.resume()
  await new Promise((resolve) => socket.once('close', resolve))
})

test('connections over max_connections are closed on arrival', async () => {
  const { grpc, log } = await runReceiver({ grpc: { max_connections: 1 } })
  const first = connectTo(grpc)
  const before = openCall(first)
  before.end(framed(logsOf('a')))
  expect((await ended(before)).code).toBe(status.OK)
  const second = connect(`http://127.0.0.1:${grpc}`)
  await new Promise((resolve) => {
    second.on('error', () => {})
    second.once('close', resolve)
  })
  const call = openCall(first)
  call.end(framed(logsOf('a')))
  expect((await ended(call)).code).toBe(status.OK)
  expect(log.some(({ message }) => message.includes('too many connections are open'))).toBe(true)
})

test('on shutdown clients get GOAWAY, calls in flight are answered, and nothing is left open', async () => {
  const { receiver, grpc, next } = await runReceiver({ grpc: {} })
  next.hold = true
  const session = connectTo(grpc)
  const call = openCall(session)
  const end = ended(call)
  call.end(framed(logsOf('a')))
  await until(() => next.held.length === 1, 'the call has arrived')
  const goawaySeen = goaway(session)
  const stopped = receiver.shutdown(new AbortController().signal)
  expect(await goawaySeen).toBe(0)
  next.held[0]?.({ kind: 'accepted', records: 1, rejected: 0, message: '' })
  expect((await end).code).toBe(status.OK)
  await stopped
  await expect(new Promise((_, reject) => connectTcp(grpc, '127.0.0.1').once('error', reject))).rejects.toMatchObject({
    code: 'ECONNREFUSED',
  })
})

test('on shutdown a call that never ends is cut at the abort', async () => {
  const { receiver, grpc, budget } = await runReceiver({ grpc: {} })
  const session = connectTo(grpc)
  openCall(session).write(framed(Buffer.alloc(10), 0, 1_000))
  await until(() => budget.used > 0, 'a part has arrived')
  const abort = new AbortController()
  const stopped = receiver.shutdown(abort.signal)
  abort.abort()
  await stopped
  await until(() => budget.used === 0 && session.destroyed, 'the connection is closed and its bytes are given back')
})

test('a message that takes too long to arrive is ended, and one that waits for its answer is not', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
  const { grpc, budget, next } = await runReceiver({ grpc: {} })
  next.hold = true
  const session = connectTo(grpc)
  const waiting = openCall(session)
  const waited = ended(waiting)
  waiting.end(framed(logsOf('a')))
  while (next.held.length === 0) await new Promise<void>((resolve) => setImmediate(resolve))
  const stalled = openCall(session)
  const end = ended(stalled)
  stalled.write(framed(randomBytes(10), 0, 1_000))
  while (budget.used === 0) await new Promise<void>((resolve) => setImmediate(resolve))
  vi.advanceTimersByTime(62_000)
  expect((await end).code).toBe(status.DEADLINE_EXCEEDED)
  await until(() => budget.used === 0, 'its bytes are given back')
  next.held[0]?.({ kind: 'accepted', records: 1, rejected: 0, message: '' })
  expect((await waited).code).toBe(status.OK)
})
