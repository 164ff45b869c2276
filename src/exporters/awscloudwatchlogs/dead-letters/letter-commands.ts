// What people do with dead letters: `dead-letters list | show | replay`, the same in the daemon and beside a stopped one.

import { type DeadLetter, type DeadLetters, GONE } from '../../../delivery/dead-letters/dead-letters.ts'
import { type ItemBatch, itemEnd, itemStart, itemTime } from '../../../delivery/contract/items.ts'
import { freeBytes } from '../../../wire/free-bytes.ts'
import { destination, destinationOf } from '../route/destination.ts'
import { filterOf, letterQuerySchema, parseQuery, replayQuerySchema } from './letter-query.ts'
import { restamp } from '../event/restamp.ts'

/** A letter as people see it. */
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
  /** Not there if its bytes on disk are damaged. */
  readonly messages?: readonly ShownEvent[]
}

const STOPPING = 'the daemon is stopping'

/** Puts items of one lane into the queue of another, or of the same; says why not if they were not taken. */
export type Offer = (from: string, to: string, items: ItemBatch) => Promise<string | undefined>

export interface Replayed {
  readonly letters: number
  readonly events: number
  /** Letters that stay: their bytes are damaged, or another replay is at them. */
  readonly left: number
  /** Why it stopped before the end; empty if it did not. */
  readonly stopped: string
}

/** @throws ComponentError for what cannot be asked, at once or when the first letter is asked for */
export class LetterCommands {
  readonly #letters: DeadLetters
  readonly #offer: Offer
  readonly #replays = new Set<Promise<Replayed>>()
  readonly #closing = Promise.withResolvers<typeof STOPPING>()
  #isClosing = false

  constructor(letters: DeadLetters, offer: Offer) {
    this.#letters = letters
    this.#offer = offer
  }

  /** Oldest first. */
  async *list(asked: unknown): AsyncGenerator<ShownLetter> {
    const query = parseQuery(letterQuerySchema, asked)
    for await (const letter of this.#letters.list(filterOf(query))) yield shown(letter)
  }

  /** Letters with their events, oldest first; each is read when it is asked for. */
  async *show(asked: unknown): AsyncGenerator<LetterWithEvents> {
    const query = parseQuery(letterQuerySchema, asked)
    for await (const letter of this.#letters.list(filterOf(query))) {
      const items = await this.#letters.read(letter.id)
      if (items !== undefined) {
        const messages = eventsOf(items)
        // Of many letters the garbage collector would hear too late.
        freeBytes(items.bytes)
        yield { ...shown(letter), messages }
      } else if (this.#letters.has(letter)) yield shown(letter)
      // Else it went since the list was made.
    }
  }

  /** Queues the letters again, oldest first. A letter goes when its events are in the queue, so none is lost in between. */
  replay(asked: unknown): Promise<Replayed> {
    const replay = this.#replay(asked).finally(() => this.#replays.delete(replay))
    this.#replays.add(replay)
    return replay
  }

  /** Replays stop behind the letter they are at: what is queued again goes from the store while that can be written. */
  async close(): Promise<void> {
    this.#isClosing = true
    this.#closing.resolve(STOPPING)
    await Promise.allSettled(this.#replays)
  }

  async #replay(asked: unknown): Promise<Replayed> {
    const { to, restamp: now = false, ...query } = parseQuery(replayQuerySchema, asked)
    let letters = 0
    let events = 0
    let left = 0
    for await (const letter of this.#letters.list(filterOf(query))) {
      const { group, stream } = destinationOf(letter.lane)
      const { key } = destination(to ?? group, stream)
      let isOffered = false
      const moved = this.#letters.move(letter.id, (items) => {
        if (this.#isClosing) return Promise.resolve(STOPPING)
        isOffered = true
        return this.#offer(letter.lane, key, now ? restamp(items, Date.now()) : items)
      })
      // A letter that cannot be read may take for ever; one that is being queued goes from the store first.
      let stopped = await Promise.race([moved, this.#closing.promise])
      if (isOffered) stopped = await moved
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
