// The actions of IAM that an exporter needs, each with the form of ARN that its resource has in a policy.
//
//   group         …:log-group:NAME:*          CloudWatch asks for `NAME:log-stream:` and `NAME:log-stream:STREAM`
//   tagged group  …:log-group:NAME            the tagging actions alone take the ARN without `:*`
//   stream        …:log-group:NAME:log-stream:STREAM

import type { GroupState } from '../../route/group-rules.ts'
import type { CloudWatchLogsSettings } from '../../settings/resolve.ts'

export type ResourceForm = 'group' | 'tagged_group' | 'stream'

export interface NeededAction {
  readonly action: string
  readonly form: ResourceForm
}

/** The operations of `aws/calls.ts`, each if the config has a use for it, and what CloudWatch checks beside them. */
export function actionsOf(settings: CloudWatchLogsSettings): NeededAction[] {
  const { retentionDays, tags, createGroups, createStreams, groupRules } = settings
  const wants = (property: keyof GroupState) => groupRules.some((rule) => rule[property] !== undefined)
  const retentions = groupRules.map((rule) => rule.retentionDays)
  const tagsNewGroups = createGroups && tags !== undefined && Object.keys(tags).length > 0
  const needed: readonly (readonly [isNeeded: boolean, NeededAction])[] = [
    [true, { action: 'logs:PutLogEvents', form: 'stream' }],
    [createStreams, { action: 'logs:CreateLogStream', form: 'group' }],
    [createGroups, { action: 'logs:CreateLogGroup', form: 'group' }],
    [
      (createGroups && retentionDays > 0) || retentions.some((days) => days !== undefined && days > 0),
      { action: 'logs:PutRetentionPolicy', form: 'group' },
    ],
    [retentions.includes(0), { action: 'logs:DeleteRetentionPolicy', form: 'group' }],
    [groupRules.length > 0, { action: 'logs:DescribeLogGroups', form: 'group' }],
    // CreateLogGroup with tags is refused without it.
    [tagsNewGroups || wants('tags'), { action: 'logs:TagResource', form: 'tagged_group' }],
    [wants('tags'), { action: 'logs:ListTagsForResource', form: 'tagged_group' }],
    [wants('kmsKeyId'), { action: 'logs:AssociateKmsKey', form: 'group' }],
    [wants('deletionProtection'), { action: 'logs:PutLogGroupDeletionProtection', form: 'group' }],
  ]
  return needed.filter(([isNeeded]) => isNeeded).map(([, action]) => action)
}

/** The stream names of the canary events of `doctor`. */
export const DOCTOR_STREAM = 'otlp-cloudwatch-doctor'

/** The actions that `doctor` needs in addition, to write a canary event into a stream of its own, read it, and delete the stream. */
export const DOCTOR_ACTIONS: readonly NeededAction[] = [
  { action: 'logs:PutLogEvents', form: 'stream' },
  { action: 'logs:GetLogEvents', form: 'stream' },
  { action: 'logs:DeleteLogStream', form: 'stream' },
]
