// Events as CloudWatch receives them, by StartLiveTail. A session that ends is followed by another.

import {
  type CloudWatchLogsClient,
  type CloudWatchLogsServiceException as ServiceException,
  type LiveTailSessionUpdate,
  StartLiveTailCommand,
  type StartLiveTailResponseStream,
} from '@aws-sdk/client-cloudwatch-logs'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Followed, NoSuchGroup, type TailedEvent } from './follow.ts'
import { findGroups } from './live-groups.ts'

/** An update comes every second, also without events (StartLiveTail). */
const MAX_SILENCE_MS = 30_000
const RESTART_MS = 1_000
/** Sessions in a row that broke before their first update. */
const MAX_BROKEN = 3
const SAMPLED_NOTE_EVERY_MS = 60_000
/** Events from before the last update that may have become visible after it. */
const OVERLAP_MS = 10_000

/** There is no Live Tail. Events since `sinceMs` may be missing. */
export class LiveTailUnavailable extends Error {
  readonly sinceMs: number

  constructor(cause: unknown, sinceMs: number) {
    super(`Live Tail is not available: ${describe(cause)}`, { cause })
    this.sinceMs = sinceMs
  }
}

/**
 * @param note called with what the reader should know
 * @param silenceMs maximum time without an update
 * @throws NoSuchGroup; LiveTailUnavailable
 */
export async function* followLive(
  client: CloudWatchLogsClient,
  { group, filter }: Pick<Followed, 'group' | 'filter'>,
  note: (text: string) => void,
  signal: AbortSignal,
  silenceMs = MAX_SILENCE_MS,
): AsyncGenerator<TailedEvent> {
  const isSampled = sampledNotes(note)
  let sinceMs = Date.now()
  let hasWorked = false
  for (let broken = 0; !signal.aborted;) {
    try {
      for await (const { sessionMetadata, sessionResults = [] } of updates(
        client,
        group,
        filter,
        note,
        signal,
        silenceMs,
      )) {
        broken = 0
        hasWorked = true
        sinceMs = Date.now() - OVERLAP_MS
        if (sessionMetadata?.sampled === true) isSampled()
        for (const {
          logGroupIdentifier = '',
          logStreamName: stream = '',
          timestamp = 0,
          message = '',
        } of sessionResults)
          yield { group: groupName(logGroupIdentifier), stream, timestamp, message }
      }
      throw new Error('CloudWatch Logs closed it')
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof NoSuchGroup) throw error
      if (isThrottling(error)) {
        note('StartLiveTail is throttled; trying again')
      } else if ((error as Error).name === 'SessionTimeoutException') {
        note('the Live Tail session ended after three hours; another begins, and events in between are not shown')
        continue
      } else {
        broken += 1
        // The first session tells whether there is Live Tail here; a later one may fail with the network.
        if (broken > MAX_BROKEN || (error instanceof NotStarted && (!hasWorked || error.isAnswer)))
          throw new LiveTailUnavailable(error, sinceMs)
        note(`the Live Tail session broke: ${describe(error)}; another begins, and events in between are not shown`)
      }
      await sleep(RESTART_MS, undefined, { signal }).catch(() => undefined)
    }
  }
}

/** A session that could not begin. */
class NotStarted extends Error {
  /** Whether CloudWatch refused it, and not the network. */
  readonly isAnswer: boolean

  constructor(cause: unknown) {
    super(describe(cause), { cause })
    const { $metadata: metadata } = cause as Partial<ServiceException>
    this.isAnswer = metadata?.httpStatusCode !== undefined
  }
}

function isThrottling(error: unknown): boolean {
  return error instanceof NotStarted && (error.cause as Error).name === 'ThrottlingException'
}

/** Yields the updates of one session. */
async function* updates(
  client: CloudWatchLogsClient,
  group: string,
  filter: string | undefined,
  note: (text: string) => void,
  signal: AbortSignal,
  silenceMs: number,
): AsyncGenerator<LiveTailSessionUpdate> {
  const silent = new AbortController()
  const abortSignal = AbortSignal.any([signal, silent.signal])
  const stream = await begin(client, group, filter, note, abortSignal)
  const messages = stream[Symbol.asyncIterator]()
  try {
    for (;;) {
      // Not while the reader is busy: a terminal may be stopped for hours.
      const timer = setTimeout(() => silent.abort(), silenceMs)
      const next = await messages.next().finally(() => clearTimeout(timer))
      if (next.done === true) return
      if (next.value.sessionUpdate !== undefined) yield next.value.sessionUpdate
    }
  } catch (error) {
    if (silent.signal.aborted && !signal.aborted)
      throw new Error(`no update for ${silenceMs / 1_000} s`, { cause: error })
    throw error
  } finally {
    silent.abort()
  }
}

async function begin(
  client: CloudWatchLogsClient,
  group: string,
  filter: string | undefined,
  note: (text: string) => void,
  abortSignal: AbortSignal,
): Promise<AsyncIterable<StartLiveTailResponseStream>> {
  try {
    const logGroupIdentifiers = await findGroups(client, group, note, abortSignal)
    const input = { logGroupIdentifiers, ...(filter === undefined ? {} : { logEventFilterPattern: filter }) }
    const { responseStream } = await client.send(new StartLiveTailCommand(input), { abortSignal })
    if (responseStream === undefined) throw new Error('the answer has no event stream')
    return responseStream
  } catch (error) {
    if (error instanceof NoSuchGroup) throw error
    if ((error as Error).name === 'ResourceNotFoundException') throw new NoSuchGroup(group, error)
    throw new NotStarted(error)
  }
}

/** Returns a function that notes a sampled update, at most once a minute. */
function sampledNotes(note: (text: string) => void): () => void {
  let notedAt = -Infinity
  return () => {
    if (performance.now() - notedAt < SAMPLED_NOTE_EVERY_MS) return
    notedAt = performance.now()
    note('sampled: Live Tail shows at most 500 events a second; write a --filter, or leave --live out to see all')
  }
}

/** Returns the name in `111122223333:/eks/shop` or an ARN. */
function groupName(identifier: string): string {
  return /^(?:arn:.*:log-group|\d{12}):([^:]+)/.exec(identifier)?.[1] ?? identifier
}

function describe(error: unknown): string {
  const { name, message } = error as Error
  return `${name === 'Error' ? '' : `${name}: `}${message}`.replaceAll(/\s+/g, ' ')
}
