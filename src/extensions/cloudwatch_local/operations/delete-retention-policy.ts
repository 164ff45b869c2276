import type { Account } from '../account.ts'
import type { Input } from '../input.ts'
import { GROUP_NAME } from '../names.ts'

export async function deleteRetentionPolicy(input: Input, { store, journal }: Account): Promise<undefined> {
  const name = input.requiredText('logGroupName', GROUP_NAME)
  input.check()
  const group = store.group(name)
  group.retentionInDays = undefined
  await journal.groupChanged(group)
}
