import type { Account } from '../../store/account.ts'
import type { Input } from '../../request/input.ts'
import { GROUP_NAME, STREAM_NAME } from '../../request/names.ts'

export async function createLogStream(input: Input, { store, journal, now }: Account): Promise<undefined> {
  const groupName = input.requiredText('logGroupName', GROUP_NAME)
  const name = input.requiredText('logStreamName', STREAM_NAME)
  input.check()
  await journal.streamCreated(store.createStream(store.group(groupName), name, now()))
}
