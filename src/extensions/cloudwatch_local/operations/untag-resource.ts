import type { Account } from '../account.ts'
import type { Input } from '../input.ts'
import { groupOfResourceArn } from '../names.ts'
import { readTagKeys } from '../tags.ts'

export async function untagResource(input: Input, { store, journal }: Account): Promise<undefined> {
  const keys = readTagKeys(input)
  const group = store.group(groupOfResourceArn(input))
  for (const key of keys) group.tags.delete(key)
  await journal.groupChanged(group)
}
