// Encodings of messages and bodies, by both protocols.
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { status } from '@grpc/grpc-js'
import { describe, expect, test } from 'vitest'
import { GO_BLOCK, GO_FRAMED, SNAPPY_TEXT } from '../../../testdata/snappy.ts'
import { snappyBlock, snappyFrames } from '../../../fakes/snappy.ts'
import { connectTo, ended, framed, openCall } from './grpc/raw-grpc.ts'
import { logsOf, runReceiver, until } from './running-receiver.ts'

const MIB = 1024 * 1024
const compressors: Readonly<Record<string, (bytes: Uint8Array) => Buffer>> = {
  gzip: gzipSync,
  deflate: deflateSync,
  zstd: zstdCompressSync,
  snappy: snappyFrames,
}
const names = Object.keys(compressors)

async function call(grpc: number, encoding: string, message: Uint8Array, compressed = 1) {
  const stream = openCall(connectTo(grpc), { 'grpc-encoding': encoding })
  stream.end(framed(message, compressed))
  return ended(stream)
}

describe.each(names)('gRPC with %s', (name) => {
  const compress = compressors[name] ?? gzipSync

  test.each([
    ['small', 'a'],
    ['of a few megabytes', 'text '.repeat(MIB)],
  ])('a message that is %s is accepted', async (_, text) => {
    const { grpc, next, budget } = await runReceiver({ grpc: {} })
    expect((await call(grpc, name, compress(logsOf(text)))).code).toBe(status.OK)
    expect(next.bodies[0] === text).toBe(true)
    await until(() => budget.used === 0, 'everything is returned')
  })

  test('its name is accepted in capitals too', async () => {
    const { grpc, next } = await runReceiver({ grpc: {} })
    expect((await call(grpc, name.toUpperCase(), compress(logsOf('a')))).code).toBe(status.OK)
    expect(next.bodies).toEqual(['a'])
  })

  test.each([
    ['ends early', (bytes: Buffer) => bytes.subarray(0, -3)],
    ['has trailing data', (bytes: Buffer) => Buffer.concat([bytes, Buffer.from('trail')])],
    ['is not compressed', () => logsOf('a')],
  ])('a message that %s is malformed', async (_, damage) => {
    const { grpc, next, budget, metric } = await runReceiver({ grpc: {} })
    expect((await call(grpc, name, damage(compress(logsOf('a', 'b'))))).code).toBe(status.INVALID_ARGUMENT)
    expect(next.requests).toEqual([])
    expect(budget.used).toBe(0)
    expect(metric('otlp_cloudwatch_receiver_requests')).toContain('otlp grpc malformed 1')
  })

  test.each([
    ['an empty message', 0, Buffer.alloc(0)],
    ['no bytes, marked as compressed', 1, Buffer.alloc(0)],
    ['an empty message, compressed', 1, compress(Buffer.alloc(0))],
  ])('%s is a success without a record', async (_, flag, message) => {
    const { grpc } = await runReceiver({ grpc: {} })
    expect((await call(grpc, name, message, flag)).code).toBe(status.OK)
  })

  test('a bomb is stopped at the limit', async () => {
    const { grpc, next, budget } = await runReceiver({ grpc: { max_recv_msg_size_mib: 4 } })
    expect((await call(grpc, name, compress(Buffer.alloc(40 * MIB)))).code).toBe(status.RESOURCE_EXHAUSTED)
    expect(next.requests).toEqual([])
    await until(() => budget.used === 0, 'everything is returned')
  })
})

test('Go’s snappy frames are read by gRPC', async () => {
  const { grpc, next } = await runReceiver({ grpc: {} })
  // Not a request of OTLP: what arrived is what matters.
  expect((await call(grpc, 'snappy', GO_FRAMED)).code).toBe(status.INVALID_ARGUMENT)
  expect(next.requests.map(({ bytes }) => Buffer.from(bytes).toString())).toEqual([SNAPPY_TEXT])
})

test('answers list the accepted encodings', async () => {
  const { grpc } = await runReceiver({ grpc: {} })
  const stream = openCall(connectTo(grpc))
  stream.end(framed(logsOf('a')))
  const headers = await new Promise((resolve) => stream.once('response', resolve))
  expect(headers).toMatchObject({ 'grpc-accept-encoding': 'identity,gzip,deflate,zstd,snappy' })
})

test.each([
  ['compressed without an encoding', {}, 1],
  ['with a flag that does not exist', { 'grpc-encoding': 'gzip' }, 2],
])('a message %s is malformed, and the answer lists what to send', async (_, headers, flag) => {
  const { grpc } = await runReceiver({ grpc: {} })
  const stream = openCall(connectTo(grpc), headers)
  stream.end(framed(gzipSync(logsOf('a')), flag))
  expect(await ended(stream)).toMatchObject({
    code: status.INVALID_ARGUMENT,
    message: 'the message is marked as compressed, but grpc-encoding names no encoding: send grpc-encoding with it',
  })
})

async function post(port: number, encoding: string, body: Uint8Array) {
  const headers = { 'content-type': 'application/x-protobuf', 'content-encoding': encoding }
  const response = await fetch(`http://127.0.0.1:${port}/v1/logs`, { method: 'POST', headers, body: Buffer.from(body) })
  return { status: response.status, text: await response.text(), accept: response.headers.get('accept-encoding') }
}

describe('HTTP', () => {
  test.each([
    ['gzip', gzipSync],
    ['GZIP', gzipSync],
    [' gzip ', gzipSync],
    ['gzip, identity', gzipSync],
    ['identity,zstd', zstdCompressSync],
    ['deflate', deflateSync],
    ['zlib', deflateSync],
    ['snappy', snappyBlock],
    ['snappy', snappyFrames],
    ['x-snappy-framed', snappyFrames],
    ['identity', (bytes: Uint8Array) => bytes],
    ['Identity', (bytes: Uint8Array) => bytes],
    ['identity, identity', (bytes: Uint8Array) => bytes],
  ])('content-encoding %j is accepted', async (encoding, compress) => {
    const { http, next } = await runReceiver({ http: {} })
    expect((await post(http, encoding, compress(logsOf('a')))).status).toBe(200)
    expect(next.bodies).toEqual(['a'])
  })

  test('a block of Go’s snappy', async () => {
    const { http, next } = await runReceiver({ http: {} })
    await post(http, 'snappy', GO_BLOCK)
    expect(next.requests.map(({ bytes }) => Buffer.from(bytes).toString())).toEqual([SNAPPY_TEXT])
  })

  test.each([
    ['lz4', Buffer.from('a'), '"lz4"'],
    ['br', brotliCompressSync(logsOf('a')), '"br"'],
    ['gzip, gzip', gzipSync(gzipSync(logsOf('a'))), '"gzip, gzip"'],
    ['x'.repeat(1_000), Buffer.from('a'), `"${'x'.repeat(100)}…"`],
  ])('content-encoding %.20s is refused, and the answer lists what to send', async (encoding, body, name) => {
    const { http, next, metric, log } = await runReceiver({ http: {} })
    const supported = 'identity, gzip, zstd, deflate, zlib, snappy, x-snappy-framed'
    const { status: code, text, accept } = await post(http, encoding, body)
    expect(code).toBe(415)
    expect(text).toContain(`the encoding ${name} is not supported: send ${supported}`)
    expect(accept).toBe(supported)
    expect(next.requests).toEqual([])
    expect(metric('otlp_cloudwatch_receiver_requests')).toContain('otlp http unsupported_encoding 1')
    expect(log.at(-1)?.message).toContain(`the encoding ${name} is not supported: send ${supported}`)
  })
})
