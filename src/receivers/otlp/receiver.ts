import type { Component, ComponentSettings, Host } from '../../component/component.ts'
import type { LogsConsumer } from '../../component/consumer.ts'
import { formatComponentId } from '../../component/id.ts'
import { authenticatorOf } from '../../intake/authenticator-of.ts'
import { emitCounters, METRICS, TransportCounters } from '../../intake/counters.ts'
import { Forward } from '../../intake/forward.ts'
import { HttpDoor } from '../../intake/http/http-door.ts'
import { RefusalLog } from '../../intake/refusals/refusal-log.ts'
import { maxRequestBytes, warnOfConnections, warnOfLimit } from '../../intake/transport.ts'
import type { OtlpReceiverConfig } from './config.ts'
import { GrpcTransport } from './grpc/grpc.ts'
import { HttpLogs } from './http/http-logs.ts'

interface Transport {
  readonly name: 'grpc' | 'http'
  readonly counters: TransportCounters
  readonly refusals: RefusalLog
  readonly configuredLimitBytes: number
  readonly server: GrpcTransport | HttpDoor
}

/** Receives OTLP logs over gRPC and HTTP. */
export class OtlpReceiver implements Component {
  readonly #settings: ComponentSettings<OtlpReceiverConfig>
  readonly #transports: Transport[] = []
  /** Maximum bytes of a request. */
  readonly #maxBytes: number
  #unregister = () => {}

  constructor(settings: ComponentSettings<OtlpReceiverConfig>, next: LogsConsumer) {
    this.#settings = settings
    const { config, logger, budget, siblings } = settings
    const shared = siblings.ports && { ports: siblings.ports, receiver: formatComponentId(settings.id) }
    this.#maxBytes = maxRequestBytes(budget)
    const { grpc, http } = config.protocols
    if (grpc !== undefined) {
      const counters = new TransportCounters()
      const limitBytes = Math.min(grpc.limitBytes, this.#maxBytes)
      const forward = new Forward(next, counters)
      const refusals = new RefusalLog('grpc', counters, logger)
      const otherPort = () => this.port('http')
      const server = new GrpcTransport({
        config: grpc,
        where: 'protocols.grpc.',
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
      const door = {
        config: http,
        where: 'protocols.http.',
        speaks: 'OTLP/HTTP',
        limitBytes,
        budget,
        forward,
        refusals,
        otherPort,
        logger,
        shared,
      }
      const server = new HttpDoor(door, new HttpLogs(door, http))
      this.#transports.push({ name: 'http', counters, refusals, configuredLimitBytes: http.limitBytes, server })
    }
  }

  /** The port of a transport once it is open; the port the system chose if the endpoint has port 0. */
  port(transport: 'grpc' | 'http'): number | undefined {
    return this.#transports.find(({ name }) => name === transport)?.server.listener?.port
  }

  async start(host: Host): Promise<void> {
    const { id, config, metrics, logger } = this.#settings
    for (const name of ['grpc', 'http'] as const) warnOfConnections(logger, name, config.protocols[name])
    for (const { name, configuredLimitBytes, server } of this.#transports) {
      warnOfLimit(logger, configuredLimitBytes, this.#maxBytes, { transport: name })
      await server.start(authenticatorOf(config.protocols[name], host, `protocols.${name}.`))
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
    for (const { refusals } of this.#transports) refusals.close()
    this.#unregister()
  }
}
