// The actions of the identity, tried without changing anything, except that a group is created with --create-group, and a
// stream for the canary event.
//
//   PutLogEvents        an event of 15 days ago, which CloudWatch refuses to store, and does not charge
//   CreateLogStream     the stream of the canary event
//   CreateLogGroup      a group that exists
//   PutRetentionPolicy  a group that does not exist

import {
  type CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  PutLogEventsCommand,
  PutRetentionPolicyCommand,
} from '@aws-sdk/client-cloudwatch-logs'
import { MAX_AGE_MS } from '../../limits.ts'
import type { CloudWatchLogsSettings } from '../../settings/resolve.ts'
import { type Attempt, attempt } from './attempt.ts'
import type { Finding, Steps } from './step.ts'
import type { Target } from './target.ts'

const DAY_MS = 24 * 3_600_000

export interface AccessSettings {
  readonly target: Target
  readonly settings: CloudWatchLogsSettings
  readonly createsGroup: boolean
  /** Returns the IAM statement that allows an action. */
  readonly statement: (action: string) => object | undefined
}

export class Access {
  readonly #client: CloudWatchLogsClient
  readonly #steps: Steps
  readonly #access: AccessSettings

  constructor(client: CloudWatchLogsClient, steps: Steps, access: AccessSettings) {
    this.#client = client
    this.#steps = steps
    this.#access = access
  }

  /** @returns Returns whether the stream of the canary event was created, and why not */
  async check(): Promise<{ readonly canWrite: boolean; readonly reason: string }> {
    const { target, settings, createsGroup } = this.#access
    const put = await this.#putOldEvent()
    this.#report('PutLogEvents', put, `may write ${target.group}, stream ${target.stream}`)
    let stream = await this.#createStream()
    const isMissing = stream.kind === 'missing'
    let created = false
    if (isMissing && createsGroup) {
      created = await this.#createGroup()
      if (created) stream = await this.#createStream()
    }
    this.#report('CreateLogStream', stream, `may create streams in ${target.group}`)
    const exists = stream.kind === 'done' || stream.kind === 'exists' || put.kind === 'done'
    if (!created && !(isMissing && createsGroup)) await this.#checkGroupCreation(exists, isMissing)
    if (settings.retentionDays > 0) await this.#checkRetention(created)
    if (stream.kind === 'done') return { canWrite: true, reason: '' }
    const reason =
      stream.kind === 'missing' ? `the log group ${target.group} does not exist` : 'its stream could not be created'
    return { canWrite: false, reason }
  }

  #putOldEvent(): Promise<Attempt> {
    const { group: logGroupName, stream: logStreamName } = this.#access.target
    const logEvents = [{ timestamp: Date.now() - MAX_AGE_MS - DAY_MS, message: 'otlp-cloudwatch doctor: never stored' }]
    return this.#attempt('PutLogEvents', new PutLogEventsCommand({ logGroupName, logStreamName, logEvents }))
  }

  #createStream(): Promise<Attempt> {
    const { group: logGroupName, canaryStream: logStreamName } = this.#access.target
    return this.#attempt('CreateLogStream', new CreateLogStreamCommand({ logGroupName, logStreamName }))
  }

  async #createGroup(): Promise<boolean> {
    const { group } = this.#access.target
    const outcome = await this.#callCreateGroup()
    this.#report('CreateLogGroup', outcome, `created the log group ${group}, which stays`)
    return outcome.kind === 'done' || outcome.kind === 'exists'
  }

  /** With tags, CloudWatch checks TagResource, too. */
  #callCreateGroup(): Promise<Attempt> {
    const { target, settings } = this.#access
    const tags = settings.tags === undefined ? {} : { tags: settings.tags }
    return this.#attempt('CreateLogGroup', new CreateLogGroupCommand({ logGroupName: target.group, ...tags }))
  }

  async #checkGroupCreation(exists: boolean, isMissing: boolean): Promise<void> {
    const { target } = this.#access
    if (exists) return this.#report('CreateLogGroup', await this.#callCreateGroup(), 'may create log groups')
    const detail = isMissing
      ? `not tried: it would create ${target.group}`
      : 'not tried: whether the group exists is unknown'
    this.#steps.report('CreateLogGroup', {
      status: 'skip',
      detail,
      advice: 'write --group with a group that exists, or --create-group',
    })
  }

  async #checkRetention(created: boolean): Promise<void> {
    const { target, settings } = this.#access
    const step = 'PutRetentionPolicy'
    const group = created ? target.group : target.absentGroup
    if (group === undefined)
      return this.#steps.report(step, { status: 'skip', detail: `not tried: it would change ${target.group}` })
    const retentionInDays = settings.retentionDays
    const command = new PutRetentionPolicyCommand({ logGroupName: group, retentionInDays })
    this.#report(step, await this.#attempt(step, command), 'may set the retention of log groups')
  }

  async #attempt(step: string, command: object): Promise<Attempt> {
    return attempt(() =>
      this.#steps.within(step, (abortSignal) => this.#client.send(command as never, { abortSignal })),
    )
  }

  #report(step: string, outcome: Attempt, detail: string): void {
    this.#steps.report(step, findingOf(step, outcome, detail, this.#access.statement))
  }
}

/** @param detail for a call that is allowed */
export function findingOf(
  operation: string,
  outcome: Attempt,
  detail: string,
  statement: (action: string) => object | undefined,
): Finding {
  switch (outcome.kind) {
    case 'done':
    case 'exists':
    case 'missing':
      return { status: 'ok', detail: outcome.kind === 'missing' ? `${detail} (which does not exist)` : detail }
    case 'denied': {
      const action = isAboutTags(operation, outcome.message) ? 'logs:TagResource' : `logs:${operation}`
      const advice = `allow ${action}: add the statement to the policy of the identity; an explicit deny, an SCP or a boundary wins over it`
      return { status: 'fail', detail: outcome.message, advice, action, statement: statement(action) }
    }
    case 'failed':
      return { status: 'fail', detail: outcome.message }
  }
}

/** CreateLogGroup with tags needs TagResource, and names it, or says "with Tags". */
function isAboutTags(operation: string, message: string): boolean {
  return operation === 'CreateLogGroup' && /logs:TagResource|with tags/i.test(message)
}
