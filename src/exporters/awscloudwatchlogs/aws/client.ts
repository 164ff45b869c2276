import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs'
import type { Connection, ConnectionSettings } from '../../../aws/connection/connection.ts'
import { type CredentialProvider, Credentials, type CredentialSettings } from '../../../aws/credentials/credentials.ts'
import type { AwsEnvironment } from '../../../aws/environment/environment.ts'
import { RequestHandler } from '../../../aws/connection/request-handler.ts'
import { boundAnswers, MAX_ANSWER_BYTES } from './bound-answer.ts'
import { endpointUrl } from './endpoint-url.ts'
import { markLocalFaults } from './mark-local-faults.ts'

/** How AWS is reached. Undefined leaves a value to the environment, then to the profile. */
export interface ClientSettings extends ConnectionSettings, CredentialSettings {
  readonly region: string | undefined
  /** A URL. */
  readonly endpoint: string | undefined
  readonly dualstack: boolean | undefined
  readonly fips: boolean | undefined
}

export interface ClientParts {
  readonly client: CloudWatchLogsClient
  readonly credentials: Credentials
}

/**
 * Creates the SDK's client, with one attempt per call: only this exporter retries. Values that neither the settings nor the
 * environment have are not passed, so that the SDK looks them up in the profile.
 * @param region undefined: the SDK's own lookup
 * @param own replaces the credentials of the settings
 * @param maxAnswerBytes maximum bytes of an answer
 */
export function createClient(
  settings: ClientSettings,
  env: AwsEnvironment,
  region: string | undefined,
  connection: Connection,
  own: CredentialProvider | undefined,
  maxAnswerBytes = MAX_ANSWER_BYTES,
): ClientParts {
  const requestHandler = new RequestHandler(connection)
  const credentials = new Credentials(settings, { env, region, requestHandler, own })
  const endpoint = settings.endpoint ?? (env.endpoint && endpointUrl(env.endpoint))
  const client = new CloudWatchLogsClient({
    ...defined({
      region,
      profile: settings.profile ?? env.profile,
      endpoint,
      useDualstackEndpoint: settings.dualstack ?? env.switch('AWS_USE_DUALSTACK_ENDPOINT'),
      useFipsEndpoint: settings.fips ?? env.switch('AWS_USE_FIPS_ENDPOINT'),
    }),
    credentials: credentials.provider,
    // StartLiveTail would go to `stream-` and the host of the endpoint, which exists only for AWS's own names.
    disableHostPrefix: endpoint !== undefined,
    maxAttempts: 1,
    requestHandler,
  })
  markLocalFaults(client)
  boundAnswers(client, connection.timeouts.requestTimeout, maxAnswerBytes)
  return { client, credentials }
}

/** The options without undefined values. */
function defined<T extends object>(options: T): { [Key in keyof T]?: NonNullable<T[Key]> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never
}
