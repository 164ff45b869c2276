import type { Account } from '../../store/account.ts'
import { compileFilterPattern } from '../../filter/filter-pattern.ts'
import type { Input } from '../../request/input.ts'
import { groupNameOrIdentifier, NEXT_TOKEN, STREAM_NAME } from '../../request/names.ts'
import { eventId, MAX_PAGE_EVENTS, page, readSearchToken, search, writeSearchToken } from '../../paging/page.ts'
import { invalidParameter } from '../../answer/service-error.ts'

/** ms; "Setting startFromHead to false is supported only when startTime is on or after Jan 1, 2024 00:00:00 UTC." */
const FIRST_BACKWARD_START = Date.UTC(2024, 0, 1)

/** Reads streams of a group, interleaved by time. A token has the direction and the position; the last page has none. */
export async function filterLogEvents(input: Input, { store }: Account, signal: AbortSignal): Promise<object> {
  const names = input.texts('logStreamNames', { min: 1, max: 100 }, STREAM_NAME)
  const prefix = input.text('logStreamNamePrefix', STREAM_NAME)
  const from = input.whole('startTime', { min: 0 }) ?? 0
  const upTo = input.whole('endTime', { min: 0 }) ?? Infinity
  const pattern = input.text('filterPattern', { max: 1024 }) ?? ''
  const limit = input.whole('limit', { min: 1, max: MAX_PAGE_EVENTS }) ?? MAX_PAGE_EVENTS
  const token = input.text('nextToken', NEXT_TOKEN)
  const startFromHead = input.flag('startFromHead') ?? true
  input.flag('interleaved') // ignored since 2019: always interleaved
  input.flag('unmask') // nothing is masked here
  const groupName = groupNameOrIdentifier(input)
  if (names !== undefined && prefix !== undefined)
    throw invalidParameter('logStreamNames and logStreamNamePrefix are mutually exclusive parameters.')
  if (!startFromHead && token === undefined && from < FIRST_BACKWARD_START && input.raw('startTime') !== undefined)
    throw invalidParameter('startFromHead can only be false with a startTime on or after Jan 1, 2024 00:00:00 UTC.')
  const matches = compileFilterPattern(pattern)

  const streams =
    names === undefined
      ? [...store.group(groupName).streams.values()].filter(({ name }) => name.startsWith(prefix ?? ''))
      : [...new Set(names)].map((name) => store.stream(groupName, name))
  const cursor = token === undefined ? undefined : readSearchToken(token)
  const forward = cursor === undefined ? startFromHead : cursor.direction === 'f'
  const query = {
    streams,
    from,
    before: upTo + 1, // "Events with a timestamp later than this time are not returned."
    after: cursor?.direction === 'f' ? cursor.position : undefined,
    until: cursor?.direction === 'b' ? cursor.position : undefined,
    matches,
  }
  const events = await search(query, signal)
  const shown = page(events, limit, forward ? 'head' : 'tail')
  const last = forward ? shown.at(-1) : shown[0]
  return {
    events: shown.map((event) => ({
      logStreamName: event.stream.name,
      timestamp: event.timestamp,
      message: event.message,
      ingestionTime: event.ingestionTime,
      eventId: eventId(event),
    })),
    searchedLogStreams: [], // always empty since 2020
    ...(shown.length < events.length &&
      last !== undefined && { nextToken: writeSearchToken(forward ? 'f' : 'b', last) }),
  }
}
