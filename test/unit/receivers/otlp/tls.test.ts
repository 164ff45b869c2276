import { copyFile, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2'
import { request as httpsRequest } from 'node:https'
import { connect as connectTcp, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { Client, credentials, type ServiceError } from '@grpc/grpc-js'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { EXPORT } from './grpc/raw-grpc.ts'
import { logsOf, runReceiver, until } from './running-receiver.ts'

afterEach(() => void vi.useRealTimers())

const TESTDATA = new URL('../../../testdata/tls/', import.meta.url).pathname
const file = (name: string) => join(TESTDATA, name)
const pem = (name: string) => readFile(file(name), 'utf8')
const ca = await pem('ca.pem')

const server = { cert_file: file('server.pem'), key_file: file('server.key') }
const mutual = { ...server, client_ca_file: file('ca.pem') }
const clientOf = async (name: string) => ({ cert: await pem(`${name}.pem`), key: await pem(`${name}.key`) })

/** Exports by gRPC; what the call came to. */
async function callGrpc(port: number, client?: { cert: string; key: string }): Promise<'ok' | ServiceError> {
  const secure = credentials.createSsl(
    Buffer.from(ca),
    client === undefined ? null : Buffer.from(client.key),
    client === undefined ? null : Buffer.from(client.cert),
  )
  const grpc = new Client(`127.0.0.1:${port}`, secure, { 'grpc.enable_retries': 0 })
  onTestFinished(() => grpc.close())
  const same = (bytes: Buffer) => bytes
  return new Promise((resolve) => {
    grpc.makeUnaryRequest(EXPORT, same, same, logsOf('by gRPC'), (error) => resolve(error ?? 'ok'))
  })
}

/** Exports by HTTP/1.1 over TLS. */
function post(port: number, options: ConnectionOptions = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/x-protobuf' }
    const sent = { host: '127.0.0.1', port, path: '/v1/logs', method: 'POST', headers, ca, agent: false, ...options }
    const request = httpsRequest(sent, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    request.on('error', reject)
    request.end(logsOf('by HTTP'))
  })
}

function http2Session(port: number): ClientHttp2Session {
  const session = connectHttp2(`https://127.0.0.1:${port}`, { ca })
  session.on('error', () => {})
  onTestFinished(() => session.destroy())
  return session
}

function handshake(port: number, options: ConnectionOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: '127.0.0.1', port, ca, ...options }, () => resolve(socket))
    socket.once('error', reject)
    onTestFinished(() => void socket.destroy())
  })
}

async function servedName(port: number): Promise<string | undefined> {
  const socket = await handshake(port, { ALPNProtocols: ['h2'] })
  const name = socket.getPeerCertificate().subject.CN
  socket.destroy()
  return Array.isArray(name) ? name[0] : name
}

describe('with TLS', () => {
  test('gRPC is served', async () => {
    const { grpc, next } = await runReceiver({ grpc: { tls: server } })
    expect(await callGrpc(grpc)).toBe('ok')
    expect(next.bodies).toEqual(['by gRPC'])
  })

  test('HTTP/1.1 is served', async () => {
    const { http, next } = await runReceiver({ http: { tls: server } })
    expect(await post(http)).toBe(200)
    expect(next.bodies).toEqual(['by HTTP'])
  })

  test('HTTP/2 is served, several requests at a time', async () => {
    const { http, next, budget } = await runReceiver({ http: { tls: server } })
    const session = http2Session(http)
    const headers = { ':method': 'POST', ':path': '/v1/logs', 'content-type': 'application/x-protobuf' }
    const statuses = await Promise.all(
      ['a', 'b', 'c'].map(
        (text) =>
          new Promise((resolve) => {
            const stream = session.request(headers)
            stream.on('response', (answer) => resolve(answer[':status']))
            stream.resume()
            stream.end(logsOf(text.repeat(100_000)))
          }),
      ),
    )
    expect(statuses).toEqual([200, 200, 200])
    expect(next.records).toHaveLength(3)
    expect(budget.used).toBe(0)
  })

  test('a body over the limit is refused by HTTP/2 too, and the session goes on', async () => {
    const { http } = await runReceiver({ http: { tls: server, max_request_body_size: 1_000 } })
    const session = http2Session(http)
    const send = (body: Buffer) =>
      new Promise((resolve) => {
        const stream = session.request({
          ':method': 'POST',
          ':path': '/v1/logs',
          'content-type': 'application/x-protobuf',
        })
        stream.on('response', (answer) => resolve(answer[':status']))
        stream.on('error', () => {})
        stream.resume()
        stream.end(body)
      })
    expect(await send(Buffer.alloc(3_000))).toBe(413)
    expect(await send(logsOf('a'))).toBe(200)
  })

  const HEAD = { ':method': 'POST', ':path': '/v1/logs', 'content-type': 'application/x-protobuf' }

  test('a sender by HTTP/2 that asks before it sends is answered before it sends', async () => {
    const { http, next } = await runReceiver({ http: { tls: server, max_request_body_size: 1_000 } })
    const session = http2Session(http)
    const refused = session.request({ ...HEAD, expect: '100-continue', 'content-length': 2_000 })
    refused.on('error', () => {})
    let continued = false
    refused.once('continue', () => (continued = true))
    expect(await new Promise((resolve) => refused.once('response', (answer) => resolve(answer[':status'])))).toBe(413)
    expect(continued).toBe(false)
    const taken = session.request({ ...HEAD, expect: '100-continue' })
    await new Promise((resolve) => taken.once('continue', resolve))
    taken.end(logsOf('a'))
    expect(await new Promise((resolve) => taken.once('response', (answer) => resolve(answer[':status'])))).toBe(200)
    expect(next.bodies).toEqual(['a'])
  })

  test('an idle session of HTTP/2 is closed', async () => {
    const { http } = await runReceiver({ http: { tls: server, write_timeout: '20ms', idle_timeout: '20ms' } })
    const session = http2Session(http)
    await new Promise((resolve) => session.once('close', resolve))
  })

  test('a session of HTTP/2 serves one request where keep-alive is off', async () => {
    const { http, next } = await runReceiver({ http: { tls: server, keepalive: { enabled: false } } })
    const session = http2Session(http)
    session.request(HEAD).end(logsOf('a'))
    await new Promise((resolve) => session.once('goaway', resolve))
    expect(next.bodies).toEqual(['a'])
  })

  test('concurrent streams are limited, and clients may exceed the limit before they know it', async () => {
    const { http, grpc } = await runReceiver({ http: { tls: server }, grpc: { tls: server } })
    for (const port of [http, grpc]) {
      const settings = await new Promise((resolve) => http2Session(port).once('remoteSettings', resolve))
      expect(settings).toMatchObject({ maxConcurrentStreams: 250, initialWindowSize: 1_048_576 })
    }
  })

  test('a request by HTTP/2 that takes too long to arrive is ended', async () => {
    const { http, budget } = await runReceiver({ http: { tls: server, read_timeout: '100ms' } })
    const stream = http2Session(http).request({
      ':method': 'POST',
      ':path': '/v1/logs',
      'content-type': 'application/x-protobuf',
    })
    stream.on('error', () => {})
    stream.write(Buffer.alloc(100))
    await until(() => budget.used >= 100, 'a part has arrived')
    await new Promise((resolve) => stream.once('close', resolve))
    await until(() => budget.used === 0, 'it was given back')
  })

  test('a request by HTTP/2 that waits for its answer has time', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
    const { http, next } = await runReceiver({ http: { tls: server, read_timeout: '1s' } })
    next.hold = true
    const stream = http2Session(http).request(HEAD)
    const answered = new Promise((resolve) => stream.once('response', (answer) => resolve(answer[':status'])))
    stream.end(logsOf('a'))
    await until(() => next.held.length === 1, 'the request has arrived')
    vi.advanceTimersByTime(10_000)
    next.held[0]?.({ kind: 'accepted', records: 1, rejected: 0, message: '' })
    expect(await answered).toBe(200)
  })

  test('headers of HTTP/2 are handed on without its pseudo headers', async () => {
    const { http, next } = await runReceiver({ http: { tls: server, include_metadata: true } })
    const stream = http2Session(http).request({
      ':method': 'POST',
      ':path': '/v1/logs',
      'content-type': 'application/x-protobuf',
      'x-tenant': 'blue',
    })
    stream.end(logsOf('a'))
    await new Promise((resolve) => stream.once('response', resolve))
    expect(Object.fromEntries(next.requests[0]?.metadata ?? [])).toEqual({
      'content-type': ['application/x-protobuf'],
      'x-tenant': ['blue'],
    })
  })

  test('on shutdown a session gets GOAWAY and its request is answered', async () => {
    const { receiver, http, next } = await runReceiver({ http: { tls: server } })
    next.hold = true
    const session = http2Session(http)
    const stream = session.request({
      ':method': 'POST',
      ':path': '/v1/logs',
      'content-type': 'application/x-protobuf',
    })
    const answered = new Promise((resolve) => stream.once('response', (answer) => resolve(answer[':status'])))
    stream.resume()
    stream.end(logsOf('a'))
    await until(() => next.held.length === 1, 'the request has arrived')
    const goaway = new Promise((resolve) => session.once('goaway', resolve))
    const stopped = receiver.shutdown(new AbortController().signal)
    await goaway
    next.held[0]?.({ kind: 'accepted', records: 1, rejected: 0, message: '' })
    expect(await answered).toBe(200)
    await stopped
  })

  test.each(['http', 'grpc'])('on shutdown a handshake by %s in progress is not waited for', async (protocol) => {
    const running = await runReceiver({ [protocol]: { tls: server } })
    // In between: it holds back what the client says last in the handshake.
    const held: Buffer[] = []
    let release = () => {}
    const between = createServer((client) => {
      const onward = connectTcp(protocol === 'http' ? running.http : running.grpc, '127.0.0.1')
      let first = true
      client.on('data', (bytes: Buffer) => {
        if (first) onward.write(bytes)
        else held.push(bytes)
        first = false
      })
      release = () => held.forEach((bytes) => onward.write(bytes))
      onward.pipe(client)
      onward.on('error', () => {})
      client.on('error', () => {})
    })
    onTestFinished(() => void between.close())
    await new Promise<void>((resolve) => between.listen(0, '127.0.0.1', resolve))
    const client = connectTls({
      host: '127.0.0.1',
      port: (between.address() as AddressInfo).port,
      ca,
      ALPNProtocols: ['h2'],
    })
    client.on('error', () => {})
    onTestFinished(() => void client.destroy())
    await until(() => held.length > 0, 'the client has said what it says last')
    const stopped = running.receiver.shutdown(new AbortController().signal)
    release()
    await stopped
  })

  test('the certificate and key may be in the config', async () => {
    const tls = { cert_pem: await pem('server.pem'), key_pem: await pem('server.key') }
    const { http } = await runReceiver({ http: { tls } })
    expect(await post(http)).toBe(200)
  })

  test('versions below min_version are refused', async () => {
    const { http } = await runReceiver({ http: { tls: { ...server, min_version: '1.3' } } })
    await expect(handshake(http, { maxVersion: 'TLSv1.2' })).rejects.toMatchObject({
      code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
    })
    expect((await handshake(http, {})).getProtocol()).toBe('TLSv1.3')
  })

  test('max_version, cipher_suites and curve_preferences are obeyed', async () => {
    const tls = {
      ...server,
      max_version: '1.2',
      cipher_suites: ['TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384'],
      curve_preferences: ['P384'],
    }
    const { grpc } = await runReceiver({ grpc: { tls } })
    const socket = await handshake(grpc, { ALPNProtocols: ['h2'] })
    expect(socket.getProtocol()).toBe('TLSv1.2')
    expect(socket.getCipher().name).toBe('ECDHE-ECDSA-AES256-GCM-SHA384')
    expect(socket.getEphemeralKeyInfo()).toMatchObject({ name: 'secp384r1' })
  })

  test('a plaintext client does no harm', async () => {
    const { http } = await runReceiver({ http: { tls: server } })
    await expect(fetch(`http://127.0.0.1:${http}/v1/logs`)).rejects.toThrow()
    expect(await post(http)).toBe(200)
  })
})

describe('with client_ca_file', () => {
  test('a client with a certificate of that authority is accepted', async () => {
    const { grpc, http } = await runReceiver({ grpc: { tls: mutual }, http: { tls: mutual } })
    const client = await clientOf('client')
    expect(await callGrpc(grpc, client)).toBe('ok')
    expect(await post(http, client)).toBe(200)
  })

  test.each(['no client', 'stranger', 'expired-client'])('a client with the certificate of %s is not', async (name) => {
    const { grpc, http, next } = await runReceiver({ grpc: { tls: mutual }, http: { tls: mutual } })
    const client = name === 'no client' ? undefined : await clientOf(name)
    expect(await callGrpc(grpc, client)).toMatchObject({ code: 14 })
    await expect(post(http, client)).rejects.toThrow()
    expect(next.requests).toEqual([])
  })
})

describe('certificates are read again', () => {
  async function folder(): Promise<string> {
    const path = await mkdtemp(join(tmpdir(), 'otlp-tls-'))
    onTestFinished(() => rm(path, { recursive: true }))
    return path
  }

  /** Replaces a file by a rename, as tools that renew certificates do: it is never half written. */
  async function replace(path: string, name: string): Promise<void> {
    await copyFile(file(name), `${path}.new`)
    await rename(`${path}.new`, path)
  }

  test.each(['grpc', 'http'])('by %s, while it runs', async (protocol) => {
    const path = await folder()
    const cert_file = join(path, 'server.pem')
    const key_file = join(path, 'server.key')
    await replace(cert_file, 'server.pem')
    await replace(key_file, 'server.key')
    const running = await runReceiver({ [protocol]: { tls: { cert_file, key_file, reload_interval: '20ms' } } })
    const port = protocol === 'grpc' ? running.grpc : running.http
    expect(await servedName(port)).toBe('server')

    await replace(cert_file, 'renewed-server.pem')
    await until(() => running.log.some(({ level }) => level === 'warn'), 'the half that is new is noticed')
    for (let i = 0; i < 20; i++) expect(await servedName(port)).toBe('server')
    expect(running.log.filter(({ level }) => level === 'warn')).toEqual([
      {
        level: 'warn',
        message: 'certificates could not be reloaded; the previous ones stay in use',
        fields: {
          error: `protocols.${protocol}.tls: the key ${key_file} does not belong to the certificate ${cert_file}: write the two that were made together`,
        },
      },
    ])

    await replace(key_file, 'renewed-server.key')
    await until(() => running.log.some(({ message }) => message === 'certificates reloaded'), 'both are new')
    expect(await servedName(port)).toBe('renewed-server')
  })

  test('client authorities are read again too', async () => {
    const path = await folder()
    const client_ca_file = join(path, 'clients.pem')
    await replace(client_ca_file, 'ca.pem')
    const tls = { ...server, client_ca_file, client_ca_file_reload: true, reload_interval: '20ms' }
    const { http, log } = await runReceiver({ http: { tls } })
    const stranger = await clientOf('stranger')
    await expect(post(http, stranger)).rejects.toThrow()
    await replace(client_ca_file, 'other-ca.pem')
    await until(() => log.some(({ message }) => message === 'certificates reloaded'), 'the new one was read')
    expect(await post(http, stranger)).toBe(200)
  })
})

test('client_ca_file_reload alone does not read the certificate again', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  const path = await mkdtemp(join(tmpdir(), 'otlp-tls-'))
  onTestFinished(() => rm(path, { recursive: true }))
  const tls = {
    cert_file: join(path, 'server.pem'),
    key_file: join(path, 'server.key'),
    client_ca_file: join(path, 'clients.pem'),
    client_ca_file_reload: true,
  }
  const fill = async (name: string, authority: string) => {
    await copyFile(file(`${name}.pem`), tls.cert_file)
    await copyFile(file(`${name}.key`), tls.key_file)
    await copyFile(file(authority), tls.client_ca_file)
  }
  await fill('server', 'ca.pem')
  const { http, log } = await runReceiver({ http: { tls } })
  await fill('renewed-server', 'other-ca.pem')
  vi.advanceTimersByTime(10_000)
  await until(() => log.some(({ message }) => message === 'certificates reloaded'), 'the authority was read')
  expect(await post(http, await clientOf('stranger'))).toBe(200)
  expect(await servedName(http)).toBe('server')
})

describe('unusable settings are reported at start', () => {
  const cases: [string, Record<string, unknown>, string][] = [
    [
      'a file that is not there',
      { ...server, cert_file: '/nowhere/server.pem' },
      'protocols.http.tls.cert_file: /nowhere/server.pem cannot be read (ENOENT): write the path of a PEM file this process may read',
    ],
    [
      'a key of another certificate',
      { ...server, key_file: file('client.key') },
      `protocols.http.tls: the key ${file('client.key')} does not belong to the certificate ${file('server.pem')}: write the two that were made together`,
    ],
    [
      'an authority that is not there',
      { ...server, client_ca_file: '/nowhere/ca.pem' },
      'protocols.http.tls.client_ca_file: /nowhere/ca.pem cannot be read (ENOENT): write the path of a PEM file this process may read',
    ],
  ]
  test.each(cases)('%s', async (_, tls, message) => {
    await expect(runReceiver({ http: { tls } })).rejects.toThrow(message)
  })

  test('a file that is no PEM', async () => {
    const path = await mkdtemp(join(tmpdir(), 'otlp-tls-'))
    onTestFinished(() => rm(path, { recursive: true }))
    const cert_file = join(path, 'server.pem')
    await writeFile(cert_file, 'hello')
    await expect(runReceiver({ http: { tls: { ...server, cert_file } } })).rejects.toThrow(
      new RegExp(
        `^protocols.http.tls: ${cert_file}, .* cannot be used .*: write PEM files of a certificate and its key$`,
      ),
    )
  })
})
