import type { Account } from '../../store/account.ts'
import type { Input } from '../../request/input.ts'
import { GROUP_NAME } from '../../request/names.ts'

/** PutRetentionPolicy's values (facts 1.3); DeleteRetentionPolicy keeps events forever. */
export const RETENTION_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
] as const

export async function putRetentionPolicy(input: Input, { store, journal }: Account): Promise<undefined> {
  const name = input.requiredText('logGroupName', GROUP_NAME)
  const days = input.requiredWhole('retentionInDays', { oneOf: RETENTION_DAYS })
  input.check()
  const group = store.group(name)
  group.retentionInDays = days
  await journal.groupChanged(group)
}
