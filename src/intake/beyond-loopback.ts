import { isIP } from 'node:net'
import { parseEndpoint } from '../listen/socket/endpoint.ts'
import type { ListenerConfig } from './config.ts'

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|::1|(?:0{0,4}:){7}0{0,3}1)$/i

/** Whether anyone on the network can send to a listener: it is beyond loopback, and has no authentication. */
export function isOpenToAnyone(config: ListenerConfig): boolean {
  if (config.auth !== undefined || config.tenants !== undefined || config.tls?.client_ca_file !== undefined)
    return false
  const parsed = parseEndpoint(config.endpoint, config.transport)
  if (!('endpoint' in parsed) || parsed.endpoint.kind === 'unix') return false
  const { host } = parsed.endpoint
  const mapped = isIP(host) === 6 ? host.replace(/^::ffff:/i, '') : host
  return !LOOPBACK.test(mapped)
}
