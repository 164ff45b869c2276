import { backoffMs, type BackoffOptions } from './backoff.ts'
import type { ScopeKind } from '../contract/sender.ts'
import { timerDelay } from '../../telemetry/timer-delay.ts'

/**
 * closed     Puts go out, as many at once as `limit` says. Each success raises the limit (doubling until the place where
 *            it last failed, by one for a whole round after that); a fault halves that place.
 * open       A fault was seen. Nothing goes out until the backoff has passed; lanes keep what they have.
 * half_open  The backoff has passed: one put, the probe, goes out, by the lane that succeeded last. Its success closes the
 *            scope with a limit of 1 (slow start), its failure opens it again for longer. An answer that says nothing about this scope leaves it so.
 */
export type ScopeState = 'closed' | 'open' | 'half_open'

export interface FaultScopeOptions<Waiter> {
  readonly backoff: BackoffOptions
  /** Most puts at once. */
  readonly maxConcurrency: number
  /** Puts at once in the beginning: 1 where the whole fleet would start together. */
  readonly firstConcurrency: number
  /** Witnesses that open it. Undefined: the first fault does. */
  readonly witnesses?: number
  /** Which of the waiters sends the probe: the one with the lowest rank. At 0 or below it has not failed lately. */
  readonly rank?: (waiter: Waiter) => number
  /** In which order waiters go out once the scope works again; as they came if absent. */
  readonly arrange?: (waiters: readonly Waiter[]) => readonly Waiter[]
}

/** A fault as a scope sees it. */
export interface ScopeFault {
  readonly message: string
  /** ms the destination asked for; 0 leaves the wait to the backoff. */
  readonly afterMs: number
  /** It will not pass by itself. */
  readonly lasting: boolean
  /** Who met it, in a scope that needs witnesses. */
  readonly witness?: string
  /** Faults in a row that open a narrow scope; default 1. */
  readonly faultsToOpen?: number
}

/**
 * A scope that needs witnesses does not open while something succeeds in it: twenty groups that answer 500 are twenty
 * broken groups, as long as a twenty-first one works.
 */
const QUIET_MS = 5_000
/** What so many met in that time is nobody's own fault, though it may be too little to open the scope. */
const OUTAGE_WITNESSES = 2
/**
 * A waiter that has not failed may probe a scope this often, before its time and beside a probe that hangs: it brings new
 * evidence.
 */
const EARLY_PROBE_MS = 1_000

/** A closed scope from which no answer came for so long lets one put more out at once. */
const NO_ANSWER_MS = 1_000

/** Breaker, backoff and concurrency of everything that fails together. Lanes that find it closed to them wait in it. */
export class FaultScope<Waiter> {
  readonly kind: ScopeKind
  readonly name: string
  readonly #options: FaultScopeOptions<Waiter>
  readonly #wake: (waiter: Waiter) => void
  /** Made when somebody waits: most scopes are those of a stream that works, and an empty set takes 200 bytes. */
  #waiting: Set<Waiter> | undefined
  state: ScopeState = 'closed'
  #limit: number
  #threshold: number
  inFlight = 0
  /** In a row, since the last success. */
  failures = 0
  /** performance.now() of the first of them; undefined while there is none. */
  failingSinceMs: number | undefined
  /** performance.now() of the last success; minus infinity before the first. */
  succeededAtMs = Number.NEGATIVE_INFINITY
  /** performance.now() of the first success since it last failed for several witnesses; infinity until then. */
  worksSinceMs = Number.POSITIVE_INFINITY
  /** How often it has opened since the last success. */
  openings = 0
  #witnesses: Set<string> | undefined
  /** At the start, too, each lane has a try before the scope opens. */
  readonly #bornAtMs = performance.now()
  /** The text of the last fault, for the log and `/ledger`. */
  lastFault = ''
  /** Whether the last fault was this scope's own; a lane also steps back for the fault of a wider one. */
  blamed = false
  /** The fault was logged, so its end must be logged too. */
  reported = false
  #timer: NodeJS.Timeout | undefined
  #reopensAtMs = 0
  /** Until then the destination asked for quiet. */
  #askedUntilMs = 0
  /** performance.now() of the last probe or opening. */
  #probedAtMs = Number.NEGATIVE_INFINITY
  /** performance.now() of the last answer. */
  #answeredAtMs = Number.NEGATIVE_INFINITY
  /** Whose put may go out beside a probe that is under way, and may hang. */
  #early: Waiter | undefined
  #maxWaitMs = Number.POSITIVE_INFINITY
  /** Lanes that stand in this scope; it is forgotten with the last one. */
  lanes = 0

  constructor(kind: ScopeKind, name: string, options: FaultScopeOptions<Waiter>, wake: (waiter: Waiter) => void) {
    this.kind = kind
    this.name = name
    this.#options = options
    this.#wake = wake
    this.#limit = options.firstConcurrency
    this.#threshold = options.maxConcurrency
  }

  /** Whether a put of `waiter` may go out here now. */
  admits(waiter: Waiter): boolean {
    switch (this.state) {
      case 'closed':
        return this.inFlight < Math.floor(this.#limit)
      case 'half_open':
        return this.inFlight === 0 || this.#early === waiter
      case 'open':
        return false
    }
  }

  get everSucceeded(): boolean {
    return this.succeededAtMs > Number.NEGATIVE_INFINITY
  }

  /** ms until the next probe; 0 unless open. */
  get opensInMs(): number {
    return this.state === 'open' ? Math.max(0, this.#reopensAtMs - performance.now()) : 0
  }

  get waiting(): number {
    return this.#waiting?.size ?? 0
  }

  /** Has `waiter` woken when a put of its may go out here. */
  wait(waiter: Waiter): void {
    this.#waiting ??= new Set()
    this.#waiting.add(waiter)
    if (this.state === 'closed') return this.#widenLater()
    if (!this.#isNewEvidence(waiter)) return
    const at = Math.max(this.#askedUntilMs, this.#probedAtMs + EARLY_PROBE_MS)
    if (this.state === 'open') {
      if (at >= this.#reopensAtMs) return
      this.#reopensAtMs = at
    }
    this.#setTimer(setTimeout(() => this.#probe(), timerDelay(at - performance.now())))
  }

  /** Puts an end to long waits: an open scope is probed at once, and from now on at least every `maxWaitMs`. */
  hasten(maxWaitMs: number): void {
    this.#maxWaitMs = maxWaitMs
    if (this.state === 'open' && performance.now() >= this.#askedUntilMs) this.#probe()
  }

  /** Has it woken no more: nothing of it waits any longer. */
  leave(waiter: Waiter): void {
    this.#waiting?.delete(waiter)
  }

  begin(): void {
    this.inFlight++
    this.#early = undefined
  }

  end(): void {
    this.inFlight--
    this.#answeredAtMs = performance.now()
  }

  /** @returns true if this closed the scope again */
  succeed(): boolean {
    this.succeededAtMs = performance.now()
    this.worksSinceMs = Math.min(this.worksSinceMs, this.succeededAtMs)
    // A put that was under way when the scope opened does not cut the backoff short.
    if (this.state === 'open') return false
    const recovered = this.state === 'half_open'
    this.failures = 0
    this.openings = 0
    this.#witnesses = undefined
    this.failingSinceMs = undefined
    if (recovered) {
      this.state = 'closed'
      this.#limit = 1
      // Those that sent the probes stand behind the others by now.
      if (this.#waiting !== undefined && this.#options.arrange !== undefined)
        this.#waiting = new Set(this.#options.arrange([...this.#waiting]))
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
  fail(fault: ScopeFault): boolean {
    this.lastFault = fault.message
    // Answers of puts that were under way when it opened tell nothing new.
    if (this.state === 'open') return false
    this.failures++
    this.failingSinceMs ??= performance.now()
    this.#threshold = Math.max(1, this.#limit / 2)
    if (this.state === 'closed' && !this.#isProven(fault)) {
      this.#wakeSome()
      return false
    }
    this.openings++
    const now = performance.now()
    const backoff = backoffMs(this.#options.backoff, this.openings, fault.afterMs, fault.lasting)
    const wait = Math.max(fault.afterMs, Math.min(backoff, this.#maxWaitMs))
    this.state = 'open'
    this.#reopensAtMs = now + wait
    this.#askedUntilMs = now + fault.afterMs
    this.#probedAtMs = now
    this.#setTimer(setTimeout(() => this.#probe(), timerDelay(wait)))
    return true
  }

  /** A put that ended without a word about this scope: its place is free for another. */
  pass(): void {
    this.#wakeSome()
  }

  #isProven({ witness, faultsToOpen = 1 }: ScopeFault): boolean {
    const { witnesses } = this.#options
    if (witnesses === undefined) return this.failures >= faultsToOpen
    this.#witnesses ??= new Set()
    if (witness !== undefined && this.#witnesses.size < witnesses) this.#witnesses.add(witness)
    if (performance.now() - Math.max(this.succeededAtMs, this.#bornAtMs) < QUIET_MS) return false
    if (this.#witnesses.size >= OUTAGE_WITNESSES) this.worksSinceMs = Number.POSITIVE_INFINITY
    return this.#witnesses.size >= witnesses
  }

  /** A failed probe of a lane that failed before must not keep one that works waiting for the whole backoff. */
  #isNewEvidence(waiter: Waiter): boolean {
    const { witnesses, rank } = this.#options
    return witnesses !== undefined && rank !== undefined && rank(waiter) <= 0
  }

  #probe(): void {
    this.#setTimer(undefined)
    this.state = 'half_open'
    this.#probedAtMs = performance.now()
    if (this.inFlight === 0) return this.#wakeSome()
    const best = this.#best()
    if (best === undefined || !this.#isNewEvidence(best)) return
    this.#early = best
    this.#wakeOne(best)
  }

  /** Lets all go at once, as at shutdown; the timer ends. */
  close(): void {
    this.#setTimer(undefined)
    this.#waiting = undefined
  }

  #setTimer(timer: NodeJS.Timeout | undefined): void {
    clearTimeout(this.#timer)
    this.#timer = timer
  }

  /** A put that hangs says nothing, and in a scope that begins with one at a time all others would wait for its timeout. */
  #widenLater(): void {
    if (this.#timer !== undefined || this.#limit >= this.#options.maxConcurrency) return
    const answeredAtMs = this.#answeredAtMs
    this.#setTimer(
      setTimeout(() => {
        this.#setTimer(undefined)
        if (this.state !== 'closed' || this.waiting === 0) return
        if (this.#answeredAtMs === answeredAtMs) this.#limit = Math.min(this.#options.maxConcurrency, this.#limit + 1)
        this.#wakeSome()
        if (this.waiting > 0) this.#widenLater()
      }, NO_ANSWER_MS),
    )
  }

  /** Wakes as many as may go out now: each will ask again, and may come back to wait. */
  #wakeSome(): void {
    if (this.state === 'open') return
    if (this.state === 'half_open') {
      const best = this.inFlight === 0 ? this.#best() : undefined
      if (best !== undefined) this.#wakeOne(best)
      return
    }
    let room = Math.floor(this.#limit) - this.inFlight
    for (const waiter of this.#waiting ?? []) {
      if (room-- <= 0) return
      this.#wakeOne(waiter)
    }
  }

  #wakeOne(waiter: Waiter): void {
    this.#waiting?.delete(waiter)
    this.#wake(waiter)
  }

  /** The one whose probe says most; of equals the one that has waited longest. */
  #best(): Waiter | undefined {
    const { rank } = this.#options
    let best: Waiter | undefined
    let lowest = Number.POSITIVE_INFINITY
    for (const waiter of this.#waiting ?? []) {
      if (rank === undefined) return waiter
      const its = rank(waiter)
      if (best !== undefined && its >= lowest) continue
      best = waiter
      lowest = its
    }
    return best
  }
}
