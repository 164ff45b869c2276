import type { Account } from '../account.ts'
import type { Input } from '../input.ts'
import { groupOfResourceArn } from '../names.ts'

export function listTagsForResource(input: Input, { store }: Account): object {
  return { tags: Object.fromEntries(store.group(groupOfResourceArn(input)).tags) }
}
