import type { Account } from '../../store/account.ts'
import type { Input } from '../../request/input.ts'
import { GROUP_NAME } from '../../request/names.ts'
import { ServiceError } from '../../answer/service-error.ts'

export async function deleteLogGroup(input: Input, { store, journal }: Account): Promise<undefined> {
  const name = input.requiredText('logGroupName', GROUP_NAME)
  input.check()
  const group = store.group(name)
  if (group.deletionProtectionEnabled)
    throw new ServiceError('ValidationException', `The log group '${name}' has deletion protection enabled.`)
  store.deleteGroup(group)
  await journal.groupDeleted(group)
}
