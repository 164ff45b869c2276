// Handles items that a destination will not take, or that waited too long for it.
//
//   rejected ─▶ other destination, if there is one ─▶ dead letter, if there is a store ─▶ given up
//                                                      └ waits while the store has no room

import type { Settlement } from '../../accounting/outcome.ts'
import type { DeliveryItems } from '../contract/lane-items.ts'
import type { Queue, QueuedBatch } from '../contract/queue.ts'
import type { Run } from '../contract/run-queue.ts'

/** The store for items that the destination will never take. */
export interface DeadLetterSink {
  /** @param done called once the items are stored, or could not be stored */
  put(lane: string, run: Run, reason: string, error: string, done: (kept: Kept) => void): void
  /** Resolves when all started puts have ended. */
  close(): Promise<void>
}

/** later: no room now, or the disk fails. never: the items do not fit, or cannot be read. */
export type Kept = 'kept' | 'later' | 'never'

/** Delay before the next attempt after the store had no room, and after it had some; maximum runs per attempt. */
const AGAIN_AFTER_MS = 1_000
const MORE_AFTER_MS = 20
const AGAIN_AT_ONCE = 256

/** Returns another destination, or the same with another time, for rejected items; undefined if there is none. */
export type Rescue<D> = (destination: D, run: Run, reason: string) => DeliveryItems<D> | undefined

/** The items are in the queue again, in another batch; the caller releases the old one and counts nothing. */
export interface Moved<D> {
  readonly kind: 'moved'
  readonly batch: QueuedBatch
  readonly to: DeliveryItems<D>
}

export class Unwanted<D> {
  readonly #queue: Queue
  readonly #letters: DeadLetterSink | undefined
  readonly #rescue: Rescue<D> | undefined
  /** Attempts that the store had no room for. Their items stay in the queue, which bounds them and survives a crash. */
  #waiting: (() => void)[] = []
  #timer: NodeJS.Timeout | undefined
  /** True if the store had no room in the last attempts. */
  #refused = false
  #closed = false

  constructor(queue: Queue, letters: DeadLetterSink | undefined, rescue: Rescue<D> | undefined) {
    this.#queue = queue
    this.#letters = letters
    this.#rescue = rescue
  }

  /**
   * Calls `end` once, with the outcome, after the items are stored elsewhere: a crash before that sends them again and does
   * not lose them.
   */
  decide(
    lane: { readonly key: string; readonly destination: D },
    run: Run,
    settlement: Settlement,
    error: string,
    end: (to: Settlement | Moved<D>) => void,
  ): void {
    const { kind } = settlement
    if (kind !== 'rejected' && !(kind === 'lost' && settlement.reason === 'expired')) return end(settlement)
    const { reason } = settlement
    const bury = () => this.keep(lane.key, run, reason, error, (kept) => end(kept ? DEAD_LETTERED : settlement))
    const to = kind === 'rejected' ? this.#rescue?.(lane.destination, run, reason) : undefined
    const reserved = to && this.#queue.reserve([to])
    if (to === undefined || reserved?.kind !== 'reserved') return bury()
    reserved.commit((stored) => {
      if ('kind' in stored) return bury()
      for (const batch of stored) end({ kind: 'moved', batch, to })
    })
  }

  /**
   * Stores items as a dead letter. Waits while the store has no room: acknowledged items are not given up for that.
   * @param done called with false if there is no store, or it will never have room
   */
  keep(lane: string, run: Run, reason: string, error: string, done: (kept: boolean) => void): void {
    const letters = this.#letters
    if (letters === undefined) return done(false)
    this.#queue.load(run.batch, () => {
      letters.put(lane, run, reason, error, (kept) => {
        if (kept !== 'later') return done(kept === 'kept')
        // The items stay in the queue.
        if (this.#closed) return
        this.#refused = true
        this.#waiting.push(() => this.keep(lane, run, reason, error, done))
        this.#timer ??= setTimeout(() => this.#again(), AGAIN_AFTER_MS)
      })
    })
  }

  /** Stops. Items that still wait stay in the queue. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#letters?.close()
    this.#waiting = []
  }

  #again(): void {
    this.#timer = undefined
    const turn = this.#waiting.splice(0, AGAIN_AT_ONCE)
    const waitMs = this.#refused ? AGAIN_AFTER_MS : MORE_AFTER_MS
    this.#refused = false
    if (this.#waiting.length > 0) this.#timer = setTimeout(() => this.#again(), waitMs)
    for (const again of turn) again()
  }
}

export const DEAD_LETTERED: Settlement = { kind: 'dead_lettered' }
