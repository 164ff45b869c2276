import { invalidParameter } from '../../answer/service-error.ts'
import type { Input } from '../../request/input.ts'
import { GROUP_IDENTIFIER, groupOfIdentifier } from '../../request/names.ts'
import type { Account } from '../../store/account.ts'

export async function putLogGroupDeletionProtection(input: Input, { store, journal }: Account): Promise<undefined> {
  const identifier = input.requiredText('logGroupIdentifier', GROUP_IDENTIFIER)
  const enabled = input.flag('deletionProtectionEnabled')
  input.check()
  if (enabled === undefined) throw invalidParameter('deletionProtectionEnabled is required.')
  const group = store.group(groupOfIdentifier(identifier))
  group.deletionProtectionEnabled = enabled
  await journal.groupChanged(group)
}
