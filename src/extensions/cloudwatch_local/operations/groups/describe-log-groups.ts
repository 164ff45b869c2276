import { invalidParameter } from '../../answer/service-error.ts'
import { nameAfter, pageOfGroups } from '../../paging/name-order.ts'
import { includesOwnAccount } from '../../request/accounts.ts'
import { ofClass, readGroupClass } from '../../request/group-class.ts'
import type { Input } from '../../request/input.ts'
import { GROUP_IDENTIFIER, GROUP_NAME, groupArn, groupOfIdentifier } from '../../request/names.ts'
import type { Account } from '../../store/account.ts'
import type { LogGroup } from '../../store/store.ts'

const MAX_IDENTIFIERS = 50

export function describeLogGroups(input: Input, account: Account): object {
  const prefix = input.text('logGroupNamePrefix', GROUP_NAME)
  const pattern = input.text('logGroupNamePattern', { max: 512, pattern: /^[.\-_/#A-Za-z0-9]*$/ })
  const limit = input.whole('limit', { min: 1, max: 50 }) ?? 50
  const groupClass = readGroupClass(input)
  const identifiers = input.texts('logGroupIdentifiers', { min: 1, max: MAX_IDENTIFIERS }, GROUP_IDENTIFIER)
  const own = includesOwnAccount(input, account)
  const after = nameAfter(input, 'DescribeLogGroups')
  if (prefix !== undefined && pattern !== undefined)
    throw invalidParameter('LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.')
  const otherFilters = [prefix, pattern, groupClass, input.raw('accountIdentifiers')]
  if (identifiers !== undefined && otherFilters.some((filter) => filter !== undefined))
    throw invalidParameter('The only filter that may be specified with logGroupIdentifiers is includeLinkedAccounts.')

  const names = identifiers === undefined ? undefined : new Set(identifiers.map(groupOfIdentifier))
  const { shown, next } = pageOfGroups(
    account.store,
    limit,
    after,
    'DescribeLogGroups',
    (group) =>
      own &&
      (names === undefined || names.has(group.name)) &&
      group.name.startsWith(prefix ?? '') &&
      group.name.includes(pattern ?? '') &&
      ofClass(group, groupClass),
  )
  return { logGroups: shown.map((group) => describe(group, account, pattern !== undefined)), ...next }
}

/** @param short "If you specify logGroupNamePattern, then only arn, creationTime, and logGroupName are included" */
function describe(group: LogGroup, account: Account, short: boolean): object {
  const arn = groupArn(account.region, account.id, group.name)
  if (short) return { logGroupName: group.name, creationTime: group.creationTime, arn: `${arn}:*` }
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
