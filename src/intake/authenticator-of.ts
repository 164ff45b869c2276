import { type Authenticator, isAuthenticator } from '../component/authenticator.ts'
import { ComponentError, type Host } from '../component/component.ts'
import { Tenants } from '../listen/tenants.ts'
import type { ListenerConfig } from './config.ts'

/**
 * The authenticator of a protocol; undefined if it accepts every sender.
 * @param where prefix of the option names, for errors: `protocols.http.`
 * @throws ComponentError if `auth.authenticator` does not name a running authenticator
 */
export function authenticatorOf(
  config: ListenerConfig | undefined,
  host: Host,
  where: string,
): Authenticator | undefined {
  const id = config?.auth?.authenticator
  if (id === undefined) return config?.tenants === undefined ? undefined : byCertificate(new Tenants(config.tenants))
  const extension = host.extension(id)
  if (isAuthenticator(extension)) return extension
  throw new ComponentError(
    `${where}auth.authenticator: ${id} is not a running authenticator: write bearertokenauth or basicauth below extensions and in service.extensions`,
  )
}

/** No `challenge`: the TLS handshake has already rejected clients without a certificate. */
function byCertificate(tenants: Tenants): Authenticator {
  return { challenge: '', authenticate: (head) => tenants.find(head.commonName() ?? '') }
}
