// `dead-letters list | show | replay`, in a running daemon and on the files of a stopped one.

import { type DeadLetter, type DeadLetters, GONE } from '../../../delivery/dead-letters/dead-letters.ts'
import { type ItemBatch, itemEnd, itemStart, itemTime } from '../../../delivery/contract/items.ts'
import { Stop, STOPPED } from '../../../delivery/contract/stop.ts'
import { freeBytes } from '../../../wire/free-bytes.ts'
import { destination, destinationOf } from '../route/destination.ts'
import { filterOf, letterQuerySchema, parseQuery, replayQuerySchema } from './letter-query.ts'
import { restamp } from '../event/restamp.ts'

/** A letter as the commands print it. */
export interface ShownLetter {
  readonly id: string
  readonly reason: string
  readonly group: string
  readonly stream: string
  readonly events: number
  readonly dead_lettered_at: string
  readonly error: string
}

export interface ShownEvent {
  readonly timestamp: string
  readonly message: string
}

export interface LetterWithEvents extends ShownLetter {
  /** Absent if its bytes on disk are damaged. */
  readonly messages?: readonly ShownEvent[]
}

const STOPPING = 'the daemon is stopping'

/** Queues items of lane `from` for lane `to`. Resolves with the reason if they were not accepted. */
export type Offer = (from: string, to: string, items: ItemBatch) => Promise<string | undefined>

export interface Replayed {
  readonly letters: number
  readonly events: number
  /** Letters that were kept: they are damaged, or another replay is processing them. */
  readonly left: number
  /** Reason for an early end; empty if there was none. */
  readonly stopped: string
}

/** @throws ComponentError for an invalid query, at once or with the first letter */
export class LetterCommands {
  readonly #letters: DeadLetters
  readonly #offer: Offer
  readonly #replays = new Set<Promise<Replayed>>()
  readonly #stop = new Stop()

  constructor(letters: DeadLetters, offer: Offer) {
    this.#letters = letters
    this.#offer = offer
  }

  /** Oldest first. */
  async *list(query: unknown): AsyncGenerator<ShownLetter> {
    const filter = filterOf(parseQuery(letterQuerySchema, query))
    for await (const letter of this.#letters.list(filter)) yield shown(letter)
  }

  /** Letters with their events, oldest first; each is read on demand. */
  async *show(query: unknown): AsyncGenerator<LetterWithEvents> {
    const filter = filterOf(parseQuery(letterQuerySchema, query))
    for await (const letter of this.#letters.list(filter)) {
      const items = await this.#letters.read(letter.id)
      if (items !== undefined) {
        const messages = eventsOf(items)
        // With many letters the garbage collector would free these too late.
        freeBytes(items.bytes)
        yield { ...shown(letter), messages }
      } else if (this.#letters.has(letter)) yield shown(letter)
      // Otherwise it was removed after it was listed.
    }
  }

  /** Queues the letters again, oldest first. A letter is removed once its events are in the queue, so none is lost. */
  replay(query: unknown): Promise<Replayed> {
    const replay = this.#replay(query).finally(() => this.#replays.delete(replay))
    this.#replays.add(replay)
    return replay
  }

  /** Replays stop after their current letter, so that a queued letter is removed while the store can still be written. */
  async close(): Promise<void> {
    this.#stop.request()
    await Promise.allSettled(this.#replays)
  }

  async #replay(query: unknown): Promise<Replayed> {
    const { to, restamp: now = false, ...filter } = parseQuery(replayQuerySchema, query)
    let letters = 0
    let events = 0
    let left = 0
    for await (const letter of this.#letters.list(filterOf(filter))) {
      const { group, stream } = destinationOf(letter.lane)
      const { key } = destination(to ?? group, stream)
      let isOffered = false
      const moved = this.#letters.move(letter.id, (items) => {
        if (this.#stop.isRequested) return Promise.resolve(STOPPING)
        isOffered = true
        return this.#offer(letter.lane, key, now ? restamp(items, Date.now()) : items)
      })
      // Reading a letter may block forever. A letter that is being queued is removed from the store first.
      const first = await this.#stop.before(moved)
      const stopped = isOffered ? await moved : first === STOPPED ? STOPPING : first
      if (stopped === GONE) {
        if (this.#letters.has(letter)) left++
        continue
      }
      if (stopped !== undefined) return { letters, events, left, stopped }
      letters++
      events += letter.items
    }
    return { letters, events, left, stopped: '' }
  }
}

function shown({ id, lane, reason, error, diedAtMs, items }: DeadLetter): ShownLetter {
  const { group, stream } = destinationOf(lane)
  return { id, reason, group, stream, events: items, dead_lettered_at: new Date(diedAtMs).toISOString(), error }
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
