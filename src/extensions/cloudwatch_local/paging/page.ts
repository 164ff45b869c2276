import { setImmediate as nextTurn } from 'node:timers/promises'
import { invalidParameter } from '../answer/service-error.ts'
import { EVENT_OVERHEAD_BYTES, type InputLogEvent, type LogStream } from '../store/store.ts'

// Reads events of streams, ordered by time and then by arrival, a page at a time.

/** Maximum events of a page, which has at most 1 MB of them (GetLogEvents, FilterLogEvents). */
export const MAX_PAGE_EVENTS = 10_000
const MAX_PAGE_BYTES = 1_048_576
/** Maximum ms of one turn of a search. A filter pattern over a full store takes seconds; other calls run in between. */
const MAX_TURN_MS = 20
/** Event loop turns for other calls between two turns of searches: a call needs several to be accepted, read and answered. */
const FREE_TURNS = 4

/** Position of an event in the order of all events. */
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
  /** Only events after `after` and before `until`. */
  readonly after?: Position | undefined
  readonly until?: Position | undefined
  readonly matches?: (message: string) => boolean
}

/** Returns all events of the query, sorted. */
export function read(query: Query): ReadEvent[] {
  const found: ReadEvent[] = []
  for (const event of examine(query)) if (event !== undefined) found.push(event)
  return found.sort(compare)
}

/**
 * Like `read`, but yields to the event loop between turns.
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

/** The last requested turn; each search waits for at most one. */
let lastTurn: Promise<void> = Promise.resolve()

/** Queues the turns of all searches, so that other calls are served between any two of them. */
function searchTurn(): Promise<void> {
  lastTurn = lastTurn.then(async () => {
    for (let turn = 0; turn < FREE_TURNS; turn += 1) await nextTurn()
  })
  return lastTurn
}

/** Yields each event in the range, or undefined if it does not match. Uses a snapshot of each stream's batches. */
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

/** Returns the part of `events` for one response, from the head or the tail; at least one event if there is any. */
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

/** Returns a unique id that increases with arrival, with 56 digits like AWS's. */
export function eventId(event: Position): string {
  return String(event.sequence).padStart(56, '0')
}

/** Returns a token of GetLogEvents, `f/…/s` or `b/…/s`, with the direction and the position. */
export function writeToken(direction: 'f' | 'b', position: Position): string {
  return `${direction}/${String(position.timestamp).padStart(28, '0')}${String(position.sequence).padStart(28, '0')}/s`
}

/** Returns a token of FilterLogEvents, in a different form, so that neither operation accepts the other's tokens. */
export function writeSearchToken(direction: 'f' | 'b', position: Position): string {
  return Buffer.from(`search ${writeToken(direction, position)}`).toString('base64url')
}

/** @throws ServiceError InvalidParameterException for a token that `writeSearchToken` did not write */
export function readSearchToken(token: string): { readonly direction: 'f' | 'b'; readonly position: Position } {
  const [kind, inner = ''] = Buffer.from(token, 'base64url').toString('latin1').split(' ')
  return readToken(kind === 'search' ? inner : '')
}

/** @throws ServiceError InvalidParameterException for a token that `writeToken` did not write */
export function readToken(token: string): { readonly direction: 'f' | 'b'; readonly position: Position } {
  const match = /^([fb])\/(\d{28})(\d{28})\/s$/.exec(token)
  const position = { timestamp: Number(match?.[2]), sequence: Number(match?.[3]) }
  if (match === null || !Number.isSafeInteger(position.timestamp) || !Number.isSafeInteger(position.sequence))
    throw invalidParameter('The specified nextToken is invalid.')
  return { direction: match[1] === 'f' ? 'f' : 'b', position }
}
