import { setImmediate as nextTurn } from 'node:timers/promises'
import { invalidParameter } from '../answer/service-error.ts'
import { EVENT_OVERHEAD_BYTES, type InputLogEvent, type LogStream } from '../store/store.ts'

// Reading: events of some streams, in the order of time and then of arrival, a page at a time.

/** A page holds at most this many events, and 1 MB of them (GetLogEvents, FilterLogEvents). */
export const MAX_PAGE_EVENTS = 10_000
const MAX_PAGE_BYTES = 1_048_576
/** A filter pattern over a full store takes seconds: other calls are served in between. */
const MAX_TURN_MS = 20
/** Of the event loop, for others, between two turns of searches: a call is accepted in one, read in another, and answered. */
const FREE_TURNS = 4

/** Where an event stands among all others. */
export interface Position {
  readonly timestamp: number
  readonly sequence: number
}

export interface ReadEvent extends Position {
  readonly stream: LogStream
  readonly ingestionTime: number
  readonly message: string
}

export interface Query {
  readonly streams: Iterable<LogStream>
  /** ms, inclusive */
  readonly from: number
  /** ms, exclusive */
  readonly before: number
  /** Only events behind this one, or in front of it. */
  readonly after?: Position | undefined
  readonly until?: Position | undefined
  readonly matches?: (message: string) => boolean
}

/** Every event the query asks for, sorted. */
export function read(query: Query): ReadEvent[] {
  const found: ReadEvent[] = []
  for (const event of examine(query)) if (event !== undefined) found.push(event)
  return found.sort(compare)
}

/**
 * The same, leaving the event loop to others now and then.
 * @throws the signal's reason when it is aborted
 */
export async function search(query: Query, signal: AbortSignal): Promise<ReadEvent[]> {
  const found: ReadEvent[] = []
  await searchTurn()
  signal.throwIfAborted()
  let turnEnds = performance.now() + MAX_TURN_MS
  for (const event of examine(query)) {
    if (event !== undefined) found.push(event)
    if (performance.now() < turnEnds) continue
    await searchTurn()
    signal.throwIfAborted()
    turnEnds = performance.now() + MAX_TURN_MS
  }
  return found.sort(compare)
}

/** The turn that was asked for last: as many wait as there are searches. */
let lastTurn: Promise<void> = Promise.resolve()

/** Searches take turns: many at once would each take theirs before anything else gets one. */
function searchTurn(): Promise<void> {
  lastTurn = lastTurn.then(async () => {
    for (let turn = 0; turn < FREE_TURNS; turn += 1) await nextTurn()
  })
  return lastTurn
}

/** Yields for each event in the range: it, or undefined where it does not match. The batches are those of the start. */
function* examine(query: Query): Generator<ReadEvent | undefined> {
  for (const stream of query.streams) {
    for (const { events, firstSequence, ingestionTime } of stream.batches.slice()) {
      if ((events[0]?.timestamp ?? 0) >= query.before || (events.at(-1)?.timestamp ?? 0) < query.from) continue
      for (let index = 0; index < events.length; index += 1) {
        const { timestamp, message } = events[index] as InputLogEvent
        if (timestamp < query.from || timestamp >= query.before) continue
        const event = { stream, timestamp, sequence: firstSequence + index, ingestionTime, message }
        if (query.after !== undefined && compare(event, query.after) <= 0) continue
        if (query.until !== undefined && compare(event, query.until) >= 0) continue
        yield query.matches === undefined || query.matches(message) ? event : undefined
      }
    }
  }
}

function compare(a: Position, b: Position): number {
  return a.timestamp - b.timestamp || a.sequence - b.sequence
}

/** The part of `events` one answer may hold, from its head or its tail; at least one if there is any. */
export function page(events: readonly ReadEvent[], limit: number, end: 'head' | 'tail'): ReadEvent[] {
  const taken: ReadEvent[] = []
  let bytes = 0
  while (taken.length < limit && taken.length < events.length) {
    const event = events[end === 'head' ? taken.length : events.length - 1 - taken.length] as ReadEvent
    bytes += Buffer.byteLength(event.message) + EVENT_OVERHEAD_BYTES
    if (bytes > MAX_PAGE_BYTES && taken.length > 0) break
    taken.push(event)
  }
  return end === 'head' ? taken : taken.toReversed()
}

/** Unique, and increasing with arrival; 56 digits as AWS's are. */
export function eventId(event: Position): string {
  return String(event.sequence).padStart(56, '0')
}

/** `f/…/s` or `b/…/s`, as GetLogEvents gives them: which way, and from where. */
export function writeToken(direction: 'f' | 'b', position: Position): string {
  return `${direction}/${String(position.timestamp).padStart(28, '0')}${String(position.sequence).padStart(28, '0')}/s`
}

/** The same for FilterLogEvents, in a form of its own: neither operation takes the tokens of the other. */
export function writeSearchToken(direction: 'f' | 'b', position: Position): string {
  return Buffer.from(`search ${writeToken(direction, position)}`).toString('base64url')
}

/** @throws ServiceError InvalidParameterException for what `writeSearchToken` did not write */
export function readSearchToken(token: string): { readonly direction: 'f' | 'b'; readonly position: Position } {
  const [kind, inner = ''] = Buffer.from(token, 'base64url').toString('latin1').split(' ')
  return readToken(kind === 'search' ? inner : '')
}

/** @throws ServiceError InvalidParameterException for what `writeToken` did not write */
export function readToken(token: string): { readonly direction: 'f' | 'b'; readonly position: Position } {
  const match = /^([fb])\/(\d{28})(\d{28})\/s$/.exec(token)
  const position = { timestamp: Number(match?.[2]), sequence: Number(match?.[3]) }
  if (match === null || !Number.isSafeInteger(position.timestamp) || !Number.isSafeInteger(position.sequence))
    throw invalidParameter('The specified nextToken is invalid.')
  return { direction: match[1] === 'f' ? 'f' : 'b', position }
}
