import type { Component, ComponentSettings, Host } from '../../component/component.ts'
import type { LogsConsumer } from '../../component/consumer.ts'
import { formatComponentId } from '../../component/id.ts'
import { roomForSenders } from '../../listen/socket/connection-room.ts'
import type { GrpcConfig, HttpConfig } from './config.ts'
import { authenticatorOf } from './authenticator-of.ts'
import type { OtlpReceiverConfig } from './config.ts'
import { emitCounters, METRICS, TransportCounters } from './counters.ts'
import { Forward } from './forward.ts'
import { GrpcTransport } from './grpc/grpc.ts'
import { HttpTransport } from './http/http.ts'
import { RefusalLog } from './refusals/refusal-log.ts'
import { bytesOfConnection } from './transport.ts'

interface Transport {
  readonly name: 'grpc' | 'http'
  readonly counters: TransportCounters
  readonly refusals: RefusalLog
  readonly configuredLimitBytes: number
  readonly server: GrpcTransport | HttpTransport
}

/** Receives OTLP logs over gRPC and HTTP. */
export class OtlpReceiver implements Component {
  readonly #settings: ComponentSettings<OtlpReceiverConfig>
  readonly #transports: Transport[] = []
  /** Maximum bytes of a request. One larger than half of the budget would be retried forever. */
  readonly #maxBytes: number
  #unregister = () => {}

  constructor(settings: ComponentSettings<OtlpReceiverConfig>, next: LogsConsumer) {
    this.#settings = settings
    const { config, logger, budget, siblings } = settings
    const shared = siblings.ports && { ports: siblings.ports, receiver: formatComponentId(settings.id) }
    this.#maxBytes = Math.floor(budget.capacity / 2)
    const { grpc, http } = config.protocols
    if (grpc !== undefined) {
      const counters = new TransportCounters()
      const limitBytes = Math.min(grpc.limitBytes, this.#maxBytes)
      const forward = new Forward(next, counters)
      const refusals = new RefusalLog('grpc', counters, logger)
      const otherPort = () => this.port('http')
      const server = new GrpcTransport({
        config: grpc,
        limitBytes,
        budget,
        forward,
        refusals,
        otherPort,
        logger,
        shared,
      })
      this.#transports.push({ name: 'grpc', counters, refusals, configuredLimitBytes: grpc.limitBytes, server })
    }
    if (http !== undefined) {
      const counters = new TransportCounters()
      const limitBytes = Math.min(http.limitBytes, this.#maxBytes)
      const forward = new Forward(next, counters)
      const refusals = new RefusalLog('http', counters, logger)
      const otherPort = () => this.port('grpc')
      const server = new HttpTransport({
        config: http,
        limitBytes,
        budget,
        forward,
        refusals,
        otherPort,
        logger,
        shared,
      })
      this.#transports.push({ name: 'http', counters, refusals, configuredLimitBytes: http.limitBytes, server })
    }
  }

  /** The port of a transport once it is open; the port the system chose if the endpoint has port 0. */
  port(transport: 'grpc' | 'http'): number | undefined {
    return this.#transports.find(({ name }) => name === transport)?.server.listener?.port
  }

  async start(host: Host): Promise<void> {
    const { id, config, metrics, logger } = this.#settings
    for (const name of ['grpc', 'http'] as const) this.#checkConnections(name, config.protocols[name])
    for (const { name, configuredLimitBytes, server } of this.#transports) {
      if (configuredLimitBytes > this.#maxBytes) {
        logger.warn('the limit of a request is lowered to half of the byte budget', {
          transport: name,
          limit_bytes: this.#maxBytes,
          configured_bytes: configuredLimitBytes,
        })
      }
      await server.start(authenticatorOf(config.protocols[name], host, `protocols.${name}`))
    }
    const receiver = formatComponentId(id)
    this.#unregister = metrics.register(METRICS, (emit) => {
      for (const { name, counters, server } of this.#transports) {
        emitCounters(emit, receiver, name, counters, server.listener?.connections ?? 0)
      }
    })
    const addresses = this.#transports.map(({ name, server }) => [name, server.listener?.address ?? ''])
    logger.info('listening', Object.fromEntries(addresses))
  }

  /** Warns about a `max_connections` that does not fit, with what limits it. */
  #checkConnections(transport: 'grpc' | 'http', config: GrpcConfig | HttpConfig | undefined): void {
    if (config?.max_connections === undefined) return
    const { max_connections } = config
    const connectionBytes = bytesOfConnection(config)
    const most = roomForSenders.fits(connectionBytes)
    if (max_connections <= most) return
    const advice =
      most === roomForSenders.maxConnections
        ? 'max_connections exceeds the open files that this process may have: raise ulimit -n'
        : 'max_connections exceeds what the memory allows: raise the memory limit, or lower max_header_bytes'
    this.#settings.logger.warn(advice, { transport, max_connections, most, connection_bytes: connectionBytes })
  }

  async shutdown(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#transports.map(({ server }) => server.shutdown(signal)))
    for (const { refusals } of this.#transports) refusals.close()
    this.#unregister()
  }
}
