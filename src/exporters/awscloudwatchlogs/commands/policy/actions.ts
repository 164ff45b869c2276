// The actions of IAM that an exporter needs, each with the form of ARN that its resource has in a policy.
//
//   group         …:log-group:NAME:*          CloudWatch asks for `NAME:log-stream:` and `NAME:log-stream:STREAM`
//   tagged group  …:log-group:NAME            the tagging actions alone take the ARN without `:*`
//   stream        …:log-group:NAME:log-stream:STREAM

import type { CloudWatchLogsSettings } from '../../settings/resolve.ts'

export type ResourceForm = 'group' | 'tagged_group' | 'stream'

export interface NeededAction {
  readonly action: string
  readonly form: ResourceForm
}

/** The operations of `aws/calls.ts`, and what CloudWatch checks beside them. */
export function actionsOf({ retentionDays, tags }: CloudWatchLogsSettings): NeededAction[] {
  return [
    { action: 'logs:PutLogEvents', form: 'stream' },
    { action: 'logs:CreateLogStream', form: 'group' },
    { action: 'logs:CreateLogGroup', form: 'group' },
    ...(retentionDays > 0 ? [{ action: 'logs:PutRetentionPolicy', form: 'group' } as const] : []),
    // CreateLogGroup with tags is refused without it.
    ...(tags !== undefined && Object.keys(tags).length > 0
      ? [{ action: 'logs:TagResource', form: 'tagged_group' } as const]
      : []),
  ]
}

/** The stream names of the canary events of `doctor`. */
export const DOCTOR_STREAM = 'otlp-cloudwatch-doctor'

/** The actions that `doctor` needs in addition, to write a canary event into a stream of its own, read it, and delete the stream. */
export const DOCTOR_ACTIONS: readonly NeededAction[] = [
  { action: 'logs:PutLogEvents', form: 'stream' },
  { action: 'logs:GetLogEvents', form: 'stream' },
  { action: 'logs:DeleteLogStream', form: 'stream' },
]
