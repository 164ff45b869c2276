import { type CloudWatchLogsClient, DescribeLogGroupsCommand, type LogGroup } from '@aws-sdk/client-cloudwatch-logs'
import { setTimeout as sleep } from 'node:timers/promises'
import { NoSuchGroup } from './follow.ts'
import { groupsLike } from './groups-like.ts'

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
  if (!group.endsWith('*')) return arnsOf([await groupNamed(client, group, abortSignal)])
  const prefix = group.slice(0, -1)
  for (let looks = 0; ; looks += 1) {
    const found = await groupsLike(client, prefix, MAX_GROUPS, note, abortSignal)
    if (found.length > 0) return arnsOf(found)
    if (looks === 0) note(`no log group begins with ${prefix} yet; waiting for one, whose first events are not shown`)
    await sleep(LOOK_EVERY_MS, undefined, { signal: abortSignal })
  }
}

async function groupNamed(client: CloudWatchLogsClient, name: string, abortSignal: AbortSignal): Promise<LogGroup> {
  const command = new DescribeLogGroupsCommand({ limit: 1, logGroupNamePrefix: name })
  const { logGroups = [] } = await client.send(command, { abortSignal })
  // Groups come in the order of their names: the group itself is the first with its name as prefix.
  const found = logGroups.find(({ logGroupName }) => logGroupName === name)
  if (found === undefined) throw new NoSuchGroup(name, undefined)
  return found
}

function arnsOf(groups: readonly LogGroup[]): string[] {
  return groups.flatMap(({ arn }) => arn?.replace(/:\*$/, '') ?? [])
}
