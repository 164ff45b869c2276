// One pass over a log group: reads its state, and changes what differs from its rule.

import { setTimeout as sleep } from 'node:timers/promises'
import { Pace } from '../../../delivery/scheduling/pace.ts'
import type { CallAws } from '../aws/aws.ts'
import type { Calls } from '../aws/calls.ts'
import { classifyCreation } from '../aws/classify.ts'
import { CONTROL_CALLS_PER_SECOND, DESCRIBE_GROUPS_PER_SECOND } from '../limits.ts'
import { type Difference, differences, type GroupRule, type Property } from '../route/group-rules.ts'

export interface Failed {
  readonly property: Property
  /** IAM action that is missing or was refused. */
  readonly action: string
  readonly error: string
}

/** `later`: a fault of the account, the credentials or the network. `missing`: the group was deleted. */
export type CheckResult =
  | { readonly kind: 'checked'; readonly changed: number; readonly failed: readonly Failed[] }
  | { readonly kind: 'missing' }
  | { readonly kind: 'later'; readonly afterMs: number; readonly error: string }

type Answer<Value> =
  | { readonly kind: 'done'; readonly value: Value }
  | { readonly kind: 'failed'; readonly error: string }
  | Exclude<CheckResult, { readonly kind: 'checked' }>

const ACTIONS: Readonly<Record<Exclude<Property, 'log_class'>, string>> = {
  retention: 'logs:PutRetentionPolicy',
  tags: 'logs:TagResource',
  kms_key: 'logs:AssociateKmsKey',
  deletion_protection: 'logs:PutLogGroupDeletionProtection',
}
const FIXED_CLASS =
  'the class of a log group is set when it is created and cannot be changed: delete the group, or change log_groups'

export class GroupCheck {
  readonly #aws: CallAws
  readonly #signal: AbortSignal
  /** Each operation has a quota of its own. */
  readonly #paces = new Map<string, Pace>()
  readonly #share: number

  constructor(aws: CallAws, share: number, signal: AbortSignal) {
    this.#aws = aws
    this.#share = share
    this.#signal = signal
  }

  /** @param onDifference called before a known difference is removed */
  async run(group: string, rule: GroupRule, onDifference: (difference: Difference) => void): Promise<CheckResult> {
    const described = await this.#call('DescribeLogGroups', (calls) => calls.describeLogGroup(group, this.#signal))
    if (described.kind === 'missing' || described.kind === 'later') return described
    // Without permission to describe, every property is set, which changes nothing if it is right.
    const actual = described.kind === 'done' ? described.value : undefined
    if (described.kind === 'done' && actual === undefined) return { kind: 'missing' }
    const arn = actual?.logGroupArn
    let tags: Record<string, string> | undefined
    if (rule.tags !== undefined && arn !== undefined) {
      const listed = await this.#call('ListTagsForResource', (calls) => calls.listTags(arn, this.#signal))
      if (listed.kind === 'missing' || listed.kind === 'later') return listed
      if (listed.kind === 'done') tags = listed.value
    }
    let changed = 0
    const failed: Failed[] = []
    for (const difference of differences(rule, actual === undefined ? undefined : { ...actual, tags })) {
      const { property } = difference
      if (property === 'log_class') {
        failed.push({ property, action: 'logs:CreateLogGroup', error: FIXED_CLASS })
        continue
      }
      if (property === 'tags' && arn === undefined) {
        const error = described.kind === 'failed' ? described.error : 'CloudWatch returned no ARN of the group'
        failed.push({ property, action: 'logs:DescribeLogGroups', error })
        continue
      }
      const isKnown = difference.actual !== 'unknown'
      if (isKnown) onDifference(difference)
      const answer = await this.#change(property, group, arn ?? '', rule)
      if (answer.kind === 'missing' || answer.kind === 'later') return answer
      if (answer.kind === 'failed') failed.push({ property, action: actionOf(property, rule), error: answer.error })
      else if (isKnown) changed++
    }
    return { kind: 'checked', changed, failed }
  }

  #change(
    property: Exclude<Property, 'log_class'>,
    group: string,
    arn: string,
    rule: GroupRule,
  ): Promise<Answer<unknown>> {
    const { retentionDays = 0, tags = {}, kmsKeyId = '', deletionProtection = false } = rule
    return this.#call(actionOf(property, rule), (calls) => {
      switch (property) {
        case 'retention':
          return retentionDays === 0
            ? calls.deleteRetentionPolicy(group, this.#signal)
            : calls.putRetentionPolicy(group, retentionDays, this.#signal)
        case 'tags':
          return calls.tagResource(arn, tags, this.#signal)
        case 'kms_key':
          return calls.associateKmsKey(group, kmsKeyId, this.#signal)
        case 'deletion_protection':
          return calls.putDeletionProtection(group, deletionProtection, this.#signal)
      }
    })
  }

  async #call<Value>(operation: string, send: (calls: Calls) => Promise<Value>): Promise<Answer<Value>> {
    const waitMs = this.#pace(operation).waitMs()
    // Rounded up: a timer that fires early would take a token that is not there.
    if (waitMs > 0) await sleep(Math.ceil(waitMs) + 1, undefined, { signal: this.#signal })
    this.#pace(operation).take()
    try {
      return { kind: 'done', value: await send(await this.#aws()) }
    } catch (error) {
      const outcome = classifyCreation(error)
      if (outcome.kind === 'missing') return { kind: 'missing' }
      if (outcome.kind === 'refused') return { kind: 'failed', error: outcome.message }
      if (outcome.kind !== 'retry') return { kind: 'failed', error: outcome.kind }
      const { scope, lasting, message } = outcome
      if (scope === 'group' && lasting) return { kind: 'failed', error: message }
      return { kind: 'later', afterMs: outcome.afterMs ?? 0, error: `${operation}: ${message}` }
    }
  }

  #pace(operation: string): Pace {
    const known = this.#paces.get(operation)
    if (known !== undefined) return known
    const perSecond = operation === 'DescribeLogGroups' ? DESCRIBE_GROUPS_PER_SECOND : CONTROL_CALLS_PER_SECOND
    const pace = new Pace(perSecond * this.#share, 1)
    this.#paces.set(operation, pace)
    return pace
  }
}

function actionOf(property: Exclude<Property, 'log_class'>, { retentionDays }: GroupRule): string {
  return property === 'retention' && retentionDays === 0 ? 'logs:DeleteRetentionPolicy' : ACTIONS[property]
}
