// Faults of the way to CloudWatch. Each test names the rows of the table in test/README.md; what CloudWatch itself answers stands in
// `exporter-answers` and `exporter-faults`.
import dns from 'node:dns'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { library, localCloudWatch, storedBodies } from '../library/library.ts'

const TLS = new URL('../../testdata/tls/', import.meta.url).pathname
const PATIENT = { timeout: 20_000, interval: 10 }

afterEach(() => void vi.useRealTimers())

/** Serves until the test is over, and then cuts what is open. */
async function portOf(server: Server): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return (server.address() as AddressInfo).port
}

function join(socket: Socket, url: string): void {
  const { hostname, port } = new URL(url)
  const onward = connect(Number(port), hostname)
  socket.pipe(onward).pipe(socket)
  onward.on('error', () => socket.destroy())
  socket.on('error', () => onward.destroy())
}

/** In front of `url`: does something else to a connection until it is repaired. */
async function broken(url: string, fault: (socket: Socket, request: () => void) => void) {
  let faulty = true
  let hits = 0
  const server = createServer((socket) => {
    if (!faulty) return join(socket, url)
    fault(socket, () => hits++)
  })
  return {
    endpoint: `http://localhost:${await portOf(server)}`,
    repair: () => void (faulty = false),
    get hits() {
      return hits
    },
  }
}

const OK = 'HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.1\r\nx-amzn-requestid: r\r\n'

describe('an endpoint that breaks off its answers: the records wait, and are stored once it works', () => {
  const faults: Readonly<Record<string, (socket: Socket) => void>> = {
    'nothing comes: a socket that is never served (row 20)': () => {},
    'half a head, and a reset (row 19)': (socket) => socket.write('HTTP/1.1 20', () => socket.resetAndDestroy()),
    'half a body, and a reset (row 19)': (socket) =>
      socket.write(`${OK}content-length: 100\r\n\r\n{"next`, () => setImmediate(() => socket.resetAndDestroy())),
    'a body that stops coming (row 20)': (socket) => socket.write(`${OK}content-length: 100\r\n\r\n{"next`),
    'a body that never ends (row 32)': (socket) => {
      socket.write(`${OK}transfer-encoding: chunked\r\n\r\n`)
      const chunk = `10000\r\n${' '.repeat(65_536)}\r\n`
      const more = () => {
        while (!socket.destroyed && socket.write(chunk));
      }
      socket.on('drain', more)
      more()
    },
    'a page of a proxy (row 32)': (socket) =>
      socket.write(
        'HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\ncontent-length: 13\r\n\r\n<html></html>',
      ),
    'what is no HTTP (row 32)': (socket) => socket.write('SSH-2.0-OpenSSH_9.9\r\n'),
  }

  test.for(Object.keys(faults))('%s', async (name) => {
    const local = await localCloudWatch()
    const before = await broken(local.url, (socket, request) =>
      socket.on('data', (chunk: Buffer) => {
        // The head of a request; its body comes behind it.
        if (!chunk.toString('latin1').startsWith('POST')) return
        request()
        faults[name]?.(socket)
      }),
    )
    const { exporter, send } = await library({ endpoint: before.endpoint, requestTimeoutSeconds: 1 }, local)
    const sent = send({ body: 'a' })
    await vi.waitUntil(() => exporter.ledger.retries > 0, PATIENT)
    expect(before.hits).toBeGreaterThan(0)
    expect(local.calls.all).toEqual([])
    before.repair()
    expect(await sent).toEqual({ code: 0 })
    expect(storedBodies(local)).toEqual(['a'])
    expect(exporter.ledger).toMatchObject({ received: 1, delivered: 1, queued: 0 })
  })
})

test.for([
  ['is cut', '', (socket: Socket) => setImmediate(() => socket.resetAndDestroy())],
  ['stops coming', '', () => {}],
  ['is too long', 'x'.repeat(2_000_000), () => {}],
] as const)('a refusal whose body %s counts by its status: nothing was stored', async ([, more, then]) => {
  const local = await localCloudWatch()
  const head = 'HTTP/1.1 429 Too Many Requests\r\ncontent-type: application/x-amz-json-1.1\r\n'
  const before = await broken(local.url, (socket, request) =>
    socket.on('data', (chunk: Buffer) => {
      if (!chunk.toString('latin1').startsWith('POST')) return
      request()
      socket.write(`${head}content-length: 3000000\r\n\r\n{"mess${more}`, () => then(socket))
    }),
  )
  const { exporter, send } = await library({ endpoint: before.endpoint, requestTimeoutSeconds: 1 }, local)
  const sent = send({ body: 'a' })
  await vi.waitUntil(() => exporter.ledger.retries > 0, PATIENT)
  before.repair()
  expect(await sent).toEqual({ code: 0 })
  expect(exporter.ledger).toMatchObject({ received: 1, delivered: 1, possibleDuplicates: 0 })
})

describe('names (row 21)', () => {
  /** What the resolver says, one answer after another; the last one stays. `silent` is never answered. */
  function resolver(host: string, ...answers: readonly (string | NodeJS.ErrnoException | typeof silent)[]) {
    const lookup = dns.lookup
    let asked = 0
    const spy = vi.spyOn(dns, 'lookup').mockImplementation(((name: string, options: object, callback: Function) => {
      if (name !== host) return lookup(name, options as dns.LookupOptions, callback as never)
      const answer = answers[Math.min(asked++, answers.length - 1)] ?? ''
      if (answer === silent) return
      if (typeof answer !== 'string') return callback(answer)
      const all = 'all' in options && options.all === true
      return all ? callback(null, [{ address: answer, family: 4 }]) : callback(null, answer, 4)
    }) as typeof dns.lookup)
    onTestFinished(() => spy.mockRestore())
    return { asked: () => asked }
  }
  const failure = (code: string) => Object.assign(new Error(`getaddrinfo ${code} logs.test`), { code })
  const silent = Symbol('a name server that does not answer')

  test('a name that cannot be resolved is looked up again, and an address that no longer answers is not kept', async () => {
    const local = await localCloudWatch()
    const port = new URL(local.url).port
    // Nothing listens at the second address of loopback.
    const names = resolver('logs.test', failure('ENOTFOUND'), failure('EAI_AGAIN'), '127.0.0.2', '127.0.0.1')
    const { exporter, send } = await library({ endpoint: `http://logs.test:${port}` }, local)
    expect(await send({ body: 'a' })).toEqual({ code: 0 })
    expect(names.asked()).toBe(4)
    expect(storedBodies(local)).toEqual(['a'])
    expect(exporter.ledger).toMatchObject({ received: 1, delivered: 1, retries: 3, possibleDuplicates: 0 })
  })

  test('a name server that does not answer times out with the connection, and is asked again', async () => {
    const local = await localCloudWatch()
    const names = resolver('logs.test', silent, '127.0.0.1')
    const { exporter, send } = await library({ endpoint: `http://logs.test:${new URL(local.url).port}` }, local)
    expect(await send({ body: 'a' })).toEqual({ code: 0 })
    expect(names.asked()).toBeGreaterThanOrEqual(2)
    expect(storedBodies(local)).toEqual(['a'])
    expect(exporter.ledger).toMatchObject({ received: 1, delivered: 1, retries: 1, possibleDuplicates: 0 })
  })
})

describe('TLS (row 22): retried, never dropped, never unverified', () => {
  const files = (name: string) => ({ cert: readFileSync(`${TLS}${name}.pem`), key: readFileSync(`${TLS}${name}.key`) })
  /** Signed by the authority the exporter trusts, for localhost and 127.0.0.1. */
  const good = files('server')
  const servers: Readonly<Record<string, { readonly host?: string; readonly name?: string }>> = {
    'a certificate that is over': { name: 'expired-client' },
    'one of an unknown authority': { name: 'stranger' },
    'one of another host': { name: 'server', host: '127.0.0.2' },
    'a handshake that is never answered': {},
  }

  test.for(Object.keys(servers))('%s', async (what) => {
    const local = await localCloudWatch()
    const { host = 'localhost', name } = servers[what] ?? {}
    let received = ''
    const secure: TlsServer = createTlsServer(name === undefined ? good : files(name), (socket) => {
      socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')))
      if (repaired) join(socket, local.url)
    })
    secure.on('tlsClientError', () => {})
    let repaired = false
    let connections = 0
    const server = createServer((socket) => {
      connections++
      if (repaired || name !== undefined) secure.emit('connection', socket)
    })
    const port = await portOf(server)
    // All of loopback, for the host that is another.
    const other = createServer((socket) => server.emit('connection', socket))
    if (host !== 'localhost') {
      other.listen(port, host)
      await once(other, 'listening')
      onTestFinished(() => void other.close())
    }
    const { exporter, send } = await library(
      {
        endpoint: `https://${host}:${port}`,
        certificateFilePath: `${TLS}ca.pem`,
        requestTimeoutSeconds: 1,
        flushTimeoutMillis: 500,
      },
      local,
    )
    const sent = send({ body: 'a' })
    await vi.waitUntil(() => exporter.ledger.retries > 1, PATIENT)
    expect(connections).toBeGreaterThan(1)
    // Not a byte went to the unverified server.
    expect(received).toBe('')
    expect(exporter.ledger).toMatchObject({ received: 1, queued: 1 })
    // Where the handshake came to nothing it is known that nothing was sent.
    if (name !== undefined) expect(exporter.ledger.possibleDuplicates).toBe(0)
    if (host !== 'localhost') return
    repaired = true
    secure.setSecureContext(good)
    expect(await sent).toEqual({ code: 0 })
    expect(storedBodies(local)).toEqual(['a'])
  })
})

describe('clocks', () => {
  test('a clock that jumps hours ahead and back holds nothing up and loses nothing (row 14)', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const real = Date.now()
    const { local, exporter, send } = await library()
    for (const [body, hours] of [
      ['now', 0],
      ['ahead', 1.5],
      ['behind', -20],
      ['back', 0],
    ] as const) {
      vi.setSystemTime(real + hours * 3_600_000)
      expect(await send({ body }), body).toEqual({ code: 0 })
    }
    expect(storedBodies(local).toSorted()).toEqual(['ahead', 'back', 'behind', 'now'])
    expect(exporter.ledger).toMatchObject({ received: 4, delivered: 4, queued: 0 })
  })

  test('a wrong clock is corrected by the time CloudWatch returns, and the call is signed again (row 24)', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const real = Date.now()
    vi.setSystemTime(real - 3_600_000)
    const local = await localCloudWatch()
    const dates: number[] = []
    const skewed = createServer((socket) => {
      socket.once('data', (chunk: Buffer) => {
        const date = /x-amz-date: (\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/i.exec(chunk.toString('latin1'))
        const [, year, month, day, hour, minute, second] = (date ?? []).map(Number)
        const signed = Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second)
        dates.push(signed)
        // CloudWatch takes five minutes.
        if (Math.abs(signed - real) < 300_000) {
          const { hostname, port } = new URL(local.url)
          const onward = connect(Number(port), hostname)
          onward.on('error', () => socket.destroy())
          onward.write(chunk)
          socket.pipe(onward).pipe(socket)
          return
        }
        const body = JSON.stringify({ __type: 'InvalidSignatureException', message: 'Signature expired' })
        socket.end(
          `HTTP/1.1 400 Bad Request\r\ndate: ${new Date(real).toUTCString()}\r\ncontent-type: application/x-amz-json-1.1\r\n` +
            `connection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
        )
      })
    })
    const { exporter, send } = await library({ endpoint: `http://localhost:${await portOf(skewed)}` }, local)
    expect(await send({ body: 'a' })).toEqual({ code: 0 })
    expect(storedBodies(local)).toEqual(['a'])
    expect(dates[0]).toBeLessThan(real - 3_000_000)
    expect(exporter.ledger).toMatchObject({ received: 1, delivered: 1 })
    expect(exporter.ledger.retries).toBeGreaterThan(0)
  })
})
