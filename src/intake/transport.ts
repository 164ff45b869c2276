import type { ByteBudget } from '../component/byte-budget.ts'
import { ComponentError } from '../component/component.ts'
import { CONNECTION_BYTES, HEAD_IN_FLIGHT_FACTOR, roomForSenders } from '../listen/socket/connection-room.ts'
import { parseEndpoint } from '../listen/socket/endpoint.ts'
import { type ConnectionRefusal, Listener } from '../listen/socket/listener.ts'
import type { Server } from 'node:net'
import type { Logger } from '../telemetry/logger.ts'
import type { ListenerConfig } from './config.ts'
import type { Forward } from './forward.ts'
import type { RefusalLog } from './refusals/refusal-log.ts'
import { TOO_MANY_CONNECTIONS } from './refusals/refusals.ts'

/** Settings of a transport (gRPC or HTTP). */
export interface TransportSettings<Config> {
  readonly config: Config
  /** Prefix of the option names in errors: `protocols.http.`. */
  readonly where: string
  /** Maximum bytes of a request, before and after decompression. */
  readonly limitBytes: number
  readonly budget: ByteBudget
  readonly forward: Forward
  readonly refusals: RefusalLog
  /** The port of the receiver's other protocol, for senders that use the wrong one. */
  readonly otherPort: () => number | undefined
  readonly logger: Logger
  /** Ports shared with sibling processes, and the receiver's id. */
  readonly shared: { readonly ports: Map<string, number>; readonly receiver: string } | undefined
}

export function createListener(
  server: Server,
  { config, logger, shared, refusals, where }: TransportSettings<ListenerConfig>,
  fullAnswer: Uint8Array | undefined,
): Listener {
  const parsed = parseEndpoint(config.endpoint, config.transport)
  if ('problem' in parsed) throw new ComponentError(`${where}endpoint: ${parsed.problem}`)
  const connectionBytes = bytesOfConnection(config)
  const maxConnections = Math.min(config.max_connections ?? Infinity, roomForSenders.fits(connectionBytes))
  const options = { endpoint: parsed.endpoint, where: `${where}endpoint`, maxConnections, connectionBytes, fullAnswer }
  const name = `${shared?.receiver} ${where}`
  return new Listener(server, {
    ...options,
    room: roomForSenders,
    refused: (reason, address) => refusals.connection(reason, CLOSED[reason], address),
    logger,
    shared: shared && { ports: shared.ports, name },
  })
}

/** Returns the maximum bytes of a request: a larger one would be retried forever. */
export function maxRequestBytes({ capacity }: ByteBudget): number {
  return Math.floor(capacity / 2)
}

export function warnOfLimit(
  logger: Logger,
  configuredBytes: number,
  maxBytes: number,
  fields: Readonly<Record<string, unknown>> = {},
): void {
  if (configuredBytes <= maxBytes) return
  const values = { ...fields, limit_bytes: maxBytes, configured_bytes: configuredBytes }
  logger.warn('the limit of a request is lowered to half of the byte budget', values)
}

/** Memory that a connection costs, including the largest head that may be in flight on it. */
function bytesOfConnection(config: ListenerConfig): number {
  const protocol = config.maxConcurrentStreams !== undefined ? CONNECTION_BYTES.http2 : CONNECTION_BYTES.http1
  return protocol + (config.tls ? CONNECTION_BYTES.tls : 0) + HEAD_IN_FLIGHT_FACTOR * config.max_header_bytes
}

const CLOSED: Readonly<Record<ConnectionRefusal, string>> = {
  too_many_connections: TOO_MANY_CONNECTIONS.message,
  silent: 'it opened a connection and sent nothing for 10 s: connect only when there is something to send',
}

/** Warns about a `max_connections` that does not fit, with what limits it. */
export function warnOfConnections(
  logger: Logger,
  transport: 'grpc' | 'http',
  config: ListenerConfig | undefined,
): void {
  if (config?.max_connections === undefined) return
  const { max_connections } = config
  const connectionBytes = bytesOfConnection(config)
  const most = roomForSenders.fits(connectionBytes)
  if (max_connections <= most) return
  const advice =
    most === roomForSenders.maxConnections
      ? 'max_connections exceeds the open files that this process may have: raise ulimit -n'
      : 'max_connections exceeds what the memory allows: raise the memory limit, or lower max_header_bytes'
  logger.warn(advice, { transport, max_connections, most, connection_bytes: connectionBytes })
}
