import type { Account } from '../../store/account.ts'
import { readGroupClass } from '../../request/group-class.ts'
import type { Input } from '../../request/input.ts'
import { GROUP_NAME } from '../../request/names.ts'
import { invalidParameter } from '../../answer/service-error.ts'
import { readTags } from '../../request/tags.ts'

export async function createLogGroup(input: Input, { store, journal, now }: Account): Promise<undefined> {
  const name = input.requiredText('logGroupName', GROUP_NAME)
  const kmsKeyId = input.text('kmsKeyId', { max: 256 })
  const logGroupClass = readGroupClass(input)
  const deletionProtectionEnabled = input.flag('deletionProtectionEnabled') ?? false
  const tags = readTags(input) ?? new Map<string, string>()
  input.check()
  if (/^aws\//i.test(name)) throw invalidParameter('Log groups starting with AWS/ are reserved for AWS.')
  const group = store.createGroup({
    name,
    creationTime: now(),
    logGroupClass: logGroupClass ?? 'STANDARD',
    kmsKeyId,
    deletionProtectionEnabled,
    tags,
  })
  await journal.groupChanged(group)
}
