import { invalidParameter } from '../../answer/service-error.ts'
import { nameAfter, pageOfGroups } from '../../paging/name-order.ts'
import { includesOwnAccount } from '../../request/accounts.ts'
import { ofClass, readGroupClass } from '../../request/group-class.ts'
import type { Input, TextRule } from '../../request/input.ts'
import { groupArn } from '../../request/names.ts'
import { readTagFilters } from '../../request/tag-filters.ts'
import type { Account } from '../../store/account.ts'

/** Up to five parts of names, each of 3 to 24 characters; `^` marks a prefix. */
const NAME_PATTERN: TextRule = {
  min: 3,
  max: 129,
  pattern: /^\^?[.\-_/#A-Za-z0-9]{3,24}(?:\|\^?[.\-_/#A-Za-z0-9]{3,24}){0,4}$/,
  printed: '(\\^?[\\.\\-_\\/#A-Za-z0-9]{3,24})(\\|\\^?[\\.\\-_\\/#A-Za-z0-9]{3,24}){0,4}',
}

/** Properties that groups here never have: refused, as a search for them would silently find nothing. */
const NOT_HERE = ['dataSources', 'fieldIndexNames'] as const

/** Returns names, ARNs and classes of the groups that satisfy every filter. */
export function listLogGroups(input: Input, account: Account): object {
  const pattern = input.text('logGroupNamePattern', NAME_PATTERN)
  const groupClass = readGroupClass(input)
  const limit = input.whole('limit', { min: 1, max: 1_000 }) ?? 50
  const own = includesOwnAccount(input, account)
  const hasTags = readTagFilters(input)
  const after = nameAfter(input, 'ListLogGroups')
  for (const key of NOT_HERE)
    if (input.raw(key) !== undefined)
      throw invalidParameter(`${key} is not supported by cloudwatch_local: use logGroupNamePattern or logGroupTags`)

  const parts = pattern?.split('|')
  const { shown, next } = pageOfGroups(account.store, limit, after, 'ListLogGroups', (group) => {
    const named = parts === undefined || parts.some((part) => matchesPart(group.name, part))
    return own && named && ofClass(group, groupClass) && hasTags(group)
  })
  return {
    logGroups: shown.map(({ name, logGroupClass }) => ({
      logGroupName: name,
      logGroupArn: groupArn(account.region, account.id, name),
      logGroupClass,
    })),
    ...next,
  }
}

function matchesPart(name: string, part: string): boolean {
  return part.startsWith('^') ? name.startsWith(part.slice(1)) : name.includes(part)
}
