// Whether the endpoint can be reached: name, connection, proxy, TLS, and its clock. The request is not signed, so CloudWatch
// refuses it, which is an answer.

import type { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs'
import { HttpRequest } from '@smithy/core/protocols'
import { findProxies } from '../../../../aws/connection/proxy.ts'
import type { AwsEnvironment } from '../../../../aws/environment/environment.ts'
import { dateOf } from '../../../../aws/retry-after.ts'
import { describeForeignAnswer } from '../../aws/foreign-answer.ts'
import type { Config } from '../../config.ts'
import type { Finding } from './step.ts'

/** A Date has whole seconds, and an answer takes a while. */
const MAX_GOOD_SKEW_MS = 30_000
/** Signatures are valid for five minutes (AWS Signature Version 4). */
const MAX_SIGNED_SKEW_MS = 300_000

export const NO_ROUTE =
  'no route: check the security group, the VPC endpoint for logs, NAT, and proxy_address or HTTPS_PROXY'

export interface Reached {
  readonly reached: boolean
  readonly endpoint: Finding
  /** Undefined if the answer has no Date. */
  readonly clock: Finding | undefined
}

/** @throws what the connection throws when the signal aborts it */
export async function reachEndpoint(
  client: CloudWatchLogsClient,
  config: Config,
  env: AwsEnvironment,
  region: string,
  abortSignal: AbortSignal,
): Promise<Reached> {
  const url = await endpointOf(client, region)
  const where = `${url.origin}${proxyOf(url, config, env)}`
  const sentMs = Date.now()
  let answer: { readonly statusCode: number; readonly headers: Readonly<Record<string, string>> }
  try {
    const { response } = await client.config.requestHandler.handle(unsigned(url), { abortSignal })
    ;(response.body as { destroy?: () => void } | undefined)?.destroy?.()
    answer = response
  } catch (error) {
    abortSignal.throwIfAborted()
    const [reason, advice] = explainFailure(error as NodeJS.ErrnoException)
    return { reached: false, endpoint: { status: 'fail', detail: `${where}: ${reason}`, advice }, clock: undefined }
  }
  const { statusCode, headers } = answer
  const foreign = describeForeignAnswer({
    $metadata: { httpStatusCode: statusCode, requestId: headers['x-amzn-requestid'] },
    $response: { headers },
  })
  if (foreign !== undefined)
    return { reached: false, endpoint: { status: 'fail', detail: `${where}: ${foreign}` }, clock: undefined }
  const isHttps = url.protocol === 'https:'
  const tls = isHttps ? `, TLS ${config.no_verify_ssl ? 'without a check of the certificate' : 'verified'}` : ''
  const status = isHttps && config.no_verify_ssl ? 'warn' : 'ok'
  return {
    reached: true,
    endpoint: { status, detail: `${where} answers after ${Date.now() - sentMs} ms${tls}` },
    clock: clockFinding(dateOf(headers), (sentMs + Date.now()) / 2),
  }
}

async function endpointOf({ config }: CloudWatchLogsClient, Region: string): Promise<URL> {
  const custom = await config.endpoint?.()
  if (custom !== undefined) {
    const { protocol, hostname, port, path } = custom
    return new URL(`${protocol}//${hostname}${port === undefined ? '' : `:${port}`}${path}`)
  }
  const [UseFIPS, UseDualStack] = await Promise.all([config.useFipsEndpoint(), config.useDualstackEndpoint()])
  return config.endpointProvider({ Region, UseFIPS, UseDualStack }).url
}

function unsigned({ protocol, hostname, port, pathname }: URL): HttpRequest {
  return new HttpRequest({
    protocol,
    hostname,
    ...(port === '' ? {} : { port: Number(port) }),
    method: 'POST',
    path: pathname,
    headers: {
      host: port === '' ? hostname : `${hostname}:${port}`,
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'Logs_20140328.DescribeLogGroups',
      'content-length': '2',
    },
    body: '{}',
  })
}

/** The setting of the proxy that is used; no part of its URL is printed, since it may hold a password. */
function proxyOf({ protocol, hostname, port }: URL, config: Config, env: AwsEnvironment): string {
  const scheme = protocol === 'http:' ? 'http' : 'https'
  const proxies = findProxies(config.proxy_address || undefined, env)
  if (!proxies.uses(scheme, hostname, port || (scheme === 'http' ? '80' : '443'))) return ''
  return ` through the proxy of ${config.proxy_address === '' ? `${scheme.toUpperCase()}_PROXY` : 'proxy_address'}`
}

function clockFinding(date: number | undefined, localMs: number): Finding | undefined {
  if (date === undefined) return undefined
  const skewMs = Math.round(localMs - date)
  const seconds = Math.abs(Math.round(skewMs / 1_000))
  const detail = `the clock of this machine is ${seconds} s ${skewMs > 0 ? 'ahead of' : 'behind'} that of the endpoint`
  if (Math.abs(skewMs) <= MAX_GOOD_SKEW_MS) return { status: 'ok', detail: 'the clock of this machine is right' }
  const consequence =
    Math.abs(skewMs) > MAX_SIGNED_SKEW_MS ? '; AWS refuses such signatures until the daemon corrects them' : ''
  return {
    status: 'warn',
    detail: `${detail}${consequence}`,
    advice: 'synchronize the clock of the machine (chrony, NTP)',
  }
}

/** @returns the reason, and an instruction */
function explainFailure({ code = '', name, message }: NodeJS.ErrnoException): [string, string] {
  const reason = code === '' || message.includes(code) ? message : `${code}: ${message}`
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return [reason, 'the name does not resolve: check region, endpoint and the DNS of the network']
  if (code === 'ECONNREFUSED')
    return [reason, 'nothing listens there: check endpoint and proxy_address, and that the service runs']
  if (code === 'ERR_PROXY_TUNNEL')
    return [reason, 'the proxy refuses the connection: check proxy_address, HTTPS_PROXY and NO_PROXY']
  if (/CERT|SIGNATURE|ISSUER|HOSTNAME_MISMATCH|INVALID_CA|ERR_TLS|EPROTO|ERR_SSL/.test(code))
    return [
      reason,
      'TLS failed: write certificate_file_path or AWS_CA_BUNDLE with the authority of the endpoint or proxy',
    ]
  if (name === 'TimeoutError' || code === 'ETIMEDOUT' || code === 'EHOSTUNREACH' || code === 'ENETUNREACH')
    return [reason, NO_ROUTE]
  return [reason, 'check endpoint, proxy_address and the network between']
}
