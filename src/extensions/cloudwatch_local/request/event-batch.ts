// Ingestion speed matters here: one loop over the parsed events, without copies.
import type { Input } from './input.ts'
import { wrongType } from './input.ts'
import { invalidParameter } from '../answer/service-error.ts'
import { EVENT_OVERHEAD_BYTES, type InputLogEvent } from '../store/store.ts'

// The limits of PutLogEvents (facts 1.1; botocore logs/2014-03-28).
export const MAX_BATCH_BYTES = 1_048_576
const MAX_BATCH_EVENTS = 10_000
const MAX_EVENT_BYTES = 1_048_576
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const MAX_SPAN_MS = DAY_MS
const MAX_AGE_MS = 14 * DAY_MS
const MAX_AHEAD_MS = 2 * HOUR_MS

/** Indices into the request; [0, max(tooOldEnd, expiredEnd)) and [tooNewStart, length) are rejected. */
export interface Judgement {
  readonly tooOldEnd: number
  readonly expiredEnd: number
  readonly tooNewStart: number
}

/**
 * Reads `logEvents`. Broken constraints are collected in `input`; the rules of the whole batch are checked after them.
 * @returns the events and their size as CloudWatch counts it
 * @throws ServiceError SerializationException for a wrong type, InvalidParameterException for a broken rule
 */
export function readEvents(input: Input): { readonly events: readonly InputLogEvent[]; readonly bytes: number } {
  const sent = input.raw('logEvents')
  if (sent === undefined) {
    input.missing('logEvents')
    input.check()
    return { events: [], bytes: 0 }
  }
  if (!Array.isArray(sent)) throw wrongType('logEvents', sent, 'a list')
  const events = sent as readonly InputLogEvent[]
  if (events.length < 1) input.violates('logEvents', '[]', 'Member must have length greater than or equal to 1')
  if (events.length > MAX_BATCH_EVENTS)
    input.violates(
      'logEvents',
      `${events.length} events`,
      `Member must have length less than or equal to ${MAX_BATCH_EVENTS}`,
    )

  let bytes = 0
  let largest = 0
  let ordered = true
  let previous = 0
  for (let index = 0; index < events.length; index += 1) {
    const event: Partial<InputLogEvent> | null | undefined = events[index]
    if (typeof event !== 'object' || event === null)
      throw wrongType(`logEvents.${index + 1}.member`, event, 'a structure')
    const { timestamp, message } = event
    if (typeof message !== 'string' || message === '') badMessage(input, index, message)
    else {
      const size = Buffer.byteLength(message) + EVENT_OVERHEAD_BYTES
      bytes += size
      if (size > largest) largest = size
    }
    if (typeof timestamp !== 'number' || !Number.isInteger(timestamp) || timestamp < 0) badTime(input, index, timestamp)
    else {
      if (timestamp < previous) ordered = false
      previous = timestamp
    }
  }
  input.check()

  if (largest > MAX_EVENT_BYTES)
    throw invalidParameter(`Log event too large: ${largest} bytes exceeds limit of ${MAX_EVENT_BYTES}`)
  if (bytes > MAX_BATCH_BYTES)
    throw invalidParameter(`Upload too large: ${bytes} bytes exceeds limit of ${MAX_BATCH_BYTES}`)
  if (!ordered) throw invalidParameter('Log events in a single PutLogEvents request must be in chronological order.')
  return { events, bytes }
}

/**
 * Returns which events are outside the time windows.
 * @param events events sorted by time
 * @throws ServiceError InvalidParameterException if those inside the 14 days and 2 hours span more than 24 hours
 */
export function judge(events: readonly InputLogEvent[], now: number, retentionInDays: number | undefined): Judgement {
  const tooOldEnd = firstAtOrAfter(events, now - MAX_AGE_MS)
  const tooNewStart = firstAtOrAfter(events, now + MAX_AHEAD_MS + 1)
  const expired = retentionInDays === undefined ? 0 : firstAtOrAfter(events, now - retentionInDays * DAY_MS)
  const first = events[tooOldEnd]
  const last = events[tooNewStart - 1]
  if (
    tooOldEnd < tooNewStart &&
    first !== undefined &&
    last !== undefined &&
    last.timestamp - first.timestamp > MAX_SPAN_MS
  )
    throw invalidParameter('The batch of log events in a single PutLogEvents request cannot span more than 24 hours.')
  return { tooOldEnd, tooNewStart, expiredEnd: expired > tooOldEnd ? expired : 0 }
}

/** Returns the index of the first event at or after `time`, or the length if there is none, by binary search. */
function firstAtOrAfter(events: readonly InputLogEvent[], time: number): number {
  let low = 0
  let high = events.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((events[middle]?.timestamp ?? 0) < time) low = middle + 1
    else high = middle
  }
  return low
}

function badMessage(input: Input, index: number, message: unknown): void {
  const path = `logEvents.${index + 1}.member.message`
  if (message === '') input.violates(path, '', 'Member must have length greater than or equal to 1')
  else if (message === undefined || message === null) input.missing(path)
  else throw wrongType(path, message, 'a string')
}

function badTime(input: Input, index: number, timestamp: unknown): void {
  const path = `logEvents.${index + 1}.member.timestamp`
  if (timestamp === undefined || timestamp === null) input.missing(path)
  else if (typeof timestamp === 'number' && Number.isInteger(timestamp))
    input.violates(path, timestamp, 'Member must have value greater than or equal to 0')
  else throw wrongType(path, timestamp, 'a whole number of milliseconds')
}

/** Yields the messages of an unchecked request, for faults and the call log. */
export function* messagesOf(json: unknown): Generator<string> {
  const events = (json as { readonly logEvents?: unknown } | null)?.logEvents
  if (!Array.isArray(events)) return
  for (const event of events as readonly ({ readonly message?: unknown } | null)[]) {
    yield typeof event?.message === 'string' ? event.message : ''
  }
}

/** Returns the number of events in an unchecked request, and their size as CloudWatch counts it. */
export function countedBytes(json: unknown): { readonly events: number; readonly bytes: number } {
  let events = 0
  let bytes = 0
  for (const message of messagesOf(json)) {
    events += 1
    bytes += Buffer.byteLength(message) + EVENT_OVERHEAD_BYTES
  }
  return { events, bytes }
}
