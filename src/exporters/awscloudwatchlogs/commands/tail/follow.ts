// Events of log groups as they come. FilterLogEvents has no cursor for what is new: each look begins a little before the
// newest event, and what was seen there is left out.
//
//   look: [newest - OVERLAP, now] ─▶ pages ─▶ not seen before        then wait, and look again

import { groupsLike } from './groups-like.ts'
import {
  type CloudWatchLogsClient,
  FilterLogEventsCommand,
  type FilterLogEventsCommandOutput,
  type FilteredLogEvent,
} from '@aws-sdk/client-cloudwatch-logs'
import { setTimeout as sleep } from 'node:timers/promises'

/** An event may become visible after a later one. */
const OVERLAP_MS = 10_000
const LOOK_EVERY_MS = 1_000
/** FilterLogEvents allows 5 calls a second in the smallest Regions, for the whole account. */
const PER_GROUP_MS = 500
const THROTTLED_MS = 3_000
/** Groups behind an asterisk. */
const MAX_GROUPS = 20
const LIST_EVERY_MS = 10_000

export interface TailedEvent {
  readonly group: string
  readonly stream: string
  /** ms since the epoch. */
  readonly timestamp: number
  readonly message: string
}

export interface Followed {
  /** A name, or a prefix and an asterisk. */
  readonly group: string
  /** ms since the epoch. */
  readonly since: number
  readonly filter: string | undefined
  /** Whether to wait for more. */
  readonly follows: boolean
}

/** There is no such log group. */
export class NoSuchGroup extends Error {
  readonly group: string

  constructor(group: string, cause: unknown) {
    super(`there is no log group ${group}`, { cause })
    this.group = group
  }
}

/**
 * @param note called with what the reader should know
 * @throws NoSuchGroup; what the SDK throws
 */
export async function* follow(
  client: CloudWatchLogsClient,
  { group, since, filter, follows }: Followed,
  note: (text: string) => void,
  signal: AbortSignal,
): AsyncGenerator<TailedEvent> {
  const tails = new Map<string, GroupTail>()
  let listAtMs = 0
  while (!signal.aborted) {
    if (!group.endsWith('*')) tails.set(group, tails.get(group) ?? new GroupTail(group, since, filter))
    else if (performance.now() >= listAtMs) {
      for (const { logGroupName: name } of await groupsLike(client, group.slice(0, -1), MAX_GROUPS, note, signal))
        if (name !== undefined && !tails.has(name) && tails.size < MAX_GROUPS)
          tails.set(name, new GroupTail(name, since, filter))
      listAtMs = performance.now() + LIST_EVERY_MS
    }
    try {
      for (const tail of tails.values()) for await (const events of tail.look(client, signal)) yield* events
    } catch (error) {
      if (signal.aborted) return
      if ((error as Error).name !== 'ThrottlingException') throw error
      note('FilterLogEvents is throttled; trying again')
      await pause(THROTTLED_MS, signal)
      continue
    }
    if (!follows) return
    await pause(Math.max(LOOK_EVERY_MS, tails.size * PER_GROUP_MS), signal)
  }
}

/** The new events of one group. */
class GroupTail {
  readonly #group: string
  readonly #filter: string | undefined
  #fromMs: number
  #newestMs = 0
  /** Ids of events that the next look finds again, with their times. */
  readonly #seen = new Map<string, number>()

  constructor(group: string, sinceMs: number, filter: string | undefined) {
    this.#group = group
    this.#fromMs = sinceMs
    this.#filter = filter
  }

  /** Pages of what was not seen before, each in the order of time. */
  async *look(client: CloudWatchLogsClient, abortSignal: AbortSignal): AsyncGenerator<TailedEvent[]> {
    let nextToken: string | undefined
    do {
      const page = await this.#page(client, nextToken, abortSignal)
      yield this.#unseen(page.events ?? [])
      ;({ nextToken } = page)
    } while (nextToken !== undefined)
    this.#fromMs = Math.max(this.#fromMs, this.#newestMs - OVERLAP_MS)
  }

  #unseen(found: readonly FilteredLogEvent[]): TailedEvent[] {
    const events: TailedEvent[] = []
    for (const { eventId = '', timestamp = 0, message = '', logStreamName: stream = '' } of found) {
      if (this.#seen.has(eventId)) continue
      this.#seen.set(eventId, timestamp)
      this.#newestMs = Math.max(this.#newestMs, timestamp)
      events.push({ group: this.#group, stream, timestamp, message })
    }
    for (const [id, timestamp] of this.#seen) if (timestamp < this.#newestMs - OVERLAP_MS) this.#seen.delete(id)
    return events.sort((a, b) => a.timestamp - b.timestamp)
  }

  async #page(
    client: CloudWatchLogsClient,
    nextToken: string | undefined,
    abortSignal: AbortSignal,
  ): Promise<FilterLogEventsCommandOutput> {
    const input = {
      logGroupName: this.#group,
      startTime: this.#fromMs,
      ...(this.#filter === undefined ? {} : { filterPattern: this.#filter }),
      ...(nextToken === undefined ? {} : { nextToken }),
    }
    try {
      return await client.send(new FilterLogEventsCommand(input), { abortSignal })
    } catch (error) {
      if ((error as Error).name === 'ResourceNotFoundException') throw new NoSuchGroup(this.#group, error)
      throw error
    }
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined)
}
