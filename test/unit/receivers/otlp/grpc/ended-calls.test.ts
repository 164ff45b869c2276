// Calls and requests that end while the receiver holds them: their senders send again, so nothing of them is passed on.
import { randomBytes } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { gzipSync } from 'node:zlib'
import { status } from '@grpc/grpc-js'
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import { connectTo, ended, framed, openCall } from './raw-grpc.ts'
import { logsOf, runReceiver, until, type Running } from '../running-receiver.ts'

const MIB = 1024 * 1024
afterEach(() => void vi.useRealTimers())

/** Random, so that it is long when compressed, and decompressed on the thread pool. */
const large = () => logsOf(randomBytes(400_000).toString('hex'))

/** Of what was handed on. (The requests themselves are too long to be printed.) */
function lengthsOf(next: Running['next']): number[] {
  return next.requests.map(({ bytes }) => bytes.length)
}

/** Keeps the decompressor busy with bodies of 50 MiB. */
function keepBusy(grpc: number, times: number): Promise<unknown> {
  const bomb = framed(gzipSync(Buffer.alloc(50 * MIB)), 1)
  const session = connectTo(grpc)
  return Promise.all(
    Array.from({ length: times }, () => {
      const call = openCall(session, { 'grpc-encoding': 'gzip' })
      call.end(bomb)
      return ended(call)
    }),
  )
}

/** A request goes through, and everything that was held is returned. */
async function isSound({ grpc, next, budget }: Running): Promise<void> {
  next.requests.length = 0
  const call = openCall(connectTo(grpc), { 'grpc-encoding': 'gzip' })
  const message = large()
  call.end(framed(gzipSync(message), 1))
  expect((await ended(call)).code).toBe(status.OK)
  expect(next.requests).toHaveLength(1)
  expect(message.equals(next.requests[0]?.bytes ?? new Uint8Array(0))).toBe(true)
  await until(() => budget.used === 0, 'everything is returned')
}

test('a gRPC deadline that passes while its message waits for decompression, or is decompressed', async () => {
  const running = await runReceiver({ grpc: {} }, 1_024 * MIB)
  const { grpc, next, budget } = running
  const busy = keepBusy(grpc, 8)
  await until(() => budget.used > MIB, 'the decompressor is busy')
  const session = connectTo(grpc)
  const late = Array.from({ length: 5 }, () => {
    const call = openCall(session, { 'grpc-encoding': 'gzip', 'grpc-timeout': '20m' })
    call.end(framed(gzipSync(large()), 1))
    return ended(call)
  })
  for (const { code } of await Promise.all(late)) expect(code).toBe(status.DEADLINE_EXCEEDED)
  await busy
  await until(() => budget.used === 0, 'everything is returned')
  // The others are no requests either: 50 MiB of zeros.
  expect(lengthsOf(next).filter((length) => length !== 50 * MIB)).toEqual([])
  await isSound(running)
})

test('the time for a message to arrive ends while it is decompressed', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
  const running = await runReceiver({ grpc: {} }, 1_024 * MIB)
  const { grpc, next, budget } = running
  const calls = keepBusy(grpc, 4) as Promise<{ code: number }[]>
  while (budget.used < MIB) await new Promise<void>((resolve) => setImmediate(resolve))
  vi.advanceTimersByTime(62_000)
  vi.useRealTimers()
  for (const { code } of await calls) expect(code).toBe(status.DEADLINE_EXCEEDED)
  await until(() => budget.used === 0, 'everything is returned')
  expect(lengthsOf(next)).toEqual([])
  await isSound(running)
})

test.each(['cancelled', 'reset with its connection', 'cut by the end of the receiver'])(
  'a gRPC call that is %s while its message is decompressed',
  async (how) => {
    const running = await runReceiver({ grpc: {} }, 1_024 * MIB)
    const { grpc, next, budget, receiver } = running
    const session = connectTo(grpc)
    const calls = Array.from({ length: 4 }, () => {
      const call = openCall(session, { 'grpc-encoding': 'gzip' })
      call.end(framed(gzipSync(Buffer.alloc(50 * MIB)), 1))
      return call
    })
    await until(() => budget.used > MIB, 'they are decompressed')
    if (how === 'cancelled') for (const call of calls) call.close(8)
    else if (how === 'reset with its connection') session.destroy()
    else await receiver.shutdown(AbortSignal.abort())
    await until(() => budget.used === 0, 'everything is returned')
    expect(lengthsOf(next)).toEqual([])
    if (how !== 'cut by the end of the receiver') await isSound(running)
  },
)

test('a complete message in a call that ends before the client half-closes', async () => {
  const running = await runReceiver({ grpc: {} })
  const { grpc, next, budget } = running
  const call = openCall(connectTo(grpc), { 'grpc-timeout': '50m' })
  call.write(framed(logsOf('a')))
  await until(() => budget.used > 0, 'the message has arrived')
  expect((await ended(call)).code).toBe(status.DEADLINE_EXCEEDED)
  call.end()
  await until(() => budget.used === 0, 'it is returned')
  await isSound(running)
  expect(next.bodies).not.toContain('a')
})

test('an HTTP client that hangs up while its body waits for decompression, or is decompressed', async () => {
  const running = await runReceiver({ grpc: {}, http: {} }, 1_024 * MIB)
  const { grpc, http, next, budget } = running
  const busy = keepBusy(grpc, 8)
  await until(() => budget.used > MIB, 'the decompressor is busy')
  const before = budget.used
  const body = gzipSync(logsOf('z'.repeat(30 * MIB)))
  const headers = { 'content-type': 'application/x-protobuf', 'content-encoding': 'gzip' }
  const calls = Array.from({ length: 5 }, () => {
    const call = httpRequest({ host: '127.0.0.1', port: http, path: '/v1/logs', method: 'POST', headers, agent: false })
    onTestFinished(() => void call.destroy())
    call.on('error', () => {})
    call.end(body)
    return call
  })
  await until(() => budget.used > before + 5 * body.length, 'their bodies have arrived')
  for (const call of calls) call.destroy()
  await busy
  await until(() => budget.used === 0, 'everything is returned')
  expect(lengthsOf(next).filter((length) => length !== 50 * MIB)).toEqual([])
  await isSound(running)
})

test('a call that ends before its message is complete is malformed', async () => {
  const { grpc, next, budget, metric } = await runReceiver({ grpc: {} })
  for (const bytes of [Buffer.alloc(0), Buffer.alloc(3), framed(logsOf('a'), 0, 1_000)]) {
    const call = openCall(connectTo(grpc))
    call.end(bytes)
    expect(await ended(call)).toMatchObject({
      code: status.INVALID_ARGUMENT,
      message: 'the call ended before its message was complete: send one whole message in a call',
    })
  }
  expect(lengthsOf(next)).toEqual([])
  expect(metric('otlp_cloudwatch_receiver_requests')).toContain('otlp grpc malformed 3')
  await until(() => budget.used === 0, 'everything is returned')
})
