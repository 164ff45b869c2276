import type { Account } from '../account.ts'
import type { Input } from '../input.ts'
import { groupOfResourceArn } from '../names.ts'
import { addTags, readTags } from '../tags.ts'

export async function tagResource(input: Input, { store, journal }: Account): Promise<undefined> {
  const tags = readTags(input)
  if (tags === undefined) input.missing('tags')
  const group = store.group(groupOfResourceArn(input))
  addTags(group.tags, tags ?? new Map())
  await journal.groupChanged(group)
}
