import { backoffMs, type BackoffOptions } from './backoff.ts'
import type { ScopeKind } from '../contract/sender.ts'
import { timerDelay } from '../../telemetry/timer-delay.ts'

/**
 * closed     Up to `limit` puts are in flight at once. Each success raises the limit: it doubles per round up to a threshold,
 *            then grows by one per round. A fault sets the threshold to half of the limit.
 * open       A fault occurred. No put is sent until the backoff has passed; lanes keep their items.
 * half_open  The backoff has passed: the lane that succeeded last sends one put, the probe. Its success closes the scope with
 *            a limit of 1 (slow start), its failure opens it again for longer. Other outcomes do not change the state.
 */
export type ScopeState = 'closed' | 'open' | 'half_open'

export interface FaultScopeOptions<Waiter> {
  readonly backoff: BackoffOptions
  /** Maximum puts in flight. */
  readonly maxConcurrency: number
  /** Initial limit of puts in flight: 1 if the whole fleet would start together. */
  readonly firstConcurrency: number
  /** Witnesses needed to open the scope. Undefined: the first fault opens it. */
  readonly witnesses?: number
  /** Returns the rank of a waiter; the lowest rank sends the probe. A rank of 0 or below means no recent failure. */
  readonly rank?: (waiter: Waiter) => number
  /** Returns the order of waiters once the scope works again. Default: arrival order. */
  readonly arrange?: (waiters: readonly Waiter[]) => readonly Waiter[]
}

/** A fault in a scope. */
export interface ScopeFault {
  readonly message: string
  /** Delay requested by the destination, ms; 0 leaves the wait to the backoff. */
  readonly afterMs: number
  /** The fault will not pass by itself. */
  readonly lasting: boolean
  /** The reporter of the fault, in a scope that needs witnesses. */
  readonly witness?: string
  /** Faults in a row that open a narrow scope; default 1. */
  readonly faultsToOpen?: number
}

/**
 * Time without a success before a scope that needs witnesses opens: twenty groups that answer 500 are twenty broken groups,
 * as long as a twenty-first one works.
 */
const QUIET_MS = 5_000
/** Witnesses in that time from which a fault is shared, although they may be too few to open the scope. */
const OUTAGE_WITNESSES = 2
/**
 * Interval at which a waiter that has not failed may probe a scope early, also while another probe hangs: its result is new
 * evidence.
 */
const EARLY_PROBE_MS = 1_000

/** Time without a response after which a closed scope allows one more put in flight. */
const NO_ANSWER_MS = 1_000

/** Circuit breaker, backoff and concurrency limit of lanes that fail together. Lanes wait in a scope that does not admit them. */
export class FaultScope<Waiter> {
  readonly kind: ScopeKind
  readonly name: string
  readonly #options: FaultScopeOptions<Waiter>
  readonly #wake: (waiter: Waiter) => void
  /** Created for the first waiter: most scopes belong to a stream that works, and an empty set takes 200 bytes. */
  #waiting: Set<Waiter> | undefined
  state: ScopeState = 'closed'
  #limit: number
  #threshold: number
  inFlight = 0
  /** Failures since the last success. */
  failures = 0
  /** performance.now() of the first of them; undefined if there is none. */
  failingSinceMs: number | undefined
  /** performance.now() of the last success; minus infinity before the first. */
  succeededAtMs = Number.NEGATIVE_INFINITY
  /** performance.now() of the first success since the scope last failed for several witnesses; infinity until then. */
  worksSinceMs = Number.POSITIVE_INFINITY
  /** Times it has opened since the last success. */
  openings = 0
  #witnesses: Set<string> | undefined
  /** Start time: also at the start, each lane gets an attempt before the scope opens. */
  readonly #bornAtMs = performance.now()
  /** Message of the last fault, for the log and `/ledger`. */
  lastFault = ''
  /** True if the last fault was this scope's own; a lane also backs off for the fault of a wider scope. */
  blamed = false
  /** True if the fault was logged, so its end must be logged too. */
  reported = false
  #timer: NodeJS.Timeout | undefined
  #reopensAtMs = 0
  /** End of the delay that the destination requested. */
  #askedUntilMs = 0
  /** performance.now() of the last probe or opening. */
  #probedAtMs = Number.NEGATIVE_INFINITY
  /** performance.now() of the last response. */
  #answeredAtMs = Number.NEGATIVE_INFINITY
  /** The waiter that may send a put although a probe, which may hang, is in flight. */
  #early: Waiter | undefined
  #maxWaitMs = Number.POSITIVE_INFINITY
  /** Number of lanes in this scope; it is removed with the last one. */
  lanes = 0

  constructor(kind: ScopeKind, name: string, options: FaultScopeOptions<Waiter>, wake: (waiter: Waiter) => void) {
    this.kind = kind
    this.name = name
    this.#options = options
    this.#wake = wake
    this.#limit = options.firstConcurrency
    this.#threshold = options.maxConcurrency
  }

  /** Returns true if `waiter` may send a put in this scope now. */
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

  /** Adds `waiter`, to be woken when it may send a put in this scope. */
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

  /** Ends long waits: an open scope is probed at once, and from now on at least every `maxWaitMs`. */
  hasten(maxWaitMs: number): void {
    this.#maxWaitMs = maxWaitMs
    if (this.state === 'open' && performance.now() >= this.#askedUntilMs) this.#probe()
  }

  /** Removes the waiter. */
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
    // A put that was in flight when the scope opened does not shorten the backoff.
    if (this.state === 'open') return false
    const recovered = this.state === 'half_open'
    this.failures = 0
    this.openings = 0
    this.#witnesses = undefined
    this.failingSinceMs = undefined
    if (recovered) {
      this.state = 'closed'
      this.#limit = 1
      // Waiters that sent probes are behind the others by now.
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
    // Failures of puts that were in flight when the scope opened are no new evidence.
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

  /** Frees the slot of a put whose outcome says nothing about this scope. */
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

  /** Returns true for a waiter without failures: it must not wait for the backoff of a lane that failed before. */
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

  /** Drops all waiters and stops the timer, for shutdown. */
  close(): void {
    this.#setTimer(undefined)
    this.#waiting = undefined
  }

  #setTimer(timer: NodeJS.Timeout | undefined): void {
    clearTimeout(this.#timer)
    this.#timer = timer
    if (this.#options.backoff.background === true) timer?.unref()
  }

  /** Raises the limit if no response arrives: in a scope with a limit of one, all others would wait for the timeout of a put. */
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

  /** Wakes as many waiters as may send now: each checks all its scopes again, and may return to wait. */
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

  /** Returns the waiter with the lowest rank; of equals the one that has waited longest. */
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
