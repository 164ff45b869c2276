import { readFileSync } from 'node:fs'
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent, type AgentOptions } from 'node:https'
import { rootCertificates } from 'node:tls'
import { CloudWatchLogsClient, type CloudWatchLogsClientConfig } from '@aws-sdk/client-cloudwatch-logs'
import { fromTemporaryCredentials } from '@aws-sdk/credential-providers'
import { ComponentError } from '../../component/component.ts'
import { boundAnswers } from './bound-answer.ts'
import { type Config, endpointUrl } from './config.ts'

/** A connection that is not made by then will not be. */
const CONNECT_TIMEOUT_MS = 3_000

/** Where credentials come from on AWS; a proxy would answer for somebody else's instance. */
const METADATA_ADDRESSES = '169.254.169.254,169.254.170.2,169.254.170.23,[fd00:ec2::254],[fd00:ec2::23]'

/** What of a config speaks of the way to AWS. */
export type ClientConfig = Pick<
  Config,
  | 'region'
  | 'endpoint'
  | 'profile'
  | 'role_arn'
  | 'external_id'
  | 'credentials'
  | 'request_timeout_seconds'
  | 'no_verify_ssl'
  | 'proxy_address'
  | 'certificate_file_path'
  | 'dualstack'
  | 'fips'
>

/**
 * The SDK's client, with one attempt a call: retries are this exporter's alone.
 * @param connections most connections at once
 * @throws ComponentError if no Region can be found or a certificate file cannot be read
 */
export async function createClient(
  config: ClientConfig,
  connections: number,
  env: NodeJS.ProcessEnv,
): Promise<CloudWatchLogsClient> {
  const requestHandler = handlerOptions(config, connections, env)
  const profile = config.profile === '' ? {} : { profile: config.profile }
  const region = config.region === '' ? undefined : config.region
  const options: CloudWatchLogsClientConfig = {
    ...profile,
    ...(region === undefined ? {} : { region }),
    ...(config.endpoint === '' ? {} : { endpoint: endpointUrl(config.endpoint) }),
    ...credentialOptions(config, region, requestHandler),
    maxAttempts: 1,
    useDualstackEndpoint: config.dualstack,
    useFipsEndpoint: config.fips,
    requestHandler,
  }
  const client = new CloudWatchLogsClient(options)
  boundAnswers(client, config.request_timeout_seconds * 1_000)
  if (region !== undefined || (await hasRegion(client))) return client
  client.destroy()
  throw new ComponentError('region: none is set: write region, or set AWS_REGION (instance metadata was asked too)')
}

async function hasRegion(client: CloudWatchLogsClient): Promise<boolean> {
  try {
    return (await client.config.region()) !== ''
  } catch {
    // The SDK rejects where neither the environment, nor the profile, nor instance metadata names a Region.
    return false
  }
}

function credentialOptions(
  config: ClientConfig,
  region: string | undefined,
  requestHandler: CloudWatchLogsClientConfig['requestHandler'],
): Pick<CloudWatchLogsClientConfig, 'credentials'> {
  const own =
    config.credentials === undefined
      ? undefined
      : {
          accessKeyId: config.credentials.access_key_id,
          secretAccessKey: config.credentials.secret_access_key,
          ...(config.credentials.session_token === undefined ? {} : { sessionToken: config.credentials.session_token }),
        }
  if (config.role_arn === '') return own === undefined ? {} : { credentials: own }
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
        ...(requestHandler === undefined ? {} : { requestHandler }),
      },
    }),
  }
}

function handlerOptions(config: ClientConfig, connections: number, env: NodeJS.ProcessEnv) {
  const agent: AgentOptions & { proxyEnv: Record<string, string> } = {
    keepAlive: true,
    maxSockets: connections,
    proxyEnv: proxyEnvironment(config.proxy_address, env),
    rejectUnauthorized: !config.no_verify_ssl,
  }
  if (config.certificate_file_path !== '')
    agent.ca = [...rootCertificates, readCertificates(config.certificate_file_path)]
  return {
    connectionTimeout: CONNECT_TIMEOUT_MS,
    requestTimeout: config.request_timeout_seconds * 1_000,
    throwOnRequestTimeout: true,
    httpAgent: new HttpAgent(agent),
    httpsAgent: new HttpsAgent(agent),
  }
}

/** Node's agents know proxies since 22.21 and 24.5; before that they would be passed over in silence. */
function knowsProxies(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  return major === 22 ? minor >= 21 : major > 24 || (major === 24 && minor >= 5)
}

function proxyEnvironment(address: string, env: NodeJS.ProcessEnv): Record<string, string> {
  const http = address || env['HTTP_PROXY'] || env['http_proxy']
  const https = address || env['HTTPS_PROXY'] || env['https_proxy']
  if ((http || https) && !knowsProxies())
    throw new ComponentError(
      `proxy_address: Node ${process.versions.node} cannot use a proxy: run Node 22.21, 24.5 or later`,
    )
  const except = env['NO_PROXY'] || env['no_proxy']
  return {
    ...(http ? { HTTP_PROXY: http } : {}),
    ...(https ? { HTTPS_PROXY: https } : {}),
    NO_PROXY: except ? `${except},${METADATA_ADDRESSES}` : METADATA_ADDRESSES,
  }
}

function readCertificates(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new ComponentError(
      `certificate_file_path: ${path} cannot be read: write the path of a PEM file this process may read`,
      { cause },
    )
  }
}
