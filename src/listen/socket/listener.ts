import { type AddressInfo, createServer, type ListenOptions, type Server, type Socket } from 'node:net'
import { ComponentError } from '../../component/component.ts'
import type { Logger } from '../../telemetry/logger.ts'
import type { ConnectionRoom, Guest } from './connection-room.ts'
import { listenOptions, type Endpoint } from './endpoint.ts'

/** A client sends its first bytes at once; a connection that stays silent only takes up a place. */
const SILENT_LIMIT_MS = 10_000
const SILENT_CHECK_MS = 2_000

/** Connections over the limit that get a refusal; further ones are closed without one. */
const MAX_REFUSED = 64

/** `silent`: closed after 10 s without a byte. */
export type ConnectionRefusal = 'too_many_connections' | 'silent'

export interface ListenerOptions {
  readonly endpoint: Endpoint
  /** The YAML path of the endpoint, for errors. */
  readonly where: string
  /** Beyond this, a new connection replaces the oldest one without a request, or is refused if all have had a request. */
  readonly maxConnections: number
  /** Shared with other listeners; undefined for a listener with so few connections that the reserve covers them. */
  readonly room?: ConnectionRoom | undefined
  /** Memory that one connection costs, charged to the room. */
  readonly connectionBytes?: number
  /** Response to a connection that is closed to make room for another; undefined if TLS comes first. */
  readonly fullAnswer?: Uint8Array | undefined
  /** Called for connections closed before their first accepted request. @param address address of the client */
  readonly refused?: ((reason: ConnectionRefusal, address: string) => void) | undefined
  /** If siblings listen on the same port: see `Siblings.ports`, and the name of this listener in it. */
  readonly shared?: { readonly ports: Map<string, number>; readonly name: string } | undefined
  readonly logger: Logger
}

/** Binds a server to its endpoint and owns all its sockets, whatever their protocol. */
export class Listener {
  readonly #server: Server
  readonly #options: ListenerOptions
  /** Open connections. */
  readonly #sockets = new Map<Socket, Connection>()
  /** Connections without an accepted request, oldest first. */
  readonly #unserved = new Set<Connection>()
  /** Connections over the limit, kept for a moment to get a refusal. */
  readonly #refused = new Map<Socket, Connection>()
  /** Unserved and turned away connections by the client's address: TLS and HTTP/2 wrap these sockets in others. */
  readonly #byPeer = new Map<string, Connection>()
  #silentCheck: NodeJS.Timeout | undefined
  #closing = false

  constructor(server: Server, options: ListenerOptions) {
    this.#server = server
    this.#options = options
    server.on('connection', (socket: Socket) => this.#opened(socket))
    // A handshake that ends after shutdown began: there is no request to wait for.
    server.on('secureConnection', (socket: Socket) => void (this.#closing && socket.destroy()))
  }

  get connections(): number {
    return this.#sockets.size
  }

  /** `host:port` or the path, once it is open. */
  get address(): string {
    const address = this.#server.address()
    if (address === null) return ''
    if (typeof address === 'string') return address
    return address.family === 'IPv6' ? `[${address.address}]:${address.port}` : `${address.address}:${address.port}`
  }

  /** The bound port, also if the endpoint has port 0. */
  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? 0
  }

  /** @throws ComponentError when the endpoint cannot be bound */
  async open(): Promise<void> {
    const server = this.#server
    try {
      await listen(server, await this.#listenOptions())
    } catch (cause) {
      throw this.#unbindable(cause as NodeJS.ErrnoException)
    }
    this.#options.shared?.ports.set(this.#options.shared.name, this.port)
    server.on('error', (error) => this.#options.logger.error('the listener failed', { error: error.message }))
    this.#silentCheck = setInterval(() => this.#closeSilent(SILENT_LIMIT_MS), SILENT_CHECK_MS).unref()
  }

  async #listenOptions(): Promise<ListenOptions> {
    const { endpoint, shared, where } = this.#options
    const options = await listenOptions(endpoint)
    if (shared === undefined) return options
    if (endpoint.kind === 'unix')
      throw new ComponentError(
        `${where}: ${endpoint.path} is a Unix socket, which workers cannot share: write a host and port, or service.workers: 1`,
      )
    // The kernel distributes connections over all sockets with `reusePort`. node:cluster could do it round-robin in the
    // parent, but a connection that it passes to a dying process is held forever, neither served nor closed (Node 24).
    const known = shared.ports.get(shared.name)
    const port = endpoint.port === 0 ? (known ?? 0) : endpoint.port
    if (known === undefined) await checkFree({ ...options, port })
    return { ...options, port, reusePort: true, exclusive: true }
  }

  /** Stops accepting connections, waits for the open ones, and closes them at the abort. */
  async close(signal: AbortSignal): Promise<void> {
    clearInterval(this.#silentCheck)
    if (!this.#server.listening) return
    this.#closing = true
    const closed = new Promise<void>((resolve) => this.#server.once('close', resolve))
    this.#server.close()
    // On connections without a byte, no client waits for a response.
    this.#closeSilent(0)
    const destroy = () => this.#destroyAll()
    if (signal.aborted) destroy()
    else signal.addEventListener('abort', destroy, { once: true })
    await closed
    // The server emits `close` a moment before the last of its sockets does.
    await Promise.all(this.#openSockets.map((socket) => new Promise((resolve) => socket.once('close', resolve))))
    signal.removeEventListener('abort', destroy)
  }

  /**
   * Notes an accepted request: its connection is not closed to make room for others.
   * @param socket socket of the connection, or `address:port` of the client
   */
  served(socket: Peer | string): void {
    if (this.#unserved.size === 0) return
    const connection = this.#sockets.get(socket as Socket) ?? this.#byPeer.get(peerOf(socket))
    if (connection === undefined) return
    this.#forgetUnserved(connection)
    this.#options.room?.served(connection)
  }

  /** Returns whether the connection is over the limit: refuse its request and close the connection. */
  isRefused(socket: Peer): boolean {
    if (this.#refused.size === 0) return false
    if (this.#refused.has(socket as Socket)) return true
    const connection = this.#byPeer.get(peerOf(socket))
    return connection !== undefined && this.#refused.has(connection.socket)
  }

  #opened(socket: Socket): void {
    const { room, connectionBytes = 0, maxConnections, logger } = this.#options
    // The protocol handler deals with a reset; here it only needs a listener.
    socket.on('error', (error) => logger.debug('a connection failed', { error: error.message }))
    const connection: Connection = {
      socket,
      since: performance.now(),
      peer: peerOf(socket),
      evict: () => this.#evict(connection),
    }
    if (this.#sockets.size >= maxConnections) this.#evictOldest()
    const admitted =
      this.#sockets.size < maxConnections && (room === undefined || room.admit(connection, connectionBytes))
    if (!admitted) return this.#refuse(connection)
    this.#sockets.set(socket, connection)
    if (connection.peer === '') room?.served(connection)
    else {
      this.#unserved.add(connection)
      this.#byPeer.set(connection.peer, connection)
    }
    socket.once('close', () => this.#forget(connection))
  }

  /** Keeps the connection for a moment if there are few such, so that its protocol can send a refusal. */
  #refuse(connection: Connection): void {
    const { socket } = connection
    this.#options.refused?.('too_many_connections', socket.remoteAddress ?? '')
    const { room } = this.#options
    if (this.#refused.size === MAX_REFUSED || room?.admitForAnswer(connection) === false) {
      socket.destroy()
      return
    }
    this.#refused.set(socket, connection)
    if (connection.peer !== '') this.#byPeer.set(connection.peer, connection)
    socket.once('close', () => this.#forget(connection))
  }

  #evictOldest(): void {
    const [oldest] = this.#unserved
    if (oldest === undefined) return
    this.#options.room?.leave(oldest)
    this.#evict(oldest)
  }

  #evict(connection: Connection): void {
    const { refused, fullAnswer } = this.#options
    const { socket } = connection
    this.#forget(connection)
    refused?.('too_many_connections', socket.remoteAddress ?? '')
    // Written at once or not at all: waiting for the client would exceed the limit.
    if (fullAnswer !== undefined && socket.bytesWritten === 0) socket.write(fullAnswer)
    socket.destroy()
  }

  #forget(connection: Connection): void {
    this.#sockets.delete(connection.socket)
    this.#refused.delete(connection.socket)
    this.#forgetUnserved(connection)
    this.#options.room?.leave(connection)
  }

  #forgetUnserved(connection: Connection): void {
    this.#unserved.delete(connection)
    if (this.#byPeer.get(connection.peer) === connection) this.#byPeer.delete(connection.peer)
  }

  #closeSilent(olderThanMs: number): void {
    const now = performance.now()
    for (const { socket, since } of this.#refused.values()) if (since < now - SILENT_CHECK_MS) socket.destroy()
    const before = now - olderThanMs
    for (const { socket, since } of this.#sockets.values()) {
      if (since > before) return
      if (socket.bytesRead > 0) continue
      if (olderThanMs > 0) this.#options.refused?.('silent', socket.remoteAddress ?? '')
      socket.destroy()
    }
  }

  #destroyAll(): void {
    for (const socket of this.#openSockets) socket.destroy()
  }

  get #openSockets(): Socket[] {
    return [...this.#sockets.keys(), ...this.#refused.keys()]
  }

  #unbindable(cause: NodeJS.ErrnoException): ComponentError {
    if (cause instanceof ComponentError) return cause
    const { endpoint, where } = this.#options
    const address = endpoint.kind === 'unix' ? endpoint.path : `${endpoint.host}:${endpoint.port}`
    const why = PROBLEMS[cause.code ?? ''] ?? `cannot be bound (${cause.message}): write an address of this machine`
    return new ComponentError(`${where}: ${address} ${why}`, { cause })
  }
}

interface Connection extends Guest {
  readonly socket: Socket
  /** When it was opened, by `performance.now()`. */
  readonly since: number
  /** Empty on a Unix socket, whose clients are local and indistinguishable; they do not make room for others. */
  readonly peer: string
}

/** A socket, or the wrapper of TLS or HTTP/2 around it. */
export interface Peer {
  readonly remoteAddress?: string | undefined
  readonly remotePort?: number | undefined
}

function peerOf(peer: Peer | string): string {
  if (typeof peer === 'string') return peer
  return peer.remotePort === undefined ? '' : `${peer.remoteAddress}:${peer.remotePort}`
}

function listen(server: Server, options: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(options, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

/** Without this check, the first sibling would silently share the port with another daemon that has workers. */
async function checkFree(options: ListenOptions): Promise<void> {
  const probe = createServer()
  await listen(probe, { ...options, exclusive: true })
  await new Promise((resolve) => probe.close(resolve))
}

const PROBLEMS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is in use: stop the process that listens there, or write another port',
  EACCES: 'needs a permission this user lacks: write a port of 1024 or more, or a path this user may write to',
  EADDRNOTAVAIL: 'is not an address of this machine: write one of its own, localhost or 0.0.0.0',
  ENOTFOUND: 'has a host that cannot be resolved: write an IP address, localhost or 0.0.0.0',
}
