// The way to AWS: connections, proxies, certificates. Knows no SDK, so that a wrong setting is said before that is loaded.

import { readFileSync } from 'node:fs'
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent, type AgentOptions } from 'node:https'
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls'
import { ComponentError } from '../../../component/component.ts'
import type { Config } from '../config.ts'

/** A connection that is not made by then will not be. */
const CONNECT_TIMEOUT_MS = 3_000

/** Where credentials come from on AWS; a proxy would answer for somebody else's instance. */
const METADATA_ADDRESSES = '169.254.169.254,169.254.170.2,169.254.170.23,[fd00:ec2::254],[fd00:ec2::23]'

/** What of a config speaks of connections. */
export type ConnectionConfig = Pick<
  Config,
  'request_timeout_seconds' | 'no_verify_ssl' | 'proxy_address' | 'certificate_file_path'
>

/** Options of the SDK's HTTP handler; they hold for STS too. */
export type ConnectionOptions = ReturnType<typeof connectionOptions>

/**
 * @param connections most connections at once
 * @throws ComponentError if a certificate file cannot be read, or this Node has no proxies
 */
export function connectionOptions(config: ConnectionConfig, connections: number, env: NodeJS.ProcessEnv) {
  const agent: AgentOptions & { proxyEnv: Record<string, string> } = {
    keepAlive: true,
    maxSockets: connections,
    proxyEnv: proxyEnvironment(config.proxy_address, env),
    rejectUnauthorized: !config.no_verify_ssl,
  }
  if (config.certificate_file_path !== '') agent.secureContext = trusting(config.certificate_file_path)
  return {
    connectionTimeout: CONNECT_TIMEOUT_MS,
    requestTimeout: config.request_timeout_seconds * 1_000,
    throwOnRequestTimeout: true,
    httpAgent: new HttpAgent(agent),
    httpsAgent: new PieceByPieceAgent(agent),
  }
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

/**
 * Made once, and not handed over as the agent's `ca`: Node names each connection by its options, and would write the
 * 220 KB of all authorities into a name several times a call, which took a fifth of the daemon's CPU.
 */
function trusting(path: string): SecureContext {
  return createSecureContext({ ca: [...rootCertificates, readCertificates(path)] })
}

/** Node's agents know proxies since 22.21 and 24.5; before that they would be passed over in silence. */
function knowsProxies(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  return major === 22 ? minor >= 21 : major > 24 || (major === 24 && minor >= 5)
}

function proxyEnvironment(address: string, env: NodeJS.ProcessEnv): Record<string, string> {
  const http = address || env['HTTP_PROXY'] || env['http_proxy']
  const https = address || env['HTTPS_PROXY'] || env['https_proxy']
  if ((http || https) && !knowsProxies())
    throw new ComponentError(
      `proxy_address: Node ${process.versions.node} cannot use a proxy: run Node 22.21, 24.5 or later`,
    )
  const except = env['NO_PROXY'] || env['no_proxy']
  return {
    ...(http ? { HTTP_PROXY: http } : {}),
    ...(https ? { HTTPS_PROXY: https } : {}),
    NO_PROXY: except ? `${except},${METADATA_ADDRESSES}` : METADATA_ADDRESSES,
  }
}

function readCertificates(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new ComponentError(
      `certificate_file_path: ${path} cannot be read: write the path of a PEM file this process may read`,
      { cause },
    )
  }
}
