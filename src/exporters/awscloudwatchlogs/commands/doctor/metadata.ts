// Why instance metadata (IMDS) gives no credentials. With a hop limit of 1, the answer to the request for a token never
// reaches a container: the connection opens, other requests are answered, and this one is not.

import type { AwsEnvironment } from '../../../../aws/environment/environment.ts'
import type { Finding } from './step.ts'

/** On the instance, an answer takes a millisecond. */
const ANSWER_MS = 2_000
const TOKEN_SECONDS = '60'
const ROLES = '/latest/meta-data/iam/security-credentials/'
const HOP_LIMIT =
  'raise the hop limit to 2: aws ec2 modify-instance-metadata-options --instance-id ID --http-put-response-hop-limit 2; on EKS better use Pod Identity or IRSA'

/** Explains what instance metadata answers, after no credentials were found. */
export async function explainMetadata(env: AwsEnvironment, stop: AbortSignal): Promise<Finding> {
  if (env.metadataDisabled)
    return {
      status: 'skip',
      detail: 'AWS_EC2_METADATA_DISABLED turns instance metadata off',
      advice: 'set AWS_EC2_METADATA_DISABLED to false to use the role of the instance',
    }
  const base = (env.get('AWS_EC2_METADATA_SERVICE_ENDPOINT') ?? 'http://169.254.169.254').replace(/\/+$/, '')
  const ask = (path: string, init: RequestInit) =>
    fetch(`${base}${path}`, {
      ...init,
      redirect: 'manual',
      signal: AbortSignal.any([stop, AbortSignal.timeout(ANSWER_MS)]),
    })
  let token: Response
  try {
    token = await ask('/latest/api/token', {
      method: 'PUT',
      headers: { 'x-aws-ec2-metadata-token-ttl-seconds': TOKEN_SECONDS },
    })
  } catch {
    // The reason does not matter: what else is answered does.
    return withoutToken(base, () => ask('/latest/meta-data/', {}))
  }
  if (!token.ok) {
    await token.body?.cancel()
    const detail = `${base} refuses a token with ${token.status}`
    return {
      status: 'fail',
      detail,
      advice: 'turn instance metadata on: modify-instance-metadata-options --http-endpoint enabled',
    }
  }
  const headers = { 'x-aws-ec2-metadata-token': await token.text() }
  try {
    const roles = await ask(ROLES, { headers })
    const role = roles.ok ? (await roles.text()).split('\n', 1)[0]?.slice(0, 100) : undefined
    if (!roles.ok) await roles.body?.cancel()
    if (role)
      return {
        status: 'warn',
        detail: `${base} answers, and offers the role ${role}`,
        advice: 'try again: credentials may have come late',
      }
    return {
      status: 'fail',
      detail: `${base} answers, and the instance has no role`,
      advice: 'attach an instance profile with a role to the instance',
    }
  } catch {
    return { status: 'fail', detail: `${base} gives a token, and then no answer`, advice: HOP_LIMIT }
  }
}

async function withoutToken(base: string, ask: () => Promise<Response>): Promise<Finding> {
  try {
    const other = await ask()
    await other.body?.cancel()
    const detail = `${base} answers, but its token does not arrive: the hop limit of the instance is 1, and this process is a hop away`
    return { status: 'fail', detail, advice: HOP_LIMIT }
  } catch {
    // Neither request is answered.
    return {
      status: 'fail',
      detail: `${base} does not answer: this is no EC2 instance, or a network policy blocks it`,
      advice:
        'give the daemon credentials in another way: Pod Identity, IRSA, an ECS task role, AWS_ACCESS_KEY_ID, or profile',
    }
  }
}
