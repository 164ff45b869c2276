import type { Component, ComponentSettings, Host } from '../../component/component.ts'
import type { LogsConsumer } from '../../component/consumer.ts'
import { formatComponentId } from '../../component/id.ts'
import { roomForSenders } from '../../listen/connection-room.ts'
import { authenticatorOf } from './authenticator-of.ts'
import type { OtlpReceiverConfig } from './config.ts'
import { emitCounters, METRICS, TransportCounters } from './counters.ts'
import { Forward } from './forward.ts'
import { GrpcTransport } from './grpc.ts'
import { HttpTransport } from './http.ts'
import { NotLogs } from './not-logs.ts'

interface Transport {
  readonly name: 'grpc' | 'http'
  readonly counters: TransportCounters
  readonly configuredLimitBytes: number
  readonly server: GrpcTransport | HttpTransport
}

/** Takes OTLP logs by gRPC and HTTP. */
export class OtlpReceiver implements Component {
  readonly #settings: ComponentSettings<OtlpReceiverConfig>
  readonly #transports: Transport[] = []
  /** A request larger than half of the budget would be told to come back for ever. */
  readonly #mostBytes: number
  #unregister = () => {}

  constructor(settings: ComponentSettings<OtlpReceiverConfig>, next: LogsConsumer) {
    this.#settings = settings
    const { config, logger, budget, siblings } = settings
    const shared = siblings.ports && { ports: siblings.ports, receiver: formatComponentId(settings.id) }
    this.#mostBytes = Math.floor(budget.capacity / 2)
    const { grpc, http } = config.protocols
    const notLogs = new NotLogs(logger)
    if (grpc !== undefined) {
      const counters = new TransportCounters()
      const limitBytes = Math.min(grpc.limitBytes, this.#mostBytes)
      const forward = new Forward(next, counters)
      const server = new GrpcTransport({ config: grpc, limitBytes, budget, forward, notLogs, logger, shared })
      this.#transports.push({ name: 'grpc', counters, configuredLimitBytes: grpc.limitBytes, server })
    }
    if (http !== undefined) {
      const counters = new TransportCounters()
      const limitBytes = Math.min(http.limitBytes, this.#mostBytes)
      const forward = new Forward(next, counters)
      const server = new HttpTransport({ config: http, limitBytes, budget, forward, notLogs, logger, shared })
      this.#transports.push({ name: 'http', counters, configuredLimitBytes: http.limitBytes, server })
    }
  }

  /** The port of a transport, once it is open: where the endpoint said 0, the one the system gave. */
  port(transport: 'grpc' | 'http'): number | undefined {
    return this.#transports.find(({ name }) => name === transport)?.server.listener?.port
  }

  async start(host: Host): Promise<void> {
    const { id, config, metrics, logger } = this.#settings
    const { grpc, http } = config.protocols
    const wanted = Math.max(grpc?.max_connections ?? 0, http?.max_connections ?? 0)
    if (wanted > roomForSenders.most) {
      logger.warn('max_connections cannot be had, as the process may not have so many files open: raise ulimit -n', {
        max_connections: wanted,
        most: roomForSenders.most,
      })
    }
    for (const { name, configuredLimitBytes, server } of this.#transports) {
      if (configuredLimitBytes > this.#mostBytes) {
        logger.warn('the limit of a request is lowered to half of the byte budget', {
          transport: name,
          limit_bytes: this.#mostBytes,
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

  async shutdown(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#transports.map(({ server }) => server.shutdown(signal)))
    this.#unregister()
  }
}
