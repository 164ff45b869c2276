import type { Account } from '../../store/account.ts'
import type { Input } from '../../request/input.ts'
import { byName, type NamePlace, readNameToken, writeNameToken } from '../../paging/name-order.ts'
import { groupArn, groupNameOrIdentifier, STREAM_NAME } from '../../request/names.ts'
import { invalidParameter } from '../../answer/service-error.ts'
import type { LogStream } from '../../store/store.ts'

export function describeLogStreams(input: Input, account: Account): object {
  const prefix = input.text('logStreamNamePrefix', STREAM_NAME)
  const orderBy = input.text('orderBy', { oneOf: ['LogStreamName', 'LastEventTime'] }) ?? 'LogStreamName'
  const descending = input.flag('descending') ?? false
  const limit = input.whole('limit', { min: 1, max: 50 }) ?? 50
  const groupName = groupNameOrIdentifier(input)
  const after = readNameToken(input, 'DescribeLogStreams')
  const group = account.store.group(groupName)
  if (orderBy === 'LastEventTime' && prefix !== undefined)
    throw invalidParameter('Cannot order by LastEventTime with a logStreamNamePrefix.')

  const byTime = orderBy === 'LastEventTime'
  if (after !== undefined && byTime !== (after.time !== undefined))
    throw invalidParameter('The specified nextToken is invalid.')
  const order = byTime ? byLastEvent : byName
  const direction = descending ? -1 : 1
  // The next page starts after the last stream shown, so streams created or deleted since do not shift it.
  const streams = [...group.streams.values()]
    .map((stream) => ({ stream, place: placeOf(stream, byTime) }))
    .filter(
      ({ stream, place }) =>
        stream.name.startsWith(prefix ?? '') && (after === undefined || order(place, after) * direction > 0),
    )
    .sort((a, b) => order(a.place, b.place) * direction)
  const shown = streams.slice(0, limit)
  const last = shown.at(-1)
  return {
    logStreams: shown.map(({ stream }) => describe(stream, account)),
    ...(streams.length > limit &&
      last !== undefined && { nextToken: writeNameToken('DescribeLogStreams', last.place) }),
  }
}

function placeOf({ name, lastEventTimestamp }: LogStream, byTime: boolean): NamePlace {
  return byTime ? { name, time: lastEventTimestamp ?? 0 } : { name }
}

function byLastEvent(a: NamePlace, b: NamePlace): number {
  return (a.time ?? 0) - (b.time ?? 0) || byName(a, b)
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
