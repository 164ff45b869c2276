import { lookup } from 'node:dns/promises'
import { isIP, type ListenOptions } from 'node:net'

/** The collector's `transport` values that are streams. */
export const TRANSPORTS = ['tcp', 'tcp4', 'tcp6', 'unix'] as const
export type Transport = (typeof TRANSPORTS)[number]

export type Endpoint =
  /** `host` may be empty: all interfaces. `family` 0 is both. */
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly family: 0 | 4 | 6 }
  | { readonly kind: 'unix'; readonly path: string }

const HOST_AND_PORT = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/

/** Parses `localhost:4317`, `:4317`, `0.0.0.0:4317`, `[::1]:4317`, or a path if the transport is unix. */
export function parseEndpoint(text: string, transport: Transport): { endpoint: Endpoint } | { problem: string } {
  if (transport === 'unix') {
    return text === ''
      ? { problem: 'is empty: write the path of the socket' }
      : { endpoint: { kind: 'unix', path: text } }
  }
  const match = HOST_AND_PORT.exec(text)
  const port = Number(match?.[3])
  if (match === null || port > 65_535) {
    const example = 'localhost:4317, 0.0.0.0:4317 or [::1]:4317'
    return { problem: `${JSON.stringify(text)} is not an address: write host and port, such as ${example}` }
  }
  const family = transport === 'tcp4' ? 4 : transport === 'tcp6' ? 6 : 0
  return { endpoint: { kind: 'tcp', host: match[1] ?? match[2] ?? '', port, family } }
}

/** Options for `net.Server.listen`. A name is resolved to one address, IPv4 first as Go does for listeners. */
export async function listenOptions(endpoint: Endpoint): Promise<ListenOptions> {
  if (endpoint.kind === 'unix') return { path: endpoint.path }
  const { host, port, family } = endpoint
  if (host === '') return family === 0 ? { port } : { port, host: family === 4 ? '0.0.0.0' : '::', ipv6Only: true }
  if (isIP(host) !== 0) return { port, host, ipv6Only: family === 6 }
  const { address } = await lookup(host, { family, order: 'ipv4first' })
  return { port, host: address }
}
