import { type Authenticator, isAuthenticator } from '../../component/authenticator.ts'
import { ComponentError, type Host } from '../../component/component.ts'
import { Tenants } from '../../listen/tenants.ts'
import type { GrpcConfig, HttpConfig } from './config.ts'

/**
 * Who decides who may send by a protocol; undefined where everybody may.
 * @param where the YAML path of the protocol, for errors
 * @throws ComponentError if `auth.authenticator` names nothing that can decide
 */
export function authenticatorOf(
  config: GrpcConfig | HttpConfig | undefined,
  host: Host,
  where: string,
): Authenticator | undefined {
  const id = config?.auth?.authenticator
  if (id === undefined) return config?.tenants === undefined ? undefined : byCertificate(new Tenants(config.tenants))
  const extension = host.extension(id)
  if (isAuthenticator(extension)) return extension
  throw new ComponentError(
    `${where}.auth.authenticator: ${id} is not an authenticator that runs: write bearertokenauth or basicauth below extensions and in service.extensions`,
  )
}

/** TLS has turned away whoever has no certificate, so there is nothing to ask for (`challenge`). */
function byCertificate(tenants: Tenants): Authenticator {
  return { challenge: '', authenticate: (head) => tenants.find(head.commonName() ?? '') }
}
