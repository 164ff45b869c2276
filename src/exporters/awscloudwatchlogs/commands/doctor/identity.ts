import type { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs'
import type { AwsEnvironment } from '../../../../aws/environment/environment.ts'
import { refusesCredentials } from '../../../../aws/codes.ts'
import { isLoopback } from '../../../../aws/connection/no-proxy.ts'
import type { Config } from '../../config.ts'
import { endpointUrl } from '../../aws/endpoint-url.ts'
import type { Finding } from './step.ts'

export interface WhoIsIt {
  readonly finding: Finding
  /** Undefined if STS did not answer. */
  readonly account: string | undefined
}

/** Asks STS whose the credentials are. The daemon itself does not need that. */
export async function whoAmI(
  client: CloudWatchLogsClient,
  config: Config,
  env: AwsEnvironment,
  region: string,
  abortSignal: AbortSignal,
): Promise<WhoIsIt> {
  const { GetCallerIdentityCommand, STSClient } = await import('@aws-sdk/client-sts')
  const endpoint = stsEndpoint(config, env)
  const sts = new STSClient({
    region,
    credentials: client.config.credentials,
    requestHandler: client.config.requestHandler,
    maxAttempts: 1,
    ...(endpoint === undefined ? {} : { endpoint }),
  })
  try {
    const { Arn = '', Account } = await sts.send(new GetCallerIdentityCommand({}), { abortSignal })
    return { finding: { status: 'ok', detail: Arn }, account: Account }
  } catch (error) {
    abortSignal.throwIfAborted()
    const { name, message } = error as Error
    if (refusesCredentials(error))
      return {
        finding: {
          status: 'fail',
          detail: `${name}: ${message}`,
          advice: 'AWS refuses these credentials: renew them, or correct the key, the secret and the session token',
        },
        account: undefined,
      }
    const detail = `STS does not say (${name}: ${message}); the daemon does not need it, unless it assumes a role`
    return { finding: { status: 'warn', detail }, account: undefined }
  }
}

/** A local endpoint (cloudwatch_local, LocalStack) answers for STS, too: real STS does not know its credentials. */
function stsEndpoint({ endpoint }: Config, env: AwsEnvironment): string | undefined {
  const isIgnored = env.switch('AWS_IGNORE_CONFIGURED_ENDPOINT_URLS') === true
  const written = isIgnored ? undefined : env.get('AWS_ENDPOINT_URL_STS', 'AWS_ENDPOINT_URL')
  if (written !== undefined || endpoint === '') return written
  const url = URL.parse(endpointUrl(endpoint))
  return url !== null && isLoopback(url.hostname.replace(/^\[|\]$/g, '')) ? url.origin : undefined
}
