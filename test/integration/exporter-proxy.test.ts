import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, request as httpRequest } from 'node:http'
import { connect, type AddressInfo, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { expect, onTestFinished, test, vi } from 'vitest'
import { library, localCloudWatch, storedBodies, withoutAws } from './library.ts'

const TLS = new URL('../testdata/tls/', import.meta.url).pathname

/** A proxy that notes what it was asked for: `CONNECT host:port`, or the method and URL of a plain request. */
async function startProxy(): Promise<{ readonly url: string; readonly asked: string[] }> {
  const asked: string[] = []
  const server = createServer((incoming, answer) => {
    asked.push(`${incoming.method} ${incoming.url}`)
    const onward = httpRequest(
      incoming.url ?? '',
      { method: incoming.method ?? '', headers: incoming.headers },
      (from) => {
        answer.writeHead(from.statusCode ?? 502, from.headers)
        from.pipe(answer)
      },
    )
    onward.on('error', () => answer.destroy())
    incoming.pipe(onward)
  })
  server.on('connect', ({ url }, socket: Socket) => {
    asked.push(`CONNECT ${url}`)
    const { hostname, port } = new URL(`http://${url}`)
    const onward = connect(Number(port), hostname, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      socket.pipe(onward).pipe(socket)
    })
    onward.on('error', () => socket.destroy())
    socket.on('error', () => onward.destroy())
  })
  return { url: `http://127.0.0.1:${await listening(server)}`, asked }
}

/** TLS in front of `url`, with the certificate of localhost. */
async function startTls(url: string): Promise<string> {
  const { hostname, port } = new URL(url)
  const files = { cert: readFileSync(`${TLS}server.pem`), key: readFileSync(`${TLS}server.key`) }
  const server = createTlsServer(files, (socket) => {
    const onward = connect(Number(port), hostname)
    socket.pipe(onward).pipe(socket)
    onward.on('error', () => socket.destroy())
    socket.on('error', () => onward.destroy())
  })
  return `https://localhost:${await listening(server)}`
}

async function listening(server: Server): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
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

test('proxy_address carries the calls of a plain endpoint', async () => {
  const proxy = await startProxy()
  const { local, send } = await library({ proxyAddress: proxy.url })
  expect((await send({ body: 'a' })).code).toBe(0)
  expect(storedBodies(local)).toEqual(['a'])
  expect(new Set(proxy.asked)).toEqual(new Set([`POST ${local.url}/`]))
})

test('a TLS endpoint is reached by CONNECT, and trusted by certificate_file_path', async () => {
  const proxy = await startProxy()
  const local = await localCloudWatch()
  const endpoint = await startTls(local.url)
  const { send } = await library({ proxyAddress: proxy.url, endpoint, certificateFilePath: `${TLS}ca.pem` }, local)
  expect((await send({ body: 'a' })).code).toBe(0)
  expect(storedBodies(local)).toEqual(['a'])
  expect(new Set(proxy.asked)).toEqual(new Set([`CONNECT ${new URL(endpoint).host}`]))
})

test('HTTPS_PROXY and HTTP_PROXY are followed, except where NO_PROXY says', async () => {
  withoutAws()
  const proxy = await startProxy()
  vi.stubEnv('HTTP_PROXY', proxy.url)
  const through = await library()
  await through.send({ body: 'a' })
  expect(proxy.asked).not.toEqual([])

  proxy.asked.length = 0
  vi.stubEnv('NO_PROXY', 'example.com,localhost')
  const around = await library()
  expect((await around.send({ body: 'b' })).code).toBe(0)
  expect(proxy.asked).toEqual([])
})

test('a certificate nobody trusts is a fault of the endpoint, and no_verify_ssl takes it', async () => {
  const local = await localCloudWatch()
  const endpoint = await startTls(local.url)
  const strict = await library({ endpoint, flushTimeoutMillis: 500 }, local)
  const sent = strict.send({ body: 'a' })
  await vi.waitUntil(() => strict.exporter.ledger.retries > 0, { timeout: 20_000 })
  expect(storedBodies(local)).toEqual([])
  await strict.exporter.shutdown()
  expect((await sent).code).toBe(1)

  const lax = await library({ endpoint, noVerifySsl: true }, local)
  expect((await lax.send({ body: 'b' })).code).toBe(0)
  expect(storedBodies(local)).toEqual(['b'])
})
