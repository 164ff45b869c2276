// Proxies, and TLS in front of a server, in the test's own process.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, request as httpRequest } from 'node:http'
import { connect, type AddressInfo, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { onTestFinished } from 'vitest'

export const TLS = new URL('../../testdata/tls/', import.meta.url).pathname

/**
 * A proxy that notes what it was asked for: `CONNECT host:port`, or the method and URL of a plain request.
 * @param to where everything is sent, whatever host was asked for
 */
export async function startProxy(to?: string): Promise<{ readonly url: string; readonly asked: string[] }> {
  const asked: string[] = []
  const server = createServer((incoming, answer) => {
    asked.push(`${incoming.method} ${incoming.url}`)
    const onward = httpRequest(
      to ?? incoming.url ?? '',
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
    const { hostname, port } = new URL(to ?? `http://${url}`)
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
export async function startTls(url: string): Promise<string> {
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
