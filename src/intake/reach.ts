import { parseEndpoint, type Transport } from '../listen/socket/endpoint.ts'

const EVERY_ADDRESS: ReadonlySet<string> = new Set(['', '0.0.0.0', '::'])

/** Returns an address that a client on this machine can use; a Unix socket has neither prefix nor suffix. */
export function reach(
  { endpoint, transport }: { readonly endpoint: string; readonly transport: Transport },
  prefix = '',
  suffix = '',
): string {
  const parsed = parseEndpoint(endpoint, transport)
  if (!('endpoint' in parsed) || parsed.endpoint.kind === 'unix') return endpoint
  const { host, port } = parsed.endpoint
  if (port === 0) return 'a port that the system chooses, see "listening" in the log'
  if (EVERY_ADDRESS.has(host))
    return `${prefix}localhost:${port}${suffix}, from other machines to any address of this one`
  return `${prefix}${endpoint}${suffix}`
}
