import type { Account } from '../../store/account.ts'
import type { Input } from '../../request/input.ts'
import { groupOfResourceArn } from '../../request/names.ts'
import { addTags, readTags } from '../../request/tags.ts'

export async function tagResource(input: Input, { store, journal }: Account): Promise<undefined> {
  const tags = readTags(input)
  if (tags === undefined) input.missing('tags')
  const group = store.group(groupOfResourceArn(input))
  addTags(group.tags, tags ?? new Map())
  await journal.groupChanged(group)
}
