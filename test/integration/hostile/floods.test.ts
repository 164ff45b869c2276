// Floods of bytes before a request is accepted, against a daemon with the heap of the chart's pod: it stays alive, probes are
// answered, memory is bounded, and the records of a well-behaved sender are accepted.
import { once } from 'node:events'
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { type CloudWatchLocal, startCloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { describeError } from '../../../src/telemetry/describe-error.ts'
import { recordsRequest } from '../../fakes/logs-request.ts'
import { EXPORT } from '../../unit/receivers/otlp/grpc/raw-grpc.ts'
import { cloudwatchConfig } from '../daemon/daemon-config.ts'
import { grpcSender, httpSender, type Send } from '../daemon/daemon-senders.ts'
import { type Daemon, NEW_CONNECTION, startDaemon } from '../daemon/daemon.ts'
import * as h2 from './http2-frames.ts'

const MEBIBYTE = 1024 * 1024
const PATIENT = { timeout: 30_000, interval: 50 }
/** MiB, as the image has it in a pod of 512 MiB. */
const OLD_SPACE = 128
/** The pod. At rest the daemon has about 100 MiB, and what it holds in buffers is limited to 64 here. */
const MAX_RSS = 450 * MEBIBYTE

async function smallDaemon(): Promise<{ readonly daemon: Daemon; readonly local: CloudWatchLocal }> {
  const local = await startCloudWatchLocal({ quotas: false })
  onTestFinished(() => local.close())
  const config = cloudwatchConfig(local.url, {
    processors: { memory_limiter: { check_interval: '1s', limit_mib: 64 } },
  })
  const endpoint = '127.0.0.1:0'
  const daemon = await startDaemon(
    { ...config, receivers: { otlp: { protocols: { grpc: { endpoint }, http: { endpoint } } } } },
    { nodeArgs: [`--max-old-space-size=${OLD_SPACE}`] },
  )
  return { daemon, local }
}

/** Watches the memory of a daemon, and that its probe answers. */
class Watch {
  readonly #daemon: Daemon
  readonly #timer: NodeJS.Timeout
  mostRss = 0
  answers = 0
  readonly problems: string[] = []

  constructor(daemon: Daemon) {
    this.#daemon = daemon
    this.#timer = setInterval(() => void this.#look(), 200)
    onTestFinished(() => clearInterval(this.#timer))
  }

  async #look(): Promise<void> {
    try {
      const [metrics, health] = await Promise.all([
        this.#daemon.metrics(),
        fetch(this.#daemon.healthUrl, NEW_CONNECTION),
      ])
      this.mostRss = Math.max(this.mostRss, metrics.value('otelcol_process_memory_rss'))
      this.answers++
      if (health.status !== 200) this.problems.push(`${health.status} ${await health.text()}`)
    } catch (error) {
      this.problems.push(describeError(error))
    }
  }

  async isFine(): Promise<void> {
    await this.#look()
    clearInterval(this.#timer)
    expect(this.#daemon.isRunning).toBe(true)
    expect(this.answers).toBeGreaterThan(0)
    expect(this.problems).toEqual([])
    expect(this.mostRss).toBeLessThan(MAX_RSS)
  }
}

/** Sends a record until it is taken: a flood may close the connection on its way, and OTLP's senders try again. */
async function getsIn(daemon: Daemon, send: Send, body: string): Promise<void> {
  await vi.waitUntil(() => {
    if (!daemon.isRunning) throw new Error(`the daemon died: ${daemon.stderr.slice(-500)}`)
    return send(recordsRequest({ body })).then(
      ({ kind }) => kind === 'taken',
      () => false,
    )
  }, PATIENT)
}

/** Opens connections as fast as they are accepted, each with these bytes on it, and keeps them. */
async function flood(port: number, count: number, bytes: string | Uint8Array): Promise<Socket[]> {
  const sockets: Socket[] = []
  for (let at = 0; at < count; at += 100) {
    const some = Array.from({ length: Math.min(100, count - at) }, () => {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => {})
      socket.resume()
      socket.write(bytes)
      onTestFinished(() => void socket.destroy())
      return socket
    })
    await Promise.all(
      some.map((socket) => Promise.race([once(socket, 'connect'), once(socket, 'close')]).catch(() => {})),
    )
    sockets.push(...some)
  }
  return sockets
}

const HEAD = 'POST /v1/logs HTTP/1.1\r\nhost: a\r\ncontent-type: application/x-protobuf\r\n'

describe('connections that never ask', () => {
  test.each([
    ['14 KB of a head in 400 fields', 'httpPort', `${HEAD}${'x-some-header: some value in it 1\r\n'.repeat(400)}`],
    ['a body that never comes', 'httpPort', `${HEAD}content-length: 1000000\r\nx: ${'y'.repeat(14_000)}\r\n\r\na`],
    [
      'a head of HTTP/2 that does not end',
      'grpcPort',
      Buffer.concat([
        Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
        h2.frame(h2.SETTINGS, 0, 0),
        h2.frame(h2.HEADERS, 0, 1, Buffer.concat([h2.CALL_HEAD, h2.field('x', 'y'.repeat(14_000))])),
      ]),
    ],
  ] as const)('3,000 with %s', async (_, port, bytes) => {
    const { daemon, local } = await smallDaemon()
    const watch = new Watch(daemon)
    const before = [httpSender(daemon), grpcSender(daemon)]
    for (const send of before) await getsIn(daemon, send, 'before')
    const flooding = flood(daemon[port], 3_000, bytes)
    await getsIn(daemon, httpSender(daemon), 'during')
    await getsIn(daemon, grpcSender(daemon), 'during')
    const flooders = await flooding
    for (const send of before) await getsIn(daemon, send, 'after')
    for (const send of [httpSender(daemon), grpcSender(daemon)]) await getsIn(daemon, send, 'newcomer')
    await watch.isFine()
    const metrics = await daemon.metrics()
    const closed = metrics.value('otlp_cloudwatch_receiver_refused_connections', { reason: 'too_many_connections' })
    const tooLarge = metrics.value('otlp_cloudwatch_receiver_requests', { outcome: 'header_too_large' })
    expect(closed + tooLarge).toBeGreaterThan(1_000)
    for (const socket of flooders) socket.destroy()
    expect(await daemon.stop()).toBe(0)
    const bodies = local.events().map(({ message }) => (JSON.parse(message) as { body: string }).body)
    for (const body of ['before', 'during', 'after', 'newcomer'])
      expect(bodies.filter((one) => one === body).length, body).toBeGreaterThanOrEqual(2)
  })
})

describe('streams that never end', () => {
  const call = { ':method': 'POST', ':path': EXPORT, 'content-type': 'application/grpc', te: 'trailers' }

  async function sessionsTo(port: number, count: number): Promise<ClientHttp2Session[]> {
    const sessions = Array.from({ length: count }, () => {
      const session = connectHttp2(`http://127.0.0.1:${port}`)
      session.on('error', () => {})
      onTestFinished(() => session.destroy())
      return session
    })
    await Promise.all(sessions.map((session) => once(session, 'remoteSettings')))
    return sessions
  }

  test.each([
    ['a part of a message', {}, Buffer.from([0, 0, 1, 0, 0, 1])],
    [
      'a head of 100 fields',
      Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`x-${i}`, 'y'])),
      Buffer.from([0]),
    ],
  ])('40 connections with 250 of %s', async (_, headers, bytes) => {
    const { daemon, local } = await smallDaemon()
    const watch = new Watch(daemon)
    const before = [httpSender(daemon), grpcSender(daemon)]
    for (const send of before) await getsIn(daemon, send, 'before')
    let refused = 0
    const sessions = await sessionsTo(daemon.grpcPort, 40)
    for (const session of sessions) {
      for (let i = 0; i < 250; i++) {
        const stream = session.request({ ...call, ...headers })
        stream.on('error', () => {})
        stream.once('close', () => refused++)
        stream.resume()
        stream.write(bytes)
      }
    }
    await getsIn(daemon, grpcSender(daemon), 'during')
    await vi.waitUntil(() => refused > 5_000, PATIENT)
    for (const send of [...before, httpSender(daemon), grpcSender(daemon)]) await getsIn(daemon, send, 'after')
    await watch.isFine()
    const tooMany = { transport: 'grpc', outcome: 'too_many_requests' }
    expect((await daemon.metrics()).value('otlp_cloudwatch_receiver_requests', tooMany)).toBeGreaterThan(5_000)
    for (const session of sessions) session.destroy()
    expect(await daemon.stop()).toBe(0)
    expect(local.events()).toHaveLength(7)
  })

  test('a well-behaved sender of many concurrent calls is not refused', async () => {
    const { daemon, local } = await smallDaemon()
    const send = grpcSender(daemon)
    const all = await Promise.all(Array.from({ length: 200 }, (_, i) => send(recordsRequest({ body: `${i}` }))))
    expect(all.every(({ kind }) => kind === 'taken')).toBe(true)
    expect(await daemon.stop()).toBe(0)
    expect(local.events()).toHaveLength(200)
  })
})

test('a probe is answered though its port is held by connections that never ask', async () => {
  const { daemon } = await smallDaemon()
  const { port } = new URL(daemon.healthUrl)
  await flood(Number(port), 500, 'GET / HTTP/1.1\r\nx: ')
  for (let i = 0; i < 5; i++) {
    expect((await fetch(daemon.healthUrl)).status).toBe(200)
    await sleep(10)
  }
  expect(await daemon.stop()).toBe(0)
})
