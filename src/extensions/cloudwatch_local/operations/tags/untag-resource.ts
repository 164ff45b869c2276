import type { Account } from '../../store/account.ts'
import type { Input } from '../../request/input.ts'
import { groupOfResourceArn } from '../../request/names.ts'
import { readTagKeys } from '../../request/tags.ts'

export async function untagResource(input: Input, { store, journal }: Account): Promise<undefined> {
  const keys = readTagKeys(input)
  const group = store.group(groupOfResourceArn(input))
  for (const key of keys) group.tags.delete(key)
  await journal.groupChanged(group)
}
