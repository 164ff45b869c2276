import type { ByteBudget } from '../../component/byte-budget.ts'
import { ComponentError } from '../../component/component.ts'
import { roomForSenders } from '../../listen/connection-room.ts'
import { parseEndpoint } from '../../listen/endpoint.ts'
import { Listener } from '../../listen/listener.ts'
import type { Server } from 'node:net'
import type { Logger } from '../../telemetry/logger.ts'
import type { GrpcConfig, HttpConfig } from './config.ts'
import type { Forward } from './forward.ts'
import type { NotLogs } from './not-logs.ts'

/** What each of the two transports is made of. */
export interface TransportSettings<Config> {
  readonly config: Config
  /** Most bytes of a request, before and after decompression. */
  readonly limitBytes: number
  readonly budget: ByteBudget
  readonly forward: Forward
  readonly notLogs: NotLogs
  readonly logger: Logger
  /** Ports that sibling processes listen on too, and the receiver's id. */
  readonly shared: { readonly ports: Map<string, number>; readonly receiver: string } | undefined
}

/** @param where the YAML path of the protocol, for errors */
export function createListener(
  server: Server,
  { config, logger, shared }: TransportSettings<GrpcConfig | HttpConfig>,
  where: string,
): Listener {
  const parsed = parseEndpoint(config.endpoint, config.transport)
  if ('problem' in parsed) throw new ComponentError(`${where}.endpoint: ${parsed.problem}`)
  const options = { endpoint: parsed.endpoint, where: `${where}.endpoint`, maxConnections: config.max_connections }
  const name = `${shared?.receiver} ${where}`
  return new Listener(server, {
    ...options,
    room: roomForSenders,
    logger,
    shared: shared && { ports: shared.ports, name },
  })
}
