import type { Account } from '../store/account.ts'
import { byName, readNameToken, writeNameToken } from '../paging/name-order.ts'
import type { Input } from '../request/input.ts'
import { GROUP_NAME, groupArn, NEXT_TOKEN } from '../request/names.ts'
import { invalidParameter } from '../api/service-error.ts'
import type { LogGroup } from '../store/store.ts'
import { GROUP_CLASSES } from './create-log-group.ts'

/** What DescribeLogGroups can be asked in AWS and not here. */
const NOT_HERE = ['accountIdentifiers', 'includeLinkedAccounts', 'logGroupIdentifiers'] as const

export function describeLogGroups(input: Input, account: Account): object {
  const prefix = input.text('logGroupNamePrefix', GROUP_NAME)
  const pattern = input.text('logGroupNamePattern', { max: 512, pattern: /^[.\-_/#A-Za-z0-9]*$/ })
  const limit = input.whole('limit', { min: 1, max: 50 }) ?? 50
  const token = input.text('nextToken', NEXT_TOKEN)
  const groupClass = input.text('logGroupClass', { oneOf: GROUP_CLASSES })
  input.check()
  if (prefix !== undefined && pattern !== undefined)
    throw invalidParameter('LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.')
  for (const key of NOT_HERE)
    if (input.raw(key)) throw invalidParameter(`${key} is not offered by cloudwatch_local: use logGroupNamePrefix`)

  const after = token === undefined ? '' : readNameToken(token)
  const matching = [...account.store.groups.values()]
    .filter(
      ({ name, logGroupClass }) =>
        name > after &&
        name.startsWith(prefix ?? '') &&
        name.includes(pattern ?? '') &&
        (groupClass === undefined || groupClass === logGroupClass),
    )
    .sort(byName)
  const shown = matching.slice(0, limit)
  return {
    logGroups: shown.map((group) => describe(group, account)),
    ...(matching.length > limit && { nextToken: writeNameToken(shown.at(-1)?.name ?? '') }),
  }
}

function describe(group: LogGroup, account: Account): object {
  const arn = groupArn(account.region, account.id, group.name)
  return {
    logGroupName: group.name,
    creationTime: group.creationTime,
    ...(group.retentionInDays !== undefined && { retentionInDays: group.retentionInDays }),
    metricFilterCount: 0,
    arn: `${arn}:*`,
    storedBytes: group.storedBytes,
    ...(group.kmsKeyId !== undefined && { kmsKeyId: group.kmsKeyId }),
    logGroupClass: group.logGroupClass,
    logGroupArn: arn,
    deletionProtectionEnabled: group.deletionProtectionEnabled,
  }
}
