// What people do with dead letters: `dead-letters list | show | replay`, the same in the daemon and beside a stopped one.

import { type DeadLetter, type DeadLetters, GONE, type LetterFilter } from '../../delivery/dead-letters.ts'
import { type ItemBatch, itemEnd, itemStart, itemTime } from '../../delivery/items.ts'
import { destination, destinationOf } from './destination.ts'
import { restamp } from './restamp.ts'

/** Options as the command line and the control socket have them. */
export interface LetterQuery {
  readonly id?: string
  readonly reason?: string
  readonly group?: string
  /** ISO 8601, or ms since the epoch. */
  readonly since?: string
}

export interface ReplayQuery extends LetterQuery {
  /** Another log group; the stream stays. */
  readonly to?: string
  /** Store the events under the present time; their own is kept in them as `original_timestamp`. */
  readonly restamp?: boolean
}

/** A letter as people see it. */
export interface ShownLetter {
  readonly id: string
  readonly reason: string
  readonly group: string
  readonly stream: string
  readonly events: number
  readonly died: string
  readonly error: string
}

export interface ShownEvent {
  readonly timestamp: string
  readonly message: string
}

export interface LetterWithEvents extends ShownLetter {
  readonly messages: readonly ShownEvent[]
}

/** Puts items of one lane into the queue of another, or of the same; says why not if they were not taken. */
export type Offer = (from: string, to: string, items: ItemBatch) => Promise<string | undefined>

export interface Replayed {
  readonly letters: number
  readonly events: number
  /** Why it stopped before the end; empty if it did not. */
  readonly stopped: string
}

export class DeadLetterDesk {
  readonly #letters: DeadLetters
  readonly #offer: Offer

  constructor(letters: DeadLetters, offer: Offer) {
    this.#letters = letters
    this.#offer = offer
  }

  /** @throws Error if `since` is not a time */
  list(query: LetterQuery): ShownLetter[] {
    return this.#letters.list(filterOf(query)).map(shown)
  }

  /** Letters with their events; those that cannot be read are left out. */
  async show(query: LetterQuery): Promise<LetterWithEvents[]> {
    const letters: LetterWithEvents[] = []
    for (const letter of this.#letters.list(filterOf(query))) {
      const items = await this.#letters.read(letter.id)
      if (items !== undefined) letters.push({ ...shown(letter), messages: eventsOf(items) })
    }
    return letters
  }

  /** Queues the letters again, oldest first. A letter goes when its events are in the queue, so none is lost in between. */
  async replay({ to, restamp: now = false, ...query }: ReplayQuery): Promise<Replayed> {
    let letters = 0
    let events = 0
    for (const letter of this.#letters.list(filterOf(query))) {
      const { group, stream } = destinationOf(letter.lane)
      const { key } = destination(to ?? group, stream)
      const stopped = await this.#letters.move(letter.id, (items) =>
        this.#offer(letter.lane, key, now ? restamp(items, Date.now()) : items),
      )
      // Another replay is at it, or was: it comes to its end there.
      if (stopped === GONE) continue
      if (stopped !== undefined) return { letters, events, stopped }
      letters++
      events += letter.items
    }
    return { letters, events, stopped: '' }
  }
}

function filterOf({ id, reason, group, since }: LetterQuery): LetterFilter {
  return {
    ...(id === undefined ? {} : { id }),
    ...(reason === undefined ? {} : { reason }),
    ...(group === undefined ? {} : { lane: group }),
    ...(since === undefined ? {} : { sinceMs: timeOf(since) }),
  }
}

function timeOf(text: string): number {
  const ms = /^\d+$/.test(text) ? Number(text) : Date.parse(text)
  if (Number.isNaN(ms))
    throw new Error(`since: ${JSON.stringify(text)} is not a time: write 2026-11-21T10:00:00Z or ms since the epoch`)
  return ms
}

function shown({ id, lane, reason, error, diedAtMs, items }: DeadLetter): ShownLetter {
  const { group, stream } = destinationOf(lane)
  return { id, reason, group, stream, events: items, died: new Date(diedAtMs).toISOString(), error }
}

function eventsOf(items: ItemBatch): ShownEvent[] {
  const events: ShownEvent[] = []
  for (let item = 0; item < items.count; item++) {
    // Without the comma that ends each item.
    const text = Buffer.from(items.bytes.subarray(itemStart(items, item), itemEnd(items, item) - 1)).toString()
    const { message } = JSON.parse(text) as { message: string }
    events.push({ timestamp: new Date(itemTime(items, item)).toISOString(), message })
  }
  return events
}
