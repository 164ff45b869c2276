import { createServer, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { GRPC_CODES } from '../../../component/answers.ts'
import type { Authenticator } from '../../../component/authenticator.ts'
import { Deadlines } from '../../../listen/deadlines.ts'
import { http1Answer, HTTP2_CODES, http2Goaway, lastWords } from '../../../listen/socket/last-words.ts'
import type { Listener } from '../../../listen/socket/listener.ts'
import { firstProtocol } from '../../../listen/socket/protocols.ts'
import { ServerTls } from '../../../listen/tls/tls.ts'
import type { GrpcConfig } from '../config.ts'
import type { GrpcService } from './grpc-service.ts'
import { refuseTls } from '../../../intake/refusals/refuse-tls.ts'
import { TOO_MANY_CONNECTIONS, tlsOnPlainPort, wrongPort } from '../../../intake/refusals/refusals.ts'
import { createListener, type TransportSettings } from '../../../intake/transport.ts'

/** ms to receive a whole message; OTLP's own clients give up after 10 s. */
const RECEIVE_TIMEOUT_MS = 60_000

const WHERE = 'protocols.grpc'

/** The sockets of OTLP/gRPC. GrpcService is loaded on the first connection, as many daemons receive HTTP only. */
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
    const serve = (socket: Socket) => this.#opened(socket)
    const sockets = tls === undefined ? createServer(serve) : createTlsServer({ ...tls, ALPNProtocols: ['h2'] }, serve)
    sockets.on('tlsClientError', (error: NodeJS.ErrnoException, socket: Socket) =>
      refuseTls(this.#settings.refusals, socket, error),
    )
    this.#listener = createListener(sockets, this.#settings, undefined)
    await this.#listener.open()
    if ('setSecureContext' in sockets) this.#tls?.watch(sockets)
    this.#deadlines.start()
  }

  /** Lets calls finish until the abort. */
  async shutdown(signal: AbortSignal): Promise<void> {
    // A failure to load has been logged; there are no sessions then.
    const sessionsClosed = this.#service?.then(
      (service) => service.shutdown(),
      () => {},
    )
    await this.#listener?.close(signal)
    await sessionsClosed
    await this.#tls?.close()
    this.#deadlines.close()
  }

  #opened(socket: Socket): void {
    // A client may disconnect before the service is loaded, and the Listener handles errors of plain sockets only.
    socket.on('error', () => {})
    firstProtocol(socket, (protocol) => {
      if (protocol === 'http2') void this.#serve(socket)
      else this.#refuse(socket, protocol)
    })
  }

  /** Answers clients that do not speak HTTP/2 in HTTP/1.1; TLS clients report that as "not TLS". */
  #refuse(socket: Socket, protocol: 'http1' | 'tls' | undefined): void {
    const { refusals, otherPort } = this.#settings
    const advice =
      protocol === 'tls'
        ? tlsOnPlainPort('grpc')
        : wrongPort(protocol === 'http1' ? 'HTTP/1.1' : 'bytes that are not HTTP/2', 'gRPC', 'http', otherPort())
    refusals.connection('wrong_protocol', advice, socket.remoteAddress)
    lastWords(socket, http1Answer('400 Bad Request', GRPC_CODES.INVALID_ARGUMENT, advice))
  }

  async #serve(socket: Socket): Promise<void> {
    if (this.#listener?.isRefused(socket))
      return lastWords(socket, http2Goaway(HTTP2_CODES.ENHANCE_YOUR_CALM, TOO_MANY_CONNECTIONS.message))
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
    const served = (peer: string) => this.#listener?.served(peer)
    return new Service(this.#settings, this.#authenticator, this.#deadlines, served)
  }
}
