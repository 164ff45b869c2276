import type { Account } from '../store/account.ts'
import type { Input } from '../request/input.ts'
import { byName, readNameToken, writeNameToken } from '../paging/name-order.ts'
import { groupArn, groupNameOrIdentifier, NEXT_TOKEN, STREAM_NAME } from '../request/names.ts'
import { invalidParameter } from '../api/service-error.ts'
import type { LogStream } from '../store/store.ts'

export function describeLogStreams(input: Input, account: Account): object {
  const prefix = input.text('logStreamNamePrefix', STREAM_NAME)
  const orderBy = input.text('orderBy', { oneOf: ['LogStreamName', 'LastEventTime'] }) ?? 'LogStreamName'
  const descending = input.flag('descending') ?? false
  const limit = input.whole('limit', { min: 1, max: 50 }) ?? 50
  const token = input.text('nextToken', NEXT_TOKEN)
  const group = account.store.group(groupNameOrIdentifier(input))
  if (orderBy === 'LastEventTime' && prefix !== undefined)
    throw invalidParameter('Cannot order by LastEventTime with a logStreamNamePrefix.')

  const streams = [...group.streams.values()].filter(({ name }) => name.startsWith(prefix ?? ''))
  streams.sort(orderBy === 'LogStreamName' ? byName : byLastEvent)
  if (descending) streams.reverse()
  const start = token === undefined ? 0 : streams.findIndex(({ name }) => name === readNameToken(token)) + 1
  const shown = streams.slice(start, start + limit)
  return {
    logStreams: shown.map((stream) => describe(stream, account)),
    ...(start + limit < streams.length && { nextToken: writeNameToken(shown.at(-1)?.name ?? '') }),
  }
}

function byLastEvent(a: LogStream, b: LogStream): number {
  return (a.lastEventTimestamp ?? 0) - (b.lastEventTimestamp ?? 0) || byName(a, b)
}

function describe(stream: LogStream, account: Account): object {
  return {
    logStreamName: stream.name,
    creationTime: stream.creationTime,
    ...(stream.firstEventTimestamp !== undefined && {
      firstEventTimestamp: stream.firstEventTimestamp,
      lastEventTimestamp: stream.lastEventTimestamp,
      lastIngestionTime: stream.lastIngestionTime,
    }),
    uploadSequenceToken: String(stream.creationTime).padStart(56, '4'),
    arn: `${groupArn(account.region, account.id, stream.group.name)}:log-stream:${stream.name}`,
    storedBytes: 0, // no longer counted for a stream since 2019
  }
}
