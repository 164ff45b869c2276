// Handles items that a destination will not take, or that waited too long for it.
//
//   rejected ─▶ other destination, if there is one ─▶ dead letter, if there is a store ─▶ given up
//                                                      └ waits while the store has no room

import { setImmediate as turn } from 'node:timers/promises'
import type { RejectedReason, Settlement } from '../../accounting/outcome.ts'
import type { DeliveryItems } from '../contract/lane-items.ts'
import type { Queue, QueuedBatch } from '../contract/queue.ts'
import type { Run } from '../contract/run-queue.ts'

/** Items for a dead letter. */
export interface DeadItems {
  /** Lane key. */
  readonly lane: string
  readonly run: Run
  /** From the fixed lists of reasons. */
  readonly reason: string
  /** Error message of the destination; empty if nothing was sent. */
  readonly error: string
}

/** The store for items that the destination will never take. */
export interface DeadLetterSink {
  /** Copies the items and reserves room for them before it returns. Resolves once they are stored, or could not be stored. */
  put(dead: DeadItems): Promise<Kept>
  /** Resolves when all started puts have ended. */
  close(): Promise<void>
}

/** later: no room now, or the disk fails. never: there is no store, or the items do not fit or cannot be read. */
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

/** Outcomes whose items may be stored elsewhere. */
export type UnwantedSettlement =
  | { readonly kind: 'rejected'; readonly reason: RejectedReason }
  | { readonly kind: 'lost'; readonly reason: 'expired' }

export class Unwanted<D> {
  readonly #queue: Queue
  readonly #letters: DeadLetterSink | undefined
  readonly #rescue: Rescue<D> | undefined
  /** Attempts that wait for room in the store. Their items stay in the queue, which bounds them and survives a crash. */
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

  /** Returns false if the settlement is final: nothing would store such items elsewhere. */
  takes(settlement: Settlement): settlement is UnwantedSettlement {
    if (settlement.kind === 'rejected') return this.#letters !== undefined || this.#rescue !== undefined
    return settlement.kind === 'lost' && settlement.reason === 'expired' && this.#letters !== undefined
  }

  /**
   * Stores items elsewhere. Resolves with the outcome only then: a crash before that sends them again and does not lose them.
   * @returns undefined if the items stay in the queue, because the process stops
   */
  async decide(
    { key: lane, destination }: { readonly key: string; readonly destination: D },
    run: Run,
    settlement: UnwantedSettlement,
    error: string,
  ): Promise<Settlement | Moved<D> | undefined> {
    const { reason } = settlement
    const to = settlement.kind === 'rejected' ? this.#rescue?.(destination, run, reason) : undefined
    const moved = to && (await this.#move(to))
    if (moved !== undefined) return moved
    switch (await this.keep({ lane, run, reason, error })) {
      case 'kept':
        return DEAD_LETTERED
      case 'never':
        return settlement
      case 'later':
        return undefined
    }
  }

  #move(to: DeliveryItems<D>): Promise<Moved<D> | undefined> {
    return new Promise((resolve) => {
      const reserved = this.#queue.reserve([to])
      if (reserved.kind === 'retry') return resolve(undefined)
      reserved.commit((stored) => {
        if ('kind' in stored) return resolve(undefined)
        for (const batch of stored) resolve({ kind: 'moved', batch, to })
      })
    })
  }

  /**
   * Stores items as a dead letter. Waits while the store has no room: acknowledged items are not given up for that.
   * @returns `later` only if the process stops: the items stay in the queue
   */
  async keep(dead: DeadItems): Promise<Kept> {
    for (;;) {
      const kept = await this.#tryToKeep(dead)
      if (kept !== 'later' || this.#closed) return kept
      this.#refused = true
      await this.#room()
      if (this.#closed) return 'later'
    }
  }

  #tryToKeep(dead: DeadItems): Promise<Kept> {
    const letters = this.#letters
    if (letters === undefined) return Promise.resolve('never')
    return new Promise((resolve) => {
      // The queue may free the items as soon as this callback returns, so `put` copies them in it.
      this.#queue.load(dead.run.batch, () => resolve(letters.put(dead)))
    })
  }

  #room(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
      this.#timer ??= setTimeout(() => this.#again(), AGAIN_AFTER_MS)
    })
  }

  /** Stops. Items that still wait stay in the queue. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    for (const stop of this.#waiting.splice(0)) stop()
    await this.#letters?.close()
    // Letters that have just been stored are settled in this turn, before the queue is closed.
    await turn()
  }

  #again(): void {
    this.#timer = undefined
    const next = this.#waiting.splice(0, AGAIN_AT_ONCE)
    const waitMs = this.#refused ? AGAIN_AFTER_MS : MORE_AFTER_MS
    this.#refused = false
    if (this.#waiting.length > 0) this.#timer = setTimeout(() => this.#again(), waitMs)
    for (const again of next) again()
  }
}

export const DEAD_LETTERED: Settlement = { kind: 'dead_lettered' }
