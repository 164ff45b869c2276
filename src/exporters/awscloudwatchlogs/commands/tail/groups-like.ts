import { type CloudWatchLogsClient, DescribeLogGroupsCommand, type LogGroup } from '@aws-sdk/client-cloudwatch-logs'

/**
 * Returns the first groups whose names begin with a prefix, in the order of their names.
 * @param max maximum number of groups; `note` is called if there are more
 */
export async function groupsLike(
  client: CloudWatchLogsClient,
  prefix: string,
  max: number,
  note: (text: string) => void,
  abortSignal: AbortSignal,
): Promise<readonly LogGroup[]> {
  const input = { limit: max + 1, ...(prefix === '' ? {} : { logGroupNamePrefix: prefix }) }
  const { logGroups = [] } = await client.send(new DescribeLogGroupsCommand(input), { abortSignal })
  if (logGroups.length > max)
    note(`only the first ${max} log groups that begin with ${prefix} are shown: write more of the name`)
  return logGroups.slice(0, max)
}
