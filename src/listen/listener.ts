import { type AddressInfo, createServer, type ListenOptions, type Server, type Socket } from 'node:net'
import { ComponentError } from '../component/component.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { ConnectionRoom } from './connection-room.ts'
import { listenOptions, type Endpoint } from './endpoint.ts'

/** A client sends its first bytes at once; a connection that stays silent only takes up a place. */
const SILENT_LIMIT_MS = 10_000
const SILENT_CHECK_MS = 2_000

export interface ListenerOptions {
  readonly endpoint: Endpoint
  /** The YAML path of the endpoint, for errors. */
  readonly where: string
  /** Connections beyond this are closed as they come. */
  readonly maxConnections: number
  /** Shared with other listeners; without it they are so few that they belong to its reserve. */
  readonly room?: ConnectionRoom | undefined
  /** Where siblings listen on the same port: see `Siblings.ports`; and the name under which this listener is known there. */
  readonly shared?: { readonly ports: Map<string, number>; readonly name: string } | undefined
  readonly logger: Logger
}

/** Binds a server to its endpoint and owns every socket of it, whatever protocol is spoken on them. */
export class Listener {
  readonly #server: Server
  readonly #options: ListenerOptions
  /** Open connections and when they came, by `performance.now()`. */
  readonly #sockets = new Map<Socket, number>()
  #silentCheck: NodeJS.Timeout | undefined
  readonly #refusedSaid = new Set<string>()
  #closing = false

  constructor(server: Server, options: ListenerOptions) {
    this.#server = server
    this.#options = options
    server.maxConnections = options.maxConnections
    server.on('connection', (socket: Socket) => this.#opened(socket))
    server.on('drop', () => this.#turnedAway('over max_connections', options.maxConnections))
    // A handshake that ends after the others were told to go: there is no request to wait for.
    server.on('secureConnection', (socket: Socket) => void (this.#closing && socket.destroy()))
  }

  get connections(): number {
    return this.#sockets.size
  }

  /** As `host:port` or the path; once it is open. */
  get address(): string {
    const address = this.#server.address()
    if (address === null) return ''
    if (typeof address === 'string') return address
    return address.family === 'IPv6' ? `[${address.address}]:${address.port}` : `${address.address}:${address.port}`
  }

  /** The port that was bound, also where the endpoint said 0. */
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
    // The kernel deals connections out to all that listen so. The parent could do it in turn, by node:cluster, but a
    // connection that it hands to a process which is just dying is held for ever, neither served nor closed (Node 24).
    const known = shared.ports.get(shared.name)
    const port = endpoint.port === 0 ? (known ?? 0) : endpoint.port
    if (known === undefined) await checkFree({ ...options, port })
    return { ...options, port, reusePort: true, exclusive: true }
  }

  /** Takes no connection any more, waits for the open ones, and from the abort on closes them. */
  async close(signal: AbortSignal): Promise<void> {
    clearInterval(this.#silentCheck)
    if (!this.#server.listening) return
    this.#closing = true
    const closed = new Promise<void>((resolve) => this.#server.once('close', resolve))
    this.#server.close()
    // Connections on which nothing was ever asked: nobody waits there for an answer.
    this.#closeSilent(0)
    const destroy = () => this.#destroyAll()
    if (signal.aborted) destroy()
    else signal.addEventListener('abort', destroy, { once: true })
    await closed
    // The server is closed a moment before the last of its sockets says that it is.
    await Promise.all(
      Array.from(this.#sockets.keys(), (socket) => new Promise((resolve) => socket.once('close', resolve))),
    )
    signal.removeEventListener('abort', destroy)
  }

  #opened(socket: Socket): void {
    const { room } = this.#options
    if (room?.take() === false) {
      this.#turnedAway('for which too few files may be open', room.most)
      socket.destroy()
      return
    }
    this.#sockets.set(socket, performance.now())
    socket.once('close', () => {
      this.#sockets.delete(socket)
      room?.giveBack()
    })
    // A reset is the peer's affair, and whoever speaks on the socket deals with it.
    socket.on('error', (error) => this.#options.logger.debug('a connection failed', { error: error.message }))
  }

  #turnedAway(which: string, most: number): void {
    if (this.#refusedSaid.has(which)) return
    this.#refusedSaid.add(which)
    const { where, logger } = this.#options
    logger.warn(`connections ${which} are closed as they come (said once)`, { endpoint: where, most })
  }

  #closeSilent(olderThanMs: number): void {
    const before = performance.now() - olderThanMs
    for (const [socket, since] of this.#sockets) {
      if (since > before) return
      if (socket.bytesRead === 0) socket.destroy()
    }
  }

  #destroyAll(): void {
    for (const socket of this.#sockets.keys()) socket.destroy()
  }

  #unbindable(cause: NodeJS.ErrnoException): ComponentError {
    if (cause instanceof ComponentError) return cause
    const { endpoint, where } = this.#options
    const address = endpoint.kind === 'unix' ? endpoint.path : `${endpoint.host}:${endpoint.port}`
    const why =
      PROBLEMS[cause.code ?? ''] ?? `cannot be listened on (${cause.message}): write an address of this machine`
    return new ComponentError(`${where}: ${address} ${why}`, { cause })
  }
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

/** The first of the siblings would share the port also with another daemon that has workers, and nobody would notice. */
async function checkFree(options: ListenOptions): Promise<void> {
  const probe = createServer()
  await listen(probe, { ...options, exclusive: true })
  await new Promise((resolve) => probe.close(resolve))
}

const PROBLEMS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is in use: stop the process that listens there, or write another port',
  EACCES: 'may not be listened on by this user: write a port of 1024 or more, or a path this user may write to',
  EADDRNOTAVAIL: 'is no address of this machine: write one of its own, localhost or 0.0.0.0',
  ENOTFOUND: 'has a host that cannot be resolved: write an IP address, localhost or 0.0.0.0',
}
