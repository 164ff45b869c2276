import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import { ComponentError } from '../../../../src/component/component.ts'
import { ConnectionRoom } from '../../../../src/listen/socket/connection-room.ts'
import { listenOptions, parseEndpoint, type Transport } from '../../../../src/listen/socket/endpoint.ts'
import { Listener } from '../../../../src/listen/socket/listener.ts'
import { silentLogger } from '../../../../src/telemetry/logger.ts'

afterEach(() => void vi.useRealTimers())

function listenerOn(
  endpoint: string,
  transport: Transport = 'tcp',
  server: Server = createServer(),
  room?: ConnectionRoom,
): Listener {
  const parsed = parseEndpoint(endpoint, transport)
  if ('problem' in parsed) throw new Error(parsed.problem)
  const listener = new Listener(server, {
    endpoint: parsed.endpoint,
    where: 'protocols.grpc.endpoint',
    maxConnections: 10,
    room,
    logger: silentLogger,
  })
  onTestFinished(() => listener.close(AbortSignal.abort()))
  return listener
}

function connected(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket))
    socket.on('error', reject)
    onTestFinished(() => void socket.destroy())
  })
}

test.each([
  ['localhost:0', 'tcp', /^127\.0\.0\.1:\d+$/],
  ['127.0.0.1:0', 'tcp', /^127\.0\.0\.1:\d+$/],
  ['[::1]:0', 'tcp', /^\[::1\]:\d+$/],
  ['0.0.0.0:0', 'tcp', /^0\.0\.0\.0:\d+$/],
  [':0', 'tcp', /^(\[::\]|0\.0\.0\.0):\d+$/],
  [':0', 'tcp4', /^0\.0\.0\.0:\d+$/],
  [':0', 'tcp6', /^\[::\]:\d+$/],
] as const)('%s by %s is bound', async (endpoint, transport, address) => {
  const listener = listenerOn(endpoint, transport)
  await listener.open()
  expect(listener.address).toMatch(address)
})

test('a path is bound by unix', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'listener-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const path = join(folder, 'otlp.sock')
  const listener = listenerOn(path, 'unix')
  await listener.open()
  expect(listener.address).toBe(path)
  await new Promise<void>((resolve) => {
    const socket = connect(path, resolve)
    onTestFinished(() => void socket.destroy())
  })
})

test('a port in use is reported with the key and the fix', async () => {
  const first = listenerOn('127.0.0.1:0')
  await first.open()
  const second = listenerOn(`127.0.0.1:${first.port}`)
  const failure = await second.open().catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(ComponentError)
  expect((failure as Error).message).toBe(
    `protocols.grpc.endpoint: 127.0.0.1:${first.port} is in use: stop the process that listens there, or write another port`,
  )
  expect((failure as Error).cause).toMatchObject({ code: 'EADDRINUSE' })
})

test.each([
  [
    '192.0.2.1:4317',
    'protocols.grpc.endpoint: 192.0.2.1:4317 is not an address of this machine: write one of its own, localhost or 0.0.0.0',
  ],
  [
    'no-such-host.invalid:4317',
    /^protocols.grpc.endpoint: no-such-host.invalid:4317 (has a host that cannot be resolved|cannot be bound)/,
  ],
])('%s cannot be bound, and that is reported', async (endpoint, message) => {
  await expect(listenerOn(endpoint).open()).rejects.toThrow(message)
})

test('closing is safe unopened, after a failure, and twice', async () => {
  const signal = new AbortController().signal
  const unopened = listenerOn('127.0.0.1:0')
  await unopened.close(signal)
  const failed = listenerOn('192.0.2.1:4317')
  await failed.open().catch(() => {})
  await failed.close(signal)
  const open = listenerOn('127.0.0.1:0')
  await open.open()
  await open.close(signal)
  await open.close(signal)
})

test('open connections are waited for until the abort, and then closed', async () => {
  const server = createServer()
  const spoke = new Promise((resolve) => server.on('connection', (socket) => socket.once('data', resolve)))
  const listener = listenerOn('127.0.0.1:0', 'tcp', server)
  await listener.open()
  const socket = await connected(listener.port)
  socket.write('x')
  await spoke
  const abort = new AbortController()
  let closed = false
  const closing = listener.close(abort.signal).then(() => (closed = true))
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(closed).toBe(false)
  abort.abort()
  await closing
  expect(listener.connections).toBe(0)
})

test('connections beyond the room that listeners share are closed as they come, until there is some again', async () => {
  const room = new ConnectionRoom({ descriptors: 4, heapBytes: Number.POSITIVE_INFINITY })
  const one = listenerOn('127.0.0.1:0', 'tcp', createServer(), room)
  const other = listenerOn('127.0.0.1:0', 'tcp', createHttpServer(), room)
  await one.open()
  await other.open()
  const first = await connected(one.port)
  const second = await connected(other.port)
  await vi.waitUntil(() => one.connections + other.connections === 2, { timeout: 20_000 })
  one.served({ remoteAddress: '127.0.0.1', remotePort: first.localPort })
  other.served({ remoteAddress: '127.0.0.1', remotePort: second.localPort })
  for (const { port } of [one, other]) {
    const late = (await connected(port)).resume()
    await new Promise((resolve) => late.once('close', resolve))
  }
  expect([one.connections, other.connections]).toEqual([1, 1])
  first.destroy()
  await vi.waitUntil(() => one.connections === 0, { timeout: 20_000 })
  await connected(other.port)
  await vi.waitUntil(() => other.connections === 2, { timeout: 20_000 })
})

test.each([
  [16, 8],
  [512, 256],
  [1_024, 768],
  [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
])('of %d file descriptors connections may use %d', (descriptors, most) => {
  expect(new ConnectionRoom({ descriptors, heapBytes: Number.POSITIVE_INFINITY }).maxConnections).toBe(most)
})

test.each([
  ['HTTP/1.1', () => createHttpServer({ headersTimeout: 0, requestTimeout: 0 }), 'POST / HTTP/1.1\r\n'],
  ['HTTP/2', () => createHttp2Server(), 'PRI * HTTP/2.0\r\n'],
] as const)('a silent connection is closed after a while, and not one that sends %s', async (_, create, words) => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
  const server = create()
  const sockets: Socket[] = []
  server.on('connection', (socket: Socket) => sockets.push(socket))
  const listener = listenerOn('127.0.0.1:0', 'tcp', server)
  await listener.open()
  const silent = await connected(listener.port)
  const speaking = await connected(listener.port)
  speaking.write(words)
  while (!sockets.some((socket) => socket.bytesRead > 0)) await new Promise<void>((resolve) => setImmediate(resolve))
  expect(sockets).toHaveLength(2)
  const closed = new Promise((resolve) => silent.once('close', resolve))
  silent.resume()
  vi.advanceTimersByTime(9_000)
  expect(sockets.some((socket) => socket.destroyed)).toBe(false)
  vi.advanceTimersByTime(4_000)
  await closed
  expect(sockets.filter((socket) => socket.destroyed)).toHaveLength(1)
})

test('a name is resolved to an IPv4 address where it has one', async () => {
  const parsed = parseEndpoint('localhost:4317', 'tcp')
  expect('endpoint' in parsed && (await listenOptions(parsed.endpoint))).toEqual({ host: '127.0.0.1', port: 4317 })
})
