// Connections to AWS: agents, proxies, certificates. Does not import the SDK, so that wrong settings are reported before
// it is loaded.

import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent, type AgentOptions } from 'node:https'
import { ComponentError } from '../../component/component.ts'
import { timerDelay } from '../../telemetry/timer-delay.ts'
import type { AwsEnvironment } from '../environment/environment.ts'
import { findProxies, type Proxies } from './proxy.ts'
import { trustedAuthorities } from './trust.ts'

const CONNECT_TIMEOUT_MS = 3_000

/** Connection settings of a component. Undefined leaves a value to the environment. */
export interface ConnectionSettings {
  readonly requestTimeoutMs: number
  readonly verifiesCertificate: boolean
  /** URL. */
  readonly proxyAddress: string | undefined
  /** Path of a PEM file. */
  readonly certificateFile: string | undefined
}

export interface Agents {
  readonly httpAgent: HttpAgent
  readonly httpsAgent: HttpsAgent
}

/** Parts of the SDK's HTTP handler, also used for STS. */
export interface Connection {
  readonly timeouts: {
    readonly connectionTimeout: number
    readonly requestTimeout: number
    readonly throwOnRequestTimeout: true
  }
  readonly direct: Agents
  /** Undefined without a proxy. */
  readonly proxied: Agents | undefined
  readonly proxies: Proxies
}

/**
 * @param connections maximum concurrent connections
 * @throws ComponentError if a certificate file cannot be read, a proxy cannot be used, or this Node does not support proxies
 */
export function openConnection(settings: ConnectionSettings, connections: number, env: AwsEnvironment): Connection {
  const proxies = findProxies(settings.proxyAddress, env)
  const { http, https } = proxies
  const anyProxy = http !== undefined || https !== undefined
  if (anyProxy && !supportsProxies())
    throw new ComponentError(
      `proxy_address: Node ${process.versions.node} cannot use a proxy: run Node 22.21, 24.5 or later`,
    )
  const secureContext = trustedAuthorities(settings.certificateFile, env)
  const options: AgentOptions = {
    keepAlive: true,
    maxSockets: connections,
    rejectUnauthorized: settings.verifiesCertificate,
    ...(secureContext === undefined ? {} : { secureContext }),
  }
  // NO_PROXY is not passed: Node's rules differ from Go's, so `Proxies.uses` decides before an agent is chosen.
  const proxyEnv = {
    ...(http === undefined ? {} : { HTTP_PROXY: http }),
    ...(https === undefined ? {} : { HTTPS_PROXY: https }),
  }
  return {
    timeouts: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: timerDelay(settings.requestTimeoutMs),
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
 * Its connections write the head and the body of a call separately. Node would write them together, for which TLS copies
 * both into a new buffer: a megabyte per put, which took twice the time of encrypting it. Connections through a proxy are
 * created later and not changed.
 */
class PieceByPieceAgent extends HttpsAgent {
  override createConnection(...args: Parameters<HttpsAgent['createConnection']>) {
    const connection = super.createConnection(...args)
    // Without `_writev` a stream writes each chunk separately.
    if (connection) Object.defineProperty(connection, '_writev', { value: null })
    return connection
  }
}

/** Node's agents support proxies since 22.21 and 24.5; older ones silently ignore them. */
function supportsProxies(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  return major === 22 ? minor >= 21 : major > 24 || (major === 24 && minor >= 5)
}
