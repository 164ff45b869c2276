import type { Account } from '../../store/account.ts'
import type { Input } from '../../request/input.ts'
import { groupOfResourceArn } from '../../request/names.ts'

export function listTagsForResource(input: Input, { store }: Account): object {
  return { tags: Object.fromEntries(store.group(groupOfResourceArn(input)).tags) }
}
