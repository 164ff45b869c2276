import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs'
import type { Connection, ConnectionConfig } from '../../../aws/connection/connection.ts'
import { type CredentialConfig, type CredentialProvider, Credentials } from '../../../aws/credentials/credentials.ts'
import type { AwsEnvironment } from '../../../aws/environment/environment.ts'
import { RequestHandler } from '../../../aws/connection/request-handler.ts'
import { type Config, endpointUrl } from '../config.ts'
import { boundAnswers } from './bound-answer.ts'
import { markLocalFaults } from './mark-local-faults.ts'

/** Options for reaching AWS. */
export type ClientConfig = ConnectionConfig &
  CredentialConfig &
  Pick<Config, 'region' | 'endpoint' | 'dualstack' | 'fips'>

export interface ClientParts {
  readonly client: CloudWatchLogsClient
  readonly credentials: Credentials
}

/**
 * Creates the SDK's client, with one attempt per call: only this exporter retries. Values that neither the config nor the
 * environment sets are not passed, so that the SDK looks them up in the profile.
 * @param region undefined: the SDK's own lookup
 * @param own replaces the credentials of the config
 */
export function createClient(
  config: ClientConfig,
  env: AwsEnvironment,
  region: string | undefined,
  connection: Connection,
  own: CredentialProvider | undefined,
): ClientParts {
  const requestHandler = new RequestHandler(connection)
  const credentials = new Credentials(config, { env, region, requestHandler, own })
  const endpoint = config.endpoint || env.endpoint
  const client = new CloudWatchLogsClient({
    ...defined({
      region,
      profile: config.profile || env.profile,
      endpoint: endpoint === undefined ? undefined : endpointUrl(endpoint),
      useDualstackEndpoint: config.dualstack ?? env.switch('AWS_USE_DUALSTACK_ENDPOINT'),
      useFipsEndpoint: config.fips ?? env.switch('AWS_USE_FIPS_ENDPOINT'),
    }),
    credentials: credentials.provider,
    maxAttempts: 1,
    requestHandler,
  })
  markLocalFaults(client)
  boundAnswers(client, connection.timeouts.requestTimeout)
  return { client, credentials }
}

/** The options without undefined values. */
function defined<T extends object>(options: T): { [Key in keyof T]?: NonNullable<T[Key]> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never
}
