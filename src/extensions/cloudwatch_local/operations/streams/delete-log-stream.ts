import type { Account } from '../../store/account.ts'
import type { Input } from '../../request/input.ts'
import { GROUP_NAME, STREAM_NAME } from '../../request/names.ts'
import { ServiceError } from '../../answer/service-error.ts'

export async function deleteLogStream(input: Input, { store, journal }: Account): Promise<undefined> {
  const groupName = input.requiredText('logGroupName', GROUP_NAME)
  const name = input.requiredText('logStreamName', STREAM_NAME)
  input.check()
  const stream = store.stream(groupName, name)
  if (stream.group.deletionProtectionEnabled)
    throw new ServiceError('ValidationException', `The log group '${groupName}' has deletion protection enabled.`)
  store.deleteStream(stream)
  await journal.streamDeleted(stream)
}
