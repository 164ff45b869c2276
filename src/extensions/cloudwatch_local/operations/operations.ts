import type { Operation } from './operation.ts'
import { associateKmsKey } from './groups/associate-kms-key.ts'
import { createLogGroup } from './groups/create-log-group.ts'
import { createLogStream } from './streams/create-log-stream.ts'
import { deleteLogGroup } from './groups/delete-log-group.ts'
import { deleteLogStream } from './streams/delete-log-stream.ts'
import { deleteRetentionPolicy } from './groups/delete-retention-policy.ts'
import { describeLogGroups } from './groups/describe-log-groups.ts'
import { describeLogStreams } from './streams/describe-log-streams.ts'
import { filterLogEvents } from './events/filter-log-events.ts'
import { getCallerIdentity } from './get-caller-identity.ts'
import { getLogEvents } from './events/get-log-events.ts'
import { listLogGroups } from './groups/list-log-groups.ts'
import { listTagsForResource } from './tags/list-tags-for-resource.ts'
import { putLogEvents } from './events/put-log-events.ts'
import { putLogGroupDeletionProtection } from './groups/put-log-group-deletion-protection.ts'
import { putRetentionPolicy } from './groups/put-retention-policy.ts'
import { startLiveTail } from './events/start-live-tail.ts'
import { tagResource } from './tags/tag-resource.ts'
import { untagResource } from './tags/untag-resource.ts'

/** All supported operations, by the name after `Logs_20140328.`. */
export const OPERATIONS: ReadonlyMap<string, Operation> = new Map<string, Operation>([
  ['AssociateKmsKey', associateKmsKey],
  ['CreateLogGroup', createLogGroup],
  ['CreateLogStream', createLogStream],
  ['DeleteLogGroup', deleteLogGroup],
  ['DeleteLogStream', deleteLogStream],
  ['DeleteRetentionPolicy', deleteRetentionPolicy],
  ['DescribeLogGroups', describeLogGroups],
  ['DescribeLogStreams', describeLogStreams],
  ['FilterLogEvents', filterLogEvents],
  ['GetLogEvents', getLogEvents],
  ['ListLogGroups', listLogGroups],
  ['ListTagsForResource', listTagsForResource],
  ['PutLogEvents', putLogEvents],
  ['PutLogGroupDeletionProtection', putLogGroupDeletionProtection],
  ['PutRetentionPolicy', putRetentionPolicy],
  ['StartLiveTail', startLiveTail],
  ['TagResource', tagResource],
  ['UntagResource', untagResource],
])

/** The one operation of STS, for clients that ask who they are. */
export const STS_OPERATIONS: ReadonlyMap<string, Operation> = new Map([['GetCallerIdentity', getCallerIdentity]])
