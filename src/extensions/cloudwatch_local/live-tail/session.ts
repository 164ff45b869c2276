import { setTimeout as wait } from 'node:timers/promises'
import { ServiceError } from '../answer/service-error.ts'
import type { Matcher } from '../filter/matcher.ts'
import { type Batch, EVENT_OVERHEAD_BYTES, type LogStream, type SessionEnd, type Store } from '../store/store.ts'
import type { Encode } from './frame.ts'

/** "Every second, a LiveTailSessionUpdate object is sent", with at most 500 events (StartLiveTail). */
const UPDATE_MS = 1_000
const MAX_UPDATE_EVENTS = 500
/** Bytes of an update, as CloudWatch counts events. AWS states no bound; 500 events may have 500 MiB. */
const MAX_UPDATE_BYTES = 1_048_576
/** A session times out after three hours. */
const MAX_SESSION_MS = 3 * 60 * 60 * 1_000
/** Puts that wait for the next update stay in memory, even if the store evicts them. */
const MAX_WAITING_BATCHES = 1_000
const MAX_WAITING_BYTES = 4 * 1_048_576
/** Time for the filter pattern in one update. Other calls wait for it. */
const MAX_MATCHING_MS = 50

const ENDS: Readonly<Record<SessionEnd, string>> = {
  SessionTimeoutException: 'The session has timed out.',
  SessionStreamingException: 'An unknown error occurred.',
}

export interface SessionRequest {
  readonly requestId: string
  readonly identifiers: readonly string[]
  readonly groups: ReadonlySet<string>
  readonly streamNames: readonly string[] | undefined
  readonly streamPrefixes: readonly string[] | undefined
  readonly pattern: string | undefined
  readonly matches: Matcher
  readonly accountId: string
}

/** A Live Tail session: passes events on as they are stored, until its client goes. */
export class LiveTailSession {
  readonly #store: Store
  readonly #request: SessionRequest
  readonly #ended = new AbortController()
  #waiting: Batch[] = []
  #waitingBytes = 0
  #sampled = false

  constructor(store: Store, request: SessionRequest) {
    this.#store = store
    this.#request = request
  }

  /** Called by the store for every put. */
  stored(batch: Batch): void {
    if (!this.#wants(batch.stream)) return
    if (this.#waiting.length >= MAX_WAITING_BATCHES || this.#waitingBytes + batch.bytes > MAX_WAITING_BYTES) {
      this.#sampled = true
      return
    }
    this.#waiting.push(batch)
    this.#waitingBytes += batch.bytes
  }

  /** Ends it with an exception. */
  end(how: SessionEnd): void {
    this.#ended.abort(how)
  }

  /** Yields the messages of the answer. @param signal aborted when no client reads them */
  async *messages(encode: Encode, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const { identifiers, streamNames = [], streamPrefixes = [], pattern, requestId } = this.#request
    this.#store.watchers.add(this)
    const timeout = setTimeout(() => this.end('SessionTimeoutException'), MAX_SESSION_MS)
    try {
      yield encode('event', 'initial-response', {})
      yield encode('event', 'sessionStart', {
        requestId,
        sessionId: requestId,
        logGroupIdentifiers: identifiers,
        logStreamNames: streamNames,
        logStreamNamePrefixes: streamPrefixes,
        logEventFilterPattern: pattern ?? '',
      })
      const interrupted = AbortSignal.any([signal, this.#ended.signal])
      for (;;) {
        await wait(UPDATE_MS, undefined, { signal: interrupted }).catch(() => undefined)
        if (signal.aborted) return
        if (this.#ended.signal.aborted) break
        yield encode('event', 'sessionUpdate', this.#update())
      }
      const how = this.#ended.signal.reason as SessionEnd
      yield encode('exception', how, { message: ENDS[how] })
    } catch (error) {
      // A regular expression that would take seconds on an event.
      if (!(error instanceof ServiceError)) throw error
      yield encode('exception', 'SessionStreamingException', { message: error.message })
    } finally {
      clearTimeout(timeout)
      this.#store.watchers.delete(this)
    }
  }

  #wants({ name, group }: LogStream): boolean {
    const { groups, streamNames, streamPrefixes } = this.#request
    if (!groups.has(group.name)) return false
    if (streamNames !== undefined) return streamNames.includes(name)
    return streamPrefixes === undefined || streamPrefixes.some((prefix) => name.startsWith(prefix))
  }

  /** Takes the first events of the last second that match; AWS takes a sample of them. */
  #update(): object {
    const sessionResults: object[] = []
    const ends = performance.now() + MAX_MATCHING_MS
    let bytes = 0
    for (const event of this.#take()) {
      if (this.#request.matches(event.message)) {
        bytes += Buffer.byteLength(event.message) + EVENT_OVERHEAD_BYTES
        const isFull = sessionResults.length === MAX_UPDATE_EVENTS || bytes > MAX_UPDATE_BYTES
        if (isFull && sessionResults.length > 0) {
          this.#sampled = true
          break
        }
        sessionResults.push(event)
      }
      if (performance.now() < ends) continue
      this.#sampled = true
      break
    }
    const sampled = this.#sampled
    this.#sampled = false
    return { sessionMetadata: { sampled }, sessionResults }
  }

  *#take() {
    const batches = this.#waiting
    this.#waiting = []
    this.#waitingBytes = 0
    const { accountId } = this.#request
    for (const { stream, ingestionTime, events } of batches)
      for (const { timestamp, message } of events)
        yield {
          logGroupIdentifier: `${accountId}:${stream.group.name}`,
          logStreamName: stream.name,
          timestamp,
          ingestionTime,
          message,
        }
  }
}
