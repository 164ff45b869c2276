import { createServer, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import type { Authenticator } from '../../component/authenticator.ts'
import { Deadlines } from '../../listen/deadlines.ts'
import type { Listener } from '../../listen/listener.ts'
import { ServerTls } from '../../listen/tls.ts'
import type { GrpcConfig } from './config.ts'
import type { GrpcService } from './grpc-service.ts'
import { createListener, type TransportSettings } from './transport.ts'

/** ms for a whole message to arrive; OTLP's own clients give up after 10 s. */
const RECEIVE_TIMEOUT_MS = 60_000

const WHERE = 'protocols.grpc'

/** OTLP/gRPC: the sockets. What speaks gRPC on them is loaded for the first, as many daemons only ever hear HTTP. */
export class GrpcTransport {
  readonly #settings: TransportSettings<GrpcConfig>
  readonly #tls: ServerTls | undefined
  readonly #deadlines = new Deadlines(RECEIVE_TIMEOUT_MS)
  #authenticator: Authenticator | undefined
  #service: Promise<GrpcService> | undefined
  #listener: Listener | undefined

  constructor(settings: TransportSettings<GrpcConfig>) {
    this.#settings = settings
    const { config, logger } = settings
    this.#tls = config.tls ? new ServerTls(config.tls, `${WHERE}.tls`, logger) : undefined
  }

  get listener(): Listener | undefined {
    return this.#listener
  }

  /** @throws ComponentError */
  async start(authenticator: Authenticator | undefined): Promise<void> {
    this.#authenticator = authenticator
    const tls = await this.#tls?.load()
    const serve = (socket: Socket) => void this.#serve(socket)
    const sockets = tls === undefined ? createServer(serve) : createTlsServer({ ...tls, ALPNProtocols: ['h2'] }, serve)
    this.#listener = createListener(sockets, this.#settings, WHERE)
    await this.#listener.open()
    if ('setSecureContext' in sockets) this.#tls?.watch(sockets)
    this.#deadlines.start()
  }

  /** Lets calls finish until the abort. */
  async shutdown(signal: AbortSignal): Promise<void> {
    // One that could not be loaded has been told of, and has no sessions.
    const sessionsClosed = this.#service?.then(
      (service) => service.shutdown(),
      () => {},
    )
    await this.#listener?.close(signal)
    await sessionsClosed
    await this.#tls?.close()
    this.#deadlines.close()
  }

  async #serve(socket: Socket): Promise<void> {
    // A client may be gone before there is anybody to speak with it, and the Listener hears of plain sockets only.
    socket.on('error', () => {})
    try {
      this.#service ??= this.#load()
      const service = await this.#service
      if (!socket.destroyed) service.inject(socket)
    } catch (error) {
      this.#service = undefined
      this.#settings.logger.error('gRPC could not be loaded; its connections are closed', { error })
      socket.destroy()
    }
  }

  async #load(): Promise<GrpcService> {
    const { GrpcService: Service } = await import('./grpc-service.ts')
    return new Service(this.#settings, this.#authenticator, this.#deadlines)
  }
}
