// Connections to AWS: agents, proxies, certificates. Knows no SDK, so that a wrong setting is reported before that is loaded.

import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent, type AgentOptions } from 'node:https'
import { ComponentError } from '../../component/component.ts'
import { timerDelay } from '../../telemetry/timer-delay.ts'
import type { AwsEnvironment } from '../environment/environment.ts'
import { findProxies, type Proxies } from './proxy.ts'
import { trustedAuthorities } from './trust.ts'

/** A connection that is not made by then will not be. */
const CONNECT_TIMEOUT_MS = 3_000

/** Options of a component that speak of connections. */
export interface ConnectionConfig {
  readonly request_timeout_seconds: number
  readonly no_verify_ssl: boolean
  readonly proxy_address: string
  readonly certificate_file_path: string
}

export interface Agents {
  readonly httpAgent: HttpAgent
  readonly httpsAgent: HttpsAgent
}

/** What the SDK's HTTP handler is made of; it holds for STS too. */
export interface Connection {
  readonly timeouts: {
    readonly connectionTimeout: number
    readonly requestTimeout: number
    readonly throwOnRequestTimeout: true
  }
  readonly direct: Agents
  /** Undefined where there is no proxy. */
  readonly proxied: Agents | undefined
  readonly proxies: Proxies
}

/**
 * @param connections maximum of connections at once
 * @throws ComponentError if a certificate file cannot be read, a proxy cannot be used, or this Node has no proxies
 */
export function openConnection(config: ConnectionConfig, connections: number, env: AwsEnvironment): Connection {
  const proxies = findProxies(config.proxy_address, env)
  const { http, https } = proxies
  const anyProxy = http !== undefined || https !== undefined
  if (anyProxy && !knowsProxies())
    throw new ComponentError(
      `proxy_address: Node ${process.versions.node} cannot use a proxy: run Node 22.21, 24.5 or later`,
    )
  const secureContext = trustedAuthorities(config.certificate_file_path, env)
  const options: AgentOptions = {
    keepAlive: true,
    maxSockets: connections,
    rejectUnauthorized: !config.no_verify_ssl,
    ...(secureContext === undefined ? {} : { secureContext }),
  }
  // Node's own rules for NO_PROXY are not those of Go: the host is decided about before an agent is chosen.
  const proxyEnv = {
    ...(http === undefined ? {} : { HTTP_PROXY: http }),
    ...(https === undefined ? {} : { HTTPS_PROXY: https }),
  }
  return {
    timeouts: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: timerDelay(config.request_timeout_seconds * 1_000),
      throwOnRequestTimeout: true,
    },
    direct: agents(options),
    proxied: anyProxy ? agents({ ...options, proxyEnv }) : undefined,
    proxies,
  }
}

function agents(options: AgentOptions): Agents {
  return { httpAgent: new HttpAgent(options), httpsAgent: new PieceByPieceAgent(options) }
}

/**
 * Its connections write the head of a call and its body one after the other. Node would write them together, and for that
 * TLS copies both into a new buffer: a megabyte a put, which took twice the time of encrypting it. A connection through a
 * proxy comes later, and stays as it is.
 */
class PieceByPieceAgent extends HttpsAgent {
  override createConnection(...args: Parameters<HttpsAgent['createConnection']>) {
    const connection = super.createConnection(...args)
    // A stream without it gets each piece by itself.
    if (connection) Object.defineProperty(connection, '_writev', { value: null })
    return connection
  }
}

/** Node's agents know proxies since 22.21 and 24.5; before that they would be passed over in silence. */
function knowsProxies(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  return major === 22 ? minor >= 21 : major > 24 || (major === 24 && minor >= 5)
}
