// All checks of one exporter, in the order in which a fault of one makes the next ones pointless.

import type { PipelineExporter } from '../../../../component/command.ts'
import { ComponentError } from '../../../../component/component.ts'
import { AwsEnvironment } from '../../../../aws/environment/environment.ts'
import { NoCredentials } from '../../../../aws/credentials/no-credentials.ts'
import { Aws } from '../../aws/aws.ts'
import { classifyNoCredentials } from '../../aws/classify.ts'
import type { Config } from '../../config.ts'
import { resolve } from '../../settings/resolve.ts'
import { statementFor } from '../policy/policies.ts'
import { Access } from './access.ts'
import { runCanary } from './canary.ts'
import { NO_ROUTE, type Reached, reachEndpoint } from './endpoint.ts'
import { whoAmI, type WhoIsIt } from './identity.ts'
import { explainMetadata } from './metadata.ts'
import type { Redaction } from './redact.ts'
import { OutOfTime, type Steps } from './step.ts'
import { targetOf } from './target.ts'

export interface Examination {
  readonly env: NodeJS.ProcessEnv
  /** Undefined: that of the config. */
  readonly group: string | undefined
  readonly createsGroup: boolean
  readonly stop: AbortSignal
  readonly redaction: Redaction
}

type Client = Awaited<ReturnType<Aws['readingClient']>>

export async function examine(exporter: PipelineExporter, steps: Steps, examination: Examination): Promise<void> {
  const config = exporter.config as Config
  const settings = resolve(config, 1, exporter.shape)
  let aws: Aws | undefined
  let client: Client | undefined
  try {
    aws = new Aws(settings.client, 4, examination.env, undefined)
    const { env, stop } = examination
    const variables = new AwsEnvironment(env)
    const connected = aws
    const region = await steps.within('region', () => connected.region())
    steps.report('region', { status: 'ok', detail: region })
    client = await aws.readingClient()
    const reachable = client
    const { reached, endpoint, clock } = await inTime(
      () => steps.within('endpoint', (signal) => reachEndpoint(reachable, config, variables, region, signal)),
      notReached,
    )
    steps.report('endpoint', endpoint)
    if (clock !== undefined) steps.report('clock', clock)
    if (!(await hasCredentials(client, config, steps, examination))) {
      steps.report('instance metadata', await explainMetadata(variables, stop))
      return
    }
    const who = await identify(client, config, steps, variables, region)
    steps.report('identity', who.finding)
    if (!reached || who.finding.status === 'fail' || steps.stopped) return
    const target = targetOf(settings, examination.group)
    const statement = (action: string) =>
      statementFor(action, exporter, { env, account: who.account, region, withDoctor: true })
    const access = new Access(client, steps, { target, settings, createsGroup: examination.createsGroup, statement })
    const { canWrite, reason } = await access.check()
    if (canWrite) await runCanary(client, steps, target, statement)
    else
      steps.report('canary', {
        status: 'skip',
        detail: `not written: ${reason}`,
        advice: 'write --group with a group that exists, or --create-group',
      })
  } catch (error) {
    if (!(error instanceof ComponentError || error instanceof OutOfTime)) throw error
    steps.report('settings', { status: 'fail', detail: error.message })
  } finally {
    client?.destroy()
    await aws?.close()
  }
}

async function hasCredentials(
  client: Client,
  config: Config,
  steps: Steps,
  { redaction }: Examination,
): Promise<boolean> {
  const source =
    config.role_arn !== ''
      ? `of the role ${config.role_arn}`
      : config.credentials !== undefined
        ? 'of the exporter'
        : config.profile !== ''
          ? `of the profile ${config.profile}`
          : 'of the environment, the profile, the pod or the instance'
  try {
    const found = await steps.within('credentials', () => client.config.credentials())
    redaction.add(found.secretAccessKey, found.sessionToken)
    const expires = found.expiration === undefined ? '' : `, until ${found.expiration.toISOString()}`
    const detail = `access key …${found.accessKeyId.slice(-4)} ${source}${expires}`
    const isOver = found.expiration !== undefined && found.expiration.getTime() < Date.now()
    steps.report('credentials', {
      status: isOver ? 'fail' : 'ok',
      detail,
      advice: isOver ? 'they have expired: renew them' : undefined,
    })
    return true
  } catch (error) {
    const { reason, message } = classifyNoCredentials(new NoCredentials(error))
    steps.report('credentials', {
      status: 'fail',
      detail: `none ${source}: ${reason}: ${message}`,
      advice:
        config.role_arn === ''
          ? 'give the daemon a role (Pod Identity, IRSA, ECS task role, instance role), or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY'
          : `the identity needs sts:AssumeRole on ${config.role_arn}, and the trust policy of the role must name it`,
    })
    return false
  }
}

function identify(client: Client, config: Config, steps: Steps, env: AwsEnvironment, region: string): Promise<WhoIsIt> {
  return inTime(
    () => steps.within('identity', (signal) => whoAmI(client, config, env, region, signal)),
    (reason) => ({
      finding: { status: 'warn', detail: `STS: ${reason}; the daemon does not need it, unless it assumes a role` },
      account: undefined,
    }),
  )
}

function notReached(reason: string): Reached {
  return { reached: false, endpoint: { status: 'fail', detail: reason, advice: NO_ROUTE }, clock: undefined }
}

/** @param otherwise returns the result if the time is over */
async function inTime<T>(work: () => Promise<T>, otherwise: (reason: string) => T): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof OutOfTime)) throw error
    return otherwise(error.message)
  }
}
