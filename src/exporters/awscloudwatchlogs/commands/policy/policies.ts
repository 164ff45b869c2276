import type { PipelineExporter } from '../../../../component/command.ts'
import { AwsEnvironment } from '../../../../aws/environment/environment.ts'
import type { Config } from '../../config.ts'
import { resolve } from '../../settings/resolve.ts'
import { actionsOf, DOCTOR_ACTIONS, DOCTOR_STREAM } from './actions.ts'
import { arnOf, placeOf } from './arns.ts'
import { destinationPatterns, namedPatterns } from './destinations.ts'
import { withoutCovered } from './glob-overlap.ts'

export interface Statement {
  readonly Sid: string
  readonly Effect: 'Allow'
  readonly Action: readonly string[]
  readonly Resource: readonly string[]
}

export interface Policy {
  readonly Version: '2012-10-17'
  readonly Statement: readonly Statement[]
}

/** The policy of one identity: a role, or the credentials that the daemon finds. */
export interface IdentityPolicy {
  readonly identity: string
  readonly policy: Policy
}

export interface PolicyOptions {
  readonly env: NodeJS.ProcessEnv
  /** Undefined: that of the role, else any. */
  readonly account: string | undefined
  /** Undefined: that of the exporter or the environment, else any. */
  readonly region: string | undefined
  /** Whether `doctor` may write and read its canary event. */
  readonly withDoctor: boolean
}

/** Resources by action. */
type Needs = Map<string, string[]>

/** The least policies with which the exporters work, one for each identity. */
export function policiesFor(exporters: readonly PipelineExporter[], options: PolicyOptions): IdentityPolicy[] {
  const byIdentity = new Map<string, Needs>()
  const needsOf = (identity: string) => {
    const needs: Needs = byIdentity.get(identity) ?? new Map<string, string[]>()
    byIdentity.set(identity, needs)
    return needs
  }
  for (const exporter of exporters) {
    const config = exporter.config as Config
    const base = baseIdentity(config)
    if (config.role_arn === '') addNeeds(needsOf(base), exporter, options)
    else {
      add(needsOf(base), 'sts:AssumeRole', config.role_arn)
      addNeeds(needsOf(config.role_arn), exporter, options)
    }
  }
  return [...byIdentity].map(([identity, needs]) => ({ identity, policy: policyOf(needs) }))
}

/** The statement that allows one action of an exporter; undefined if the exporter does not need it. */
export function statementFor(
  action: string,
  exporter: PipelineExporter,
  options: PolicyOptions,
): Statement | undefined {
  const needs: Needs = new Map()
  addNeeds(needs, exporter, options)
  const resources = needs.get(action)
  return resources && policyOf(new Map([[action, resources]])).Statement[0]
}

function addNeeds(needs: Needs, { config, shape }: PipelineExporter, options: PolicyOptions): void {
  const { region, role_arn: role } = config as Config
  const settings = resolve(config as Config, 1, shape)
  const place = placeOf(
    options.region ?? (region || new AwsEnvironment(options.env).region),
    options.account,
    role || undefined,
  )
  const patterns = destinationPatterns(settings)
  for (const { action, form } of actionsOf(settings))
    for (const pattern of patterns) add(needs, action, arnOf(place, form, pattern))
  if (!options.withDoctor) return
  for (const { action, form } of DOCTOR_ACTIONS)
    for (const { group, stream } of namedPatterns(settings))
      add(needs, action, arnOf(place, form, { group, stream: stream.includes('*') ? stream : `${DOCTOR_STREAM}*` }))
}

function add(needs: Needs, action: string, resource: string): void {
  const known = needs.get(action)
  if (known === undefined) needs.set(action, [resource])
  else known.push(resource)
}

/** Actions on the same resources share a statement. */
function policyOf(needs: Needs): Policy {
  const least = [...needs].map(([action, resources]) => [action, withoutCovered(resources).toSorted()] as const)
  const byResources = Map.groupBy(least, ([, resources]) => resources.join('\n'))
  return {
    Version: '2012-10-17',
    Statement: [...byResources.values()].map((same) => ({
      Sid: same.map(([action]) => action.replace(/^.*:/, '')).join(''),
      Effect: 'Allow',
      Action: same.map(([action]) => action),
      Resource: same[0]?.[1] ?? [],
    })),
  }
}

/** For people: the credentials that an exporter starts with. */
function baseIdentity({ profile, credentials }: Config): string {
  // The id of a key is no secret, but the whole of it is more than anyone needs to tell keys apart.
  if (credentials !== undefined) return `access key …${credentials.access_key_id.slice(-4)}`
  return profile === '' ? 'the credentials of the daemon' : `profile ${profile}`
}
