import type { Account } from '../../store/account.ts'
import type { Input } from '../../request/input.ts'
import { groupNameOrIdentifier, NEXT_TOKEN, STREAM_NAME } from '../../request/names.ts'
import { MAX_PAGE_EVENTS, page, read, readToken, writeToken } from '../../paging/page.ts'

/** Reads one stream, forward or backward; at an end it returns the token that was sent. */
export function getLogEvents(input: Input, { store }: Account): object {
  const streamName = input.requiredText('logStreamName', STREAM_NAME)
  const from = input.whole('startTime', { min: 0 }) ?? 0
  const before = input.whole('endTime', { min: 0 }) ?? Infinity
  const limit = input.whole('limit', { min: 1, max: MAX_PAGE_EVENTS }) ?? MAX_PAGE_EVENTS
  const token = input.text('nextToken', NEXT_TOKEN)
  const startFromHead = input.flag('startFromHead') ?? false
  input.flag('unmask') // nothing is masked here
  const stream = store.stream(groupNameOrIdentifier(input), streamName)

  const cursor = token === undefined ? undefined : readToken(token)
  const forward = cursor === undefined ? startFromHead : cursor.direction === 'f'
  const events = read({
    streams: [stream],
    from,
    before,
    after: cursor?.direction === 'f' ? cursor.position : undefined,
    until: cursor?.direction === 'b' ? cursor.position : undefined,
  })
  const shown = page(events, limit, forward ? 'head' : 'tail')
  const nowhere = cursor?.position ?? { timestamp: 0, sequence: 0 }
  return {
    events: shown.map(({ timestamp, message, ingestionTime }) => ({ timestamp, message, ingestionTime })),
    nextForwardToken: writeToken('f', shown.at(-1) ?? nowhere),
    nextBackwardToken: writeToken('b', shown[0] ?? nowhere),
  }
}
