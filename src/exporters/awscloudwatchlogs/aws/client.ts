import { CloudWatchLogsClient, type CloudWatchLogsClientConfig } from '@aws-sdk/client-cloudwatch-logs'
import { boundAnswers } from './bound-answer.ts'
import { type Config, endpointUrl } from '../config.ts'
import type { ConnectionConfig, ConnectionOptions } from './connection.ts'

/** What of a config speaks of the way to AWS. */
export type ClientConfig = ConnectionConfig &
  Pick<Config, 'region' | 'endpoint' | 'profile' | 'role_arn' | 'external_id' | 'credentials' | 'dualstack' | 'fips'>

/** What the AWS SDK calls an AwsCredentialIdentityProvider: `fromSSO()`, say, or a function of the application. */
export type CredentialProvider = () => Promise<{
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
  /** When the SDK has to ask again. */
  readonly expiration?: Date
}>

/**
 * The SDK's client, with one attempt a call: retries are this exporter's alone.
 * @param region undefined leaves it to the SDK's own chain
 * @param credentialProvider in place of the credentials of the config
 */
export async function createClient(
  config: ClientConfig,
  region: string | undefined,
  requestHandler: ConnectionOptions,
  credentialProvider: CredentialProvider | undefined,
): Promise<CloudWatchLogsClient> {
  const client = new CloudWatchLogsClient({
    ...(config.profile === '' ? {} : { profile: config.profile }),
    ...(region === undefined ? {} : { region }),
    ...(config.endpoint === '' ? {} : { endpoint: endpointUrl(config.endpoint) }),
    ...(await credentialOptions(config, region, requestHandler, credentialProvider)),
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
  credentialProvider: CredentialProvider | undefined,
): Promise<Pick<CloudWatchLogsClientConfig, 'credentials'>> {
  const own = credentialProvider ?? staticCredentials(config)
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

function staticCredentials({ credentials }: ClientConfig) {
  if (credentials === undefined) return undefined
  const { access_key_id, secret_access_key, session_token } = credentials
  return {
    accessKeyId: access_key_id,
    secretAccessKey: secret_access_key,
    ...(session_token === undefined ? {} : { sessionToken: session_token }),
  }
}
