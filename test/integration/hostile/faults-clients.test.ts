// Clients that are hostile or broken, and what others see of it: nothing. Each test names the rows of the table in test/README.md.
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { type CloudWatchLocal, startCloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { logsRequest, recordsRequest } from '../../fakes/logs-request.ts'
import { temporaryFolder } from '../../fakes/temporary-folder.ts'
import { connectTo, ended, framed, openCall } from '../../unit/receivers/otlp/grpc/raw-grpc.ts'
import { logsOf, runReceiver, until } from '../../unit/receivers/otlp/running-receiver.ts'
import { ProtobufWriter } from '../../../src/wire/protobuf-writer.ts'
import { cloudwatchConfig } from '../daemon/daemon-config.ts'
import { grpcSender, httpSender, type Send } from '../daemon/daemon-senders.ts'
import { type Daemon, type DaemonOptions, startDaemon } from '../daemon/daemon.ts'
import * as h2 from './http2-frames.ts'

const MEBIBYTE = 1024 * 1024
const TAKEN = { kind: 'taken', rejected: 0, message: '' }
const TLS = new URL('../../testdata/tls/', import.meta.url).pathname
const PATIENT = { timeout: 20_000, interval: 20 }

/** Of a daemon with small buffers, under any attack of these; at rest it has about 110 MiB. */
const MAX_MEMORY = 400 * MEBIBYTE

async function daemonWith(
  protocols: { readonly grpc?: object; readonly http?: object } = {},
  options: DaemonOptions = {},
): Promise<{ daemon: Daemon; local: CloudWatchLocal }> {
  const local = await startCloudWatchLocal({ quotas: false })
  onTestFinished(() => local.close())
  const endpoint = '127.0.0.1:0'
  const config = {
    ...cloudwatchConfig(local.url, { processors: { memory_limiter: { check_interval: '1s', limit_mib: 16 } } }),
    receivers: {
      otlp: { protocols: { grpc: { endpoint, ...protocols.grpc }, http: { endpoint, ...protocols.http } } },
    },
  }
  return { daemon: await startDaemon(config, options), local }
}

/** Sends a record each time it is asked, and expects it to be taken. */
class Bystander {
  readonly #sends: readonly Send[]
  #sent = 0

  constructor(...sends: readonly Send[]) {
    this.#sends = sends
  }

  async isServed(): Promise<void> {
    for (const send of this.#sends)
      expect(await send(recordsRequest({ body: `bystander ${this.#sent++}` }))).toEqual(TAKEN)
  }

  /** Everything it sent is stored, nothing else is, and the daemon stops as it should. */
  async hadAllStored(daemon: Daemon, local: CloudWatchLocal): Promise<void> {
    expect((await daemon.metrics()).unaccounted).toBe(0)
    expect(await daemon.stop()).toBe(0)
    const bodies = local.events().map(({ message }) => (JSON.parse(message) as { body: string }).body)
    expect(bodies.toSorted()).toEqual(Array.from({ length: this.#sent }, (_, i) => `bystander ${i}`).toSorted())
  }
}

function openSocket(port: number): { readonly socket: Socket; readonly closed: Promise<void> } {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  onTestFinished(() => void socket.destroy())
  return { socket, closed }
}

const head = (length: number) =>
  `POST /v1/logs HTTP/1.1\r\nhost: a\r\ncontent-type: application/x-protobuf\r\ncontent-length: ${length}\r\n\r\n`

async function memoryOf(daemon: Daemon): Promise<number> {
  return (await daemon.metrics()).value('otelcol_process_memory_rss')
}

describe('slow clients (row 43)', () => {
  test('two hundred that send their heads and bodies byte by byte are cut off, and others are served meanwhile', async () => {
    const { daemon, local } = await daemonWith({ http: { read_timeout: '1s', read_header_timeout: '1s' } })
    const bystander = new Bystander(httpSender(daemon), grpcSender(daemon))
    const slow = Array.from({ length: 200 }, (_, i) => {
      const { socket, closed } = openSocket(daemon.httpPort)
      socket.resume()
      socket.write(i % 2 === 0 ? 'POST /v1/logs HTTP/1.1\r\nx-' : head(1_000_000))
      const drip = setInterval(() => void socket.write('a'), 100)
      void closed.then(() => clearInterval(drip))
      return closed
    })
    await bystander.isServed()
    await Promise.all(slow)
    await bystander.isServed()
    await vi.waitUntil(async () => (await daemon.metrics()).value('otlp_cloudwatch_buffer_bytes') === 0, PATIENT)
    await bystander.hadAllStored(daemon, local)
  })

  test('one that sends requests and never reads does not fill memory with answers, and is closed', async () => {
    const { daemon, local } = await daemonWith({ http: { write_timeout: '1s' } })
    const bystander = new Bystander(httpSender(daemon), grpcSender(daemon))
    const { socket, closed } = openSocket(daemon.httpPort)
    socket.pause()
    const many = Buffer.from('GET /nothing HTTP/1.1\r\nhost: a\r\n\r\n'.repeat(2_000))
    const flood = async () => {
      while (!socket.destroyed) {
        if (!socket.write(many)) await Promise.race([once(socket, 'drain'), closed]).catch(() => {})
      }
    }
    await Promise.all([flood(), closed, bystander.isServed()])
    expect(await memoryOf(daemon)).toBeLessThan(MAX_MEMORY)
    await bystander.isServed()
    await bystander.hadAllStored(daemon, local)
  })

  test('calls of one with a window of 0 are served up to the limit of streams, and hold no memory', async () => {
    const { grpc, next, budget, metric } = await runReceiver({ grpc: { max_concurrent_streams: 10 } })
    const raw = await h2.RawHttp2.open(grpc, { settings: h2.setting(h2.INITIAL_WINDOW, 0) })
    const message = framed(logsOf('x'.repeat(1_000)))
    // Until it has acknowledged the limit a client may not know of it, and is refused a call at a time.
    for (let call = 0; call < 200; call++) {
      raw.socket.write(h2.frame(h2.HEADERS, h2.END_HEADERS, 2 * call + 1, h2.CALL_HEAD))
      raw.socket.write(h2.frame(h2.DATA, h2.END_STREAM, 2 * call + 1, message))
    }
    await vi.waitUntil(() => raw.count(h2.RST_STREAM) === 190, PATIENT)
    await until(() => next.requests.length === 10, 'the others were taken')
    expect(budget.used).toBe(0)
    raw.socket.destroy()
    await until(() => metric('otlp_cloudwatch_receiver_connections').includes('otlp grpc 0'), 'it is forgotten')
  })
})

describe('floods of HTTP/2 (row 44)', () => {
  const reset = (stream: number) =>
    Buffer.concat([
      h2.frame(h2.HEADERS, h2.END_HEADERS, stream, h2.CALL_HEAD),
      h2.frame(h2.RST_STREAM, 0, stream, Buffer.from([0, 0, 0, 8])),
    ])
  const floods: Readonly<Record<string, (raw: h2.RawHttp2) => Promise<void>>> = {
    'streams that are reset as they come': async (raw) => {
      for (let stream = 1; stream < 40_000; stream += 2) await raw.flood(reset(stream), 1)
    },
    'a head that goes on and on': async (raw) => {
      await raw.flood(h2.frame(h2.HEADERS, 0, 1, h2.CALL_HEAD), 1)
      await raw.flood(h2.frame(h2.CONTINUATION, 0, 1, h2.field('a', 'x'.repeat(8_000))), 10_000)
    },
    settings: (raw) => raw.flood(Buffer.concat(Array.from({ length: 10_000 }, () => h2.frame(h2.SETTINGS, 0, 0))), 50),
    pings: (raw) =>
      raw.flood(Buffer.concat(Array.from({ length: 10_000 }, () => h2.frame(h2.PING, 0, 0, Buffer.alloc(8)))), 50),
    'frames that are none': (raw) => raw.flood(h2.frame(h2.PING, 0, 1, Buffer.alloc(8)), 10_000),
  }

  test('resets, an endless head, settings, pings, broken frames: the connection is closed, and others are served', async () => {
    const tls = { cert_file: `${TLS}server.pem`, key_file: `${TLS}server.key` }
    const { daemon, local } = await daemonWith({ http: { tls } })
    const bystander = new Bystander(grpcSender(daemon))
    const ca = await readFile(`${TLS}ca.pem`)
    for (const [name, flood] of Object.entries(floods)) {
      for (const raw of [await h2.RawHttp2.open(daemon.grpcPort), await h2.RawHttp2.open(daemon.httpPort, { ca })]) {
        const closed = raw.closed.then(() => true)
        await flood(raw)
        await expect.poll(() => Promise.race([closed, sleep(10)]), { ...PATIENT, message: name }).toBe(true)
        await bystander.isServed()
      }
    }
    expect(await memoryOf(daemon)).toBeLessThan(MAX_MEMORY)
    await bystander.hadAllStored(daemon, local)
  })

  // Who floods may not live to read it; who listens after every hundred does.
  test('a client that breaks the rules, or keeps resetting, gets GOAWAY', async () => {
    const { grpc } = await runReceiver()
    const broken = await h2.RawHttp2.open(grpc)
    broken.socket.write(h2.frame(h2.PING, 0, 1, Buffer.alloc(8)))
    await broken.closed
    expect(broken.count(h2.GOAWAY)).toBe(1)

    const resetting = await h2.RawHttp2.open(grpc)
    const ping = h2.frame(h2.PING, 0, 0, Buffer.alloc(8))
    for (let pings = 1; pings <= 100 && !resetting.socket.destroyed; pings++) {
      const hundred = Array.from({ length: 100 }, (_, call) => reset(200 * pings + 2 * call + 1))
      resetting.socket.write(Buffer.concat([...hundred, ping]))
      await vi.waitUntil(() => resetting.socket.destroyed || resetting.count(h2.PING) === pings, PATIENT)
    }
    expect(resetting.count(h2.GOAWAY)).toBeGreaterThan(0)
  })

  test('a head of a few KB that unpacks to 60 MB is refused', async () => {
    const { daemon, local } = await daemonWith()
    const bystander = new Bystander(grpcSender(daemon), httpSender(daemon))
    const raw = await h2.RawHttp2.open(daemon.grpcPort)
    const bomb = Buffer.concat([
      h2.CALL_HEAD,
      h2.field('x', 'y'.repeat(4_000), true),
      Buffer.alloc(12_000, h2.NEWEST_FIELD),
    ])
    for (let stream = 1; stream < 100; stream += 2)
      await raw.flood(h2.frame(h2.HEADERS, h2.END_HEADERS | h2.END_STREAM, stream, bomb), 1)
    await vi.waitUntil(() => raw.socket.destroyed || raw.count(h2.RST_STREAM) === 50, PATIENT)
    await bystander.isServed()
    expect(await memoryOf(daemon)).toBeLessThan(MAX_MEMORY)
    await bystander.hadAllStored(daemon, local)
  })
})

/** One POST by HTTP, whatever its bytes; the status it is answered with. */
function post(port: number, body: Uint8Array, headers: Record<string, string> = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const all = { 'content-type': 'application/x-protobuf', ...headers }
    const call = httpRequest({ host: '127.0.0.1', port, path: '/v1/logs', method: 'POST', headers: all, agent: false })
    call.on('error', reject)
    call.on('response', (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode ?? 0))
    })
    call.end(body)
  })
}

describe('bombs (row 36)', () => {
  const zeros = Buffer.alloc(16 * MEBIBYTE)
  const bombs: Readonly<Record<string, Buffer>> = {
    // Members of one gzip body: a gigabyte in one.
    gzip: Buffer.concat(Array<Buffer>(64).fill(gzipSync(zeros))),
    zstd: zstdCompressSync(zeros),
    deflate: deflateSync(zeros),
  }

  test('of every coding, many at once by both protocols, are refused within bounded memory', async () => {
    const { daemon, local } = await daemonWith()
    const bystander = new Bystander(httpSender(daemon), grpcSender(daemon))
    let mostMemory = 0
    const watch = setInterval(() => {
      void memoryOf(daemon).then((bytes) => (mostMemory = Math.max(mostMemory, bytes)))
    }, 50)
    onTestFinished(() => clearInterval(watch))
    const byHttp = Object.entries(bombs).flatMap(([coding, bomb]) =>
      Array.from({ length: 8 }, () => post(daemon.httpPort, bomb, { 'content-encoding': coding })),
    )
    const session = connectTo(daemon.grpcPort)
    const byGrpc = ['gzip', 'deflate'].flatMap((coding) =>
      Array.from({ length: 8 }, async () => {
        const call = openCall(session, { 'grpc-encoding': coding })
        call.end(framed(bombs[coding] ?? zeros, 1))
        return (await ended(call)).code
      }),
    )
    // Too large, or no room for it beside the others: to be sent again, and refused then.
    for (const status of await Promise.all(byHttp)) expect([413, 503]).toContain(status)
    for (const code of await Promise.all(byGrpc)) expect([8, 14]).toContain(code)
    expect(await post(daemon.httpPort, bombs['gzip'] ?? zeros, { 'content-encoding': 'gzip' })).toBe(413)
    clearInterval(watch)
    expect(mostMemory).toBeGreaterThan(0)
    expect(mostMemory).toBeLessThan(MAX_MEMORY)
    await bystander.isServed()
    await bystander.hadAllStored(daemon, local)
  })

  test('gzip inside gzip is decompressed once, and the result is no request', async () => {
    const { http, grpc, budget } = await runReceiver()
    const nested = gzipSync(gzipSync(logsOf('a')))
    expect(await post(http, nested, { 'content-encoding': 'gzip' })).toBe(400)
    const call = openCall(connectTo(grpc), { 'grpc-encoding': 'gzip' })
    call.end(framed(nested, 1))
    expect((await ended(call)).code).toBe(3)
    expect(budget.used).toBe(0)
  })
})

describe('too many connections (row 45)', () => {
  test('connections over max_connections are closed on arrival, open ones are served, and later there is room', async () => {
    const { daemon, local } = await daemonWith({ grpc: { max_connections: 20 }, http: { max_connections: 20 } })
    const bystander = new Bystander(httpSender(daemon), grpcSender(daemon))
    await bystander.isServed()
    for (const port of [daemon.httpPort, daemon.grpcPort]) {
      const flood = Array.from({ length: 500 }, () => openSocket(port))
      let closed = 0
      for (const one of flood) void one.closed.then(() => closed++)
      for (const one of flood) one.socket.resume()
      await vi.waitUntil(() => closed >= 481, PATIENT)
      await bystander.isServed()
      for (const { socket } of flood) socket.destroy()
    }
    const late = new Bystander(httpSender(daemon))
    await vi.waitUntil(
      () =>
        late.isServed().then(
          () => true,
          () => false,
        ),
      PATIENT,
    )
    expect(await daemon.stop()).toBe(0)
    expect(local.events()).not.toEqual([])
  })

  test.skipIf(!existsSync('/proc/self/limits'))(
    'a flood of them leaves file descriptors for CloudWatch and a queue on disk, and earlier clients are served',
    async () => {
      const directory = await temporaryFolder()
      const { daemon, local } = await daemonWith(
        { grpc: { max_connections: 10_000 } },
        {
          openFiles: 128,
          set: [
            `extensions.file_storage={directory: ${directory}}`,
            'service.extensions=[health_check, file_storage]',
            'exporters.awscloudwatchlogs.sending_queue.storage=file_storage',
          ],
        },
      )
      expect(daemon.log.filter(({ msg }) => msg.startsWith('max_connections exceeds'))).toEqual([
        expect.objectContaining({
          msg: 'max_connections exceeds the open files that this process may have: raise ulimit -n',
          max_connections: 10_000,
          most: 64,
        }),
      ])
      const sends = [httpSender(daemon), grpcSender(daemon)]
      // Without a record, so that the first file of the queue and the first call to CloudWatch come later.
      for (const send of sends) expect(await send(logsRequest())).toEqual(TAKEN)
      let closed = 0
      const flood = Array.from({ length: 300 }, (_, i) => {
        const [port, start] = i % 2 === 0 ? [daemon.httpPort, head(1)] : [daemon.grpcPort, 'PRI * HTTP/2.0\r\n']
        const { socket, closed: gone } = openSocket(port)
        socket.resume().write(start)
        void gone.then(() => closed++)
        return socket
      })
      await vi.waitUntil(() => closed >= 300 - 128, PATIENT)
      const bystander = new Bystander(...sends)
      await bystander.isServed()
      await vi.waitUntil(() => local.events().length === 2, PATIENT)
      expect((await daemon.metrics()).unaccounted).toBe(0)
      expect(flood.filter((socket) => !socket.destroyed).length).toBeGreaterThan(50)
      for (const socket of flood) socket.destroy()
      await bystander.hadAllStored(daemon, local)
    },
  )

  test.skipIf(spawnSync('prlimit', ['--version']).error !== undefined)(
    'a daemon without a file descriptor left goes on once there are some',
    async () => {
      const { daemon, local } = await daemonWith()
      const bystander = new Bystander(httpSender(daemon), grpcSender(daemon))
      await bystander.isServed()
      expect(spawnSync('prlimit', ['--pid', `${daemon.pid}`, '--nofile=64']).status).toBe(0)
      const flood = Array.from({ length: 200 }, () => openSocket(daemon.httpPort))
      await bystander.isServed()
      for (const { socket } of flood) socket.destroy()
      const late = new Bystander(httpSender(daemon), grpcSender(daemon))
      await vi.waitUntil(
        () =>
          late.isServed().then(
            () => true,
            () => false,
          ),
        PATIENT,
      )
      await vi.waitUntil(() => local.events().length >= 6, PATIENT)
      expect((await daemon.metrics()).unaccounted).toBe(0)
      expect(await daemon.stop()).toBe(0)
    },
  )
})

test('records of clients that disconnect before the answer are stored once (row 46)', async () => {
  const { daemon, local } = await daemonWith(
    {},
    { set: ['exporters.awscloudwatchlogs.sending_queue.wait_for_result=true'] },
  )
  const dead = local.faults.cut('before')
  const bystander = new Bystander(httpSender(daemon), grpcSender(daemon))
  const clients = Array.from({ length: 20 }, (_, i) => {
    const body = recordsRequest({ body: `gone ${i}` })
    const { socket } = openSocket(daemon.httpPort)
    socket.write(Buffer.concat([Buffer.from(head(body.length)), body]))
    const session = connectTo(daemon.grpcPort)
    openCall(session).end(framed(body))
    return { socket, session }
  })
  await vi.waitUntil(async () => (await daemon.metrics()).received === 40, PATIENT)
  await vi.waitUntil(() => dead.hits > 0, PATIENT)
  for (const { socket, session } of clients) {
    socket.resetAndDestroy()
    session.destroy()
  }
  dead.off()
  await bystander.isServed()
  await vi.waitUntil(async () => (await daemon.metrics()).records('delivered') === 42, PATIENT)
  expect(local.events()).toHaveLength(42)
  expect(await daemon.stop()).toBe(0)
})

/** A record whose body is a list in a list in a list. */
function deepRequest(levels: number): Uint8Array {
  let bytes: Uint8Array = new Uint8Array(0)
  const within = (...fields: readonly number[]) => {
    for (const number of fields) {
      const writer = new ProtobufWriter()
      writer.bytes(number, bytes)
      bytes = writer.view()
    }
  }
  // ArrayValue.values and AnyValue.array_value
  for (let level = 0; level < levels; level++) within(1, 5)
  // LogRecord.body, ScopeLogs.log_records, ResourceLogs.scope_logs, ExportLogsServiceRequest.resource_logs
  within(5, 2, 2, 1)
  return bytes
}

describe('records that no client should send', () => {
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '', 'a.b[0]', 'same', 'same']
  const start = '\ufeff\u001b[31m\0'
  const hard: Readonly<Record<string, { readonly request: Uint8Array; readonly says: (message: string) => void }>> = {
    'keys every object has, and the same key twice': {
      request: recordsRequest({
        body: { kvlist: names.map((name, i) => [name, BigInt(i)]) },
        attributes: names.map((name, i) => [name, `${i}`]),
      }),
      says: (message) => {
        const { body, attributes } = JSON.parse(message) as { body: object; attributes: object }
        for (const read of [body, attributes]) {
          expect(Object.keys(read)).toEqual([...new Set(names)])
          expect(JSON.stringify(read)).toMatch(/"__proto__":"?0"?,"constructor":"?1/)
        }
        expect(attributes).toMatchObject({ same: '7' })
      },
    },
    'ten thousand attributes': {
      request: recordsRequest({
        attributes: Array.from({ length: 10_000 }, (_, i) => [`key ${i}`, BigInt(i)] as const),
      }),
      says: (message) =>
        expect(Object.keys((JSON.parse(message) as { attributes: object }).attributes)).toHaveLength(10_000),
    },
    'a key of two megabytes': {
      request: recordsRequest({ body: 'b', attributes: [['k'.repeat(2 * MEBIBYTE), 'v']] }),
      says: (message) => expect(Buffer.byteLength(message) + 26).toBeLessThanOrEqual(MEBIBYTE),
    },
    'a text of three megabytes on one line': {
      request: recordsRequest({ body: `${start}${'é'.repeat(1.5 * MEBIBYTE)}` }),
      says: (message) => {
        expect(Buffer.byteLength(message) + 26).toBeLessThanOrEqual(MEBIBYTE)
        expect((JSON.parse(message) as { body: string }).body.startsWith(`${start}é`)).toBe(true)
      },
    },
  }

  test('odd keys, 10,000 attributes, a key and a text of megabytes: stored, and the same by each protocol (rows 39, 41)', async () => {
    const { daemon, local } = await daemonWith()
    for (const [name, { request, says }] of Object.entries(hard)) {
      const before = local.events().length
      for (const send of [httpSender(daemon), grpcSender(daemon)])
        expect(await send(request), name).toMatchObject({ kind: 'taken', rejected: 0 })
      await vi.waitUntil(() => local.events().length === before + 2, PATIENT)
      const [first, second] = local.events().slice(before)
      expect(first?.message === second?.message, name).toBe(true)
      says(first?.message ?? '')
    }
    expect((await daemon.metrics()).unaccounted).toBe(0)
    expect(await daemon.stop()).toBe(0)
  })

  test('values nested ten thousand deep become a marker, by each protocol and in JSON (row 38)', async () => {
    const { daemon, local } = await daemonWith()
    const bystander = new Bystander(httpSender(daemon), grpcSender(daemon))
    const deep = deepRequest(10_000)
    for (const send of [httpSender(daemon), grpcSender(daemon)])
      expect(await send(deep)).toMatchObject({ kind: 'taken', rejected: 0 })
    const open = '{"arrayValue":{"values":['.repeat(10_000)
    const json = `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":${open}${']}}'.repeat(10_000)}}]}]}]}`
    expect(await post(daemon.httpPort, Buffer.from(json), { 'content-type': 'application/json' })).toBe(200)
    await vi.waitUntil(() => local.events().length === 3, PATIENT)
    for (const { message } of local.events()) expect(message.length).toBeLessThan(1_000)
    await bystander.isServed()
    expect((await daemon.metrics()).unaccounted).toBe(0)
    expect(await daemon.stop()).toBe(0)
  })
})
