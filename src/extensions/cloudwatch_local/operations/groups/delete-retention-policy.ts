import type { Account } from '../../store/account.ts'
import type { Input } from '../../request/input.ts'
import { GROUP_NAME } from '../../request/names.ts'

export async function deleteRetentionPolicy(input: Input, { store, journal }: Account): Promise<undefined> {
  const name = input.requiredText('logGroupName', GROUP_NAME)
  input.check()
  const group = store.group(name)
  group.retentionInDays = undefined
  await journal.groupChanged(group)
}
