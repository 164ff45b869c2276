import { type CloudWatchLogsClient, DescribeLogGroupsCommand } from '@aws-sdk/client-cloudwatch-logs'
import { setTimeout as sleep } from 'node:timers/promises'
import { NoSuchGroup } from './follow.ts'

/** StartLiveTail: "You can include up to 10 log groups". */
const MAX_GROUPS = 10
const LOOK_EVERY_MS = 2_000

/**
 * Returns the ARNs of a group, or of those with a beginning; waits until there is one of these.
 * @param group a name, or a prefix and an asterisk
 * @throws NoSuchGroup; what the SDK throws
 */
export async function findGroups(
  client: CloudWatchLogsClient,
  group: string,
  note: (text: string) => void,
  abortSignal: AbortSignal,
): Promise<string[]> {
  const isPrefix = group.endsWith('*')
  const prefix = isPrefix ? group.slice(0, -1) : group
  const input = { limit: isPrefix ? MAX_GROUPS + 1 : 1, ...(prefix === '' ? {} : { logGroupNamePrefix: prefix }) }
  for (let looks = 0; ; looks += 1) {
    const { logGroups = [] } = await client.send(new DescribeLogGroupsCommand(input), { abortSignal })
    // Groups come in the order of their names: the group itself is the first with its name as prefix.
    const found = isPrefix ? logGroups : logGroups.filter(({ logGroupName }) => logGroupName === group)
    if (found.length > MAX_GROUPS)
      note(`only the first ${MAX_GROUPS} log groups that begin with ${prefix} are shown: write more of the name`)
    if (found.length > 0) return found.slice(0, MAX_GROUPS).flatMap(({ arn }) => arn?.replace(/:\*$/, '') ?? [])
    if (!isPrefix) throw new NoSuchGroup(group, undefined)
    if (looks === 0) note(`no log group begins with ${prefix} yet; waiting for one, whose first events are not shown`)
    await sleep(LOOK_EVERY_MS, undefined, { signal: abortSignal })
  }
}
