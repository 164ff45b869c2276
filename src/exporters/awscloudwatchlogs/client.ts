import { CloudWatchLogsClient, type CloudWatchLogsClientConfig } from '@aws-sdk/client-cloudwatch-logs'
import { boundAnswers } from './bound-answer.ts'
import { type Config, endpointUrl } from './config.ts'
import type { ConnectionConfig, ConnectionOptions } from './connection.ts'

/** What of a config speaks of the way to AWS. */
export type ClientConfig = ConnectionConfig &
  Pick<Config, 'region' | 'endpoint' | 'profile' | 'role_arn' | 'external_id' | 'credentials' | 'dualstack' | 'fips'>

/**
 * The SDK's client, with one attempt a call: retries are this exporter's alone.
 * @param region undefined leaves it to the SDK's own chain
 */
export async function createClient(
  config: ClientConfig,
  region: string | undefined,
  requestHandler: ConnectionOptions,
): Promise<CloudWatchLogsClient> {
  const client = new CloudWatchLogsClient({
    ...(config.profile === '' ? {} : { profile: config.profile }),
    ...(region === undefined ? {} : { region }),
    ...(config.endpoint === '' ? {} : { endpoint: endpointUrl(config.endpoint) }),
    ...(await credentialOptions(config, region, requestHandler)),
    maxAttempts: 1,
    useDualstackEndpoint: config.dualstack,
    useFipsEndpoint: config.fips,
    requestHandler,
  })
  boundAnswers(client, config.request_timeout_seconds * 1_000)
  return client
}

async function credentialOptions(
  config: ClientConfig,
  region: string | undefined,
  requestHandler: ConnectionOptions,
): Promise<Pick<CloudWatchLogsClientConfig, 'credentials'>> {
  const own =
    config.credentials === undefined
      ? undefined
      : {
          accessKeyId: config.credentials.access_key_id,
          secretAccessKey: config.credentials.secret_access_key,
          ...(config.credentials.session_token === undefined ? {} : { sessionToken: config.credentials.session_token }),
        }
  if (config.role_arn === '') return own === undefined ? {} : { credentials: own }
  const { fromTemporaryCredentials } = await import('@aws-sdk/credential-providers')
  return {
    credentials: fromTemporaryCredentials({
      ...(own === undefined ? {} : { masterCredentials: own }),
      params: {
        RoleArn: config.role_arn,
        RoleSessionName: 'otlp-cloudwatch',
        ...(config.external_id === '' ? {} : { ExternalId: config.external_id }),
      },
      clientConfig: {
        ...(region === undefined ? {} : { region }),
        ...(config.profile === '' ? {} : { profile: config.profile }),
        requestHandler,
      },
    }),
  }
}
