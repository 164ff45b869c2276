import { backoffMs, type BackoffOptions } from './backoff.ts'
import type { ScopeKind } from '../contract/sender.ts'

/**
 * closed     Puts go out, as many at once as `limit` says. Each success raises the limit (doubling until the place where
 *            it last failed, by one for a whole round after that); a fault halves that place.
 * open       A fault was seen. Nothing goes out until the backoff has passed; lanes keep what they have.
 * half_open  The backoff has passed: one put, the probe, goes out. Its success closes the scope with a limit of 1 (slow
 *            start), its failure opens it again for longer. An answer that says nothing about this scope leaves it so.
 */
export type ScopeState = 'closed' | 'open' | 'half_open'

export interface FaultScopeOptions {
  readonly backoff: BackoffOptions
  /** Most puts at once. */
  readonly maxConcurrency: number
  /** Puts at once in the beginning: 1 where the whole fleet would start together. */
  readonly firstConcurrency: number
  /** Faults in a row that open it; a single fault of a shared endpoint holds only the lane that met it. */
  readonly faultsToOpen: number
}

/** Breaker, backoff and concurrency of everything that fails together. Lanes that find it closed to them wait in it. */
export class FaultScope<Waiter> {
  readonly kind: ScopeKind
  readonly name: string
  readonly #options: FaultScopeOptions
  readonly #wake: (waiter: Waiter) => void
  readonly #waiting = new Set<Waiter>()
  state: ScopeState = 'closed'
  #limit: number
  #threshold: number
  inFlight = 0
  /** In a row, since the last success. */
  failures = 0
  /** performance.now() of the first of them; undefined while there is none. */
  failingSinceMs: number | undefined
  everSucceeded = false
  /** The text of the last fault, for the log and `/ledger`. */
  lastFault = ''
  /** Whether the last fault was this scope's own; a lane also steps back for the fault of a wider one. */
  blamed = false
  /** An operator was told of the fault, and is owed the word that it is over. */
  reported = false
  #timer: NodeJS.Timeout | undefined
  #reopensAtMs = 0
  /** Lanes that stand in this scope; it is forgotten with the last one. */
  lanes = 0

  constructor(kind: ScopeKind, name: string, options: FaultScopeOptions, wake: (waiter: Waiter) => void) {
    this.kind = kind
    this.name = name
    this.#options = options
    this.#wake = wake
    this.#limit = options.firstConcurrency
    this.#threshold = options.maxConcurrency
  }

  get admits(): boolean {
    switch (this.state) {
      case 'closed':
        return this.inFlight < Math.floor(this.#limit)
      case 'half_open':
        return this.inFlight === 0
      case 'open':
        return false
    }
  }

  /** How often it has opened since the last success. */
  get openings(): number {
    return Math.max(0, this.failures - this.#options.faultsToOpen + 1)
  }

  /** ms until the next probe; 0 unless open. */
  get opensInMs(): number {
    return this.state === 'open' ? Math.max(0, this.#reopensAtMs - performance.now()) : 0
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** Has `waiter` woken when a put of its may go out here. */
  wait(waiter: Waiter): void {
    this.#waiting.add(waiter)
  }

  /** Has it woken no more: nothing of it waits any longer. */
  leave(waiter: Waiter): void {
    this.#waiting.delete(waiter)
  }

  begin(): void {
    this.inFlight++
  }

  end(): void {
    this.inFlight--
  }

  /** @returns true if this closed the scope again */
  succeed(): boolean {
    // A put that was under way when the scope opened does not cut the backoff short.
    if (this.state === 'open') return false
    const recovered = this.state === 'half_open'
    this.everSucceeded = true
    this.failures = 0
    this.failingSinceMs = undefined
    if (recovered) {
      this.state = 'closed'
      this.#limit = 1
    } else {
      this.#limit = Math.min(
        this.#options.maxConcurrency,
        this.#limit + (this.#limit < this.#threshold ? 1 : 1 / this.#limit),
      )
    }
    this.#wakeSome()
    return recovered
  }

  /** @returns true if this opened the scope (again) */
  fail(message: string, afterMs: number, lasting: boolean): boolean {
    this.lastFault = message
    // Answers of puts that were under way when it opened tell nothing new.
    if (this.state === 'open') return false
    this.failures++
    this.failingSinceMs ??= performance.now()
    this.#threshold = Math.max(1, this.#limit / 2)
    if (this.state === 'closed' && this.failures < this.#options.faultsToOpen) {
      this.#wakeSome()
      return false
    }
    const wait = backoffMs(this.#options.backoff, this.openings, afterMs, lasting)
    this.state = 'open'
    this.#reopensAtMs = performance.now() + wait
    this.#setTimer(
      setTimeout(() => {
        this.state = 'half_open'
        this.#wakeSome()
      }, wait),
    )
    return true
  }

  /** A put that ended without a word about this scope: its place is free for another. */
  pass(): void {
    this.#wakeSome()
  }

  /** Lets all go at once, as at shutdown; the timer ends. */
  close(): void {
    this.#setTimer(undefined)
    this.#waiting.clear()
  }

  #setTimer(timer: NodeJS.Timeout | undefined): void {
    clearTimeout(this.#timer)
    this.#timer = timer
  }

  /** Wakes as many as may go out now: each will ask again, and may come back to wait. */
  #wakeSome(): void {
    if (this.#waiting.size === 0 || this.state === 'open') return
    let room = this.state === 'half_open' ? 1 - this.inFlight : Math.floor(this.#limit) - this.inFlight
    for (const waiter of this.#waiting) {
      if (room-- <= 0) return
      this.#waiting.delete(waiter)
      this.#wake(waiter)
    }
  }
}
