import type { Hint } from '../../component/hint.ts'
import { parseEndpoint, type Transport } from '../../listen/socket/endpoint.ts'
import type { OtlpReceiverConfig } from './config.ts'

/** Returns the address of each protocol. */
export function otlpHints(configs: ReadonlyMap<string, OtlpReceiverConfig>): readonly Hint[] {
  return [...configs.values()].flatMap(({ protocols: { grpc, http } }) => {
    const lines: string[] = []
    if (grpc !== undefined) lines.push(`OTLP/gRPC to ${reach(grpc)}${grpc.tls ? ' with TLS' : ''}`)
    if (http !== undefined) {
      const { prefix, suffix } =
        http.transport === 'unix'
          ? { prefix: '', suffix: '' }
          : { prefix: http.tls ? 'https://' : 'http://', suffix: http.logs_url_path }
      lines.push(`OTLP/HTTP to ${reach(http, prefix, suffix)}`)
    }
    return lines.map((text) => ({ about: 'send', text }) as const)
  })
}

const EVERY_ADDRESS: ReadonlySet<string> = new Set(['', '0.0.0.0', '::'])

/** Returns an address that a client on this machine can use. */
function reach(
  { endpoint, transport }: { readonly endpoint: string; readonly transport: Transport },
  prefix = '',
  suffix = '',
): string {
  const parsed = parseEndpoint(endpoint, transport)
  if (!('endpoint' in parsed) || parsed.endpoint.kind === 'unix') return `${endpoint}${suffix}`
  const { host, port } = parsed.endpoint
  if (port === 0) return 'a port that the system chooses, see "listening" in the log'
  if (EVERY_ADDRESS.has(host))
    return `${prefix}localhost:${port}${suffix}, from other machines to any address of this one`
  return `${prefix}${endpoint}${suffix}`
}
