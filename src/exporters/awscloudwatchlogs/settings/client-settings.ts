import type { ClientSettings } from '../aws/client.ts'
import { endpointUrl } from '../aws/endpoint-url.ts'
import type { Config } from '../config.ts'

/** How AWS is reached, with undefined for what the environment, the profile or the SDK decides. */
export function clientSettings(config: Config): ClientSettings {
  const { credentials: keys } = config
  return {
    region: config.region || undefined,
    endpoint: config.endpoint === '' ? undefined : endpointUrl(config.endpoint),
    dualstack: config.dualstack,
    fips: config.fips,
    requestTimeoutMs: config.request_timeout_seconds * 1_000,
    verifiesCertificate: !config.no_verify_ssl,
    proxyAddress: config.proxy_address || undefined,
    certificateFile: config.certificate_file_path || undefined,
    profile: config.profile || undefined,
    roleArn: config.role_arn || undefined,
    externalId: config.external_id || undefined,
    credentials: keys && {
      accessKeyId: keys.access_key_id,
      secretAccessKey: keys.secret_access_key,
      ...(keys.session_token === undefined ? {} : { sessionToken: keys.session_token }),
    },
  }
}
