import { invalidParameter } from '../../answer/service-error.ts'
import type { Input } from '../../request/input.ts'
import { GROUP_NAME } from '../../request/names.ts'
import type { Account } from '../../store/account.ts'

/** AssociateKmsKey requires the key's ARN; an id or alias is refused. */
const KEY_ARN = /^arn:[\w-]+:kms:[\w-]+:\d{12}:key\/[\w-]+$/

/** Keys of query results (`resourceIdentifier`) are not supported here. */
export async function associateKmsKey(input: Input, { store, journal }: Account): Promise<undefined> {
  const name = input.requiredText('logGroupName', GROUP_NAME)
  const key = input.requiredText('kmsKeyId', { max: 256 })
  input.check()
  if (!KEY_ARN.test(key)) throw invalidParameter(`kmsKeyId '${key}' is not the ARN of a KMS key.`)
  const group = store.group(name)
  group.kmsKeyId = key
  await journal.groupChanged(group)
}
