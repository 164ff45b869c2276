// Applies the outcome of a put to its items and to the fault scopes of its lane.
//
//   accepted   settled: delivered, or rejected one by one
//   retry      back into the lane; given up without retries, or after too many
//   poison     settled: rejected
//   expired    settled: lost, with the last fault as the reason for the wait

import type { Settlement } from '../../accounting/outcome.ts'
import type { Logger } from '../../telemetry/logger.ts'
import { countedOf, itemsOf, joinRuns, type Pack, packRuns } from '../contract/pack.ts'
import type { Run } from '../contract/run-queue.ts'
import type { PutAccepted, PutRetry } from '../contract/sender.ts'
import type { FaultScope } from '../faults/fault-scope.ts'
import type { Lane } from '../lanes/lane.ts'
import { Blame } from './blame.ts'
import { Tries } from './tries.ts'

/** Events of lanes. */
export interface LaneEvents<D> {
  /** @param error message of the destination; empty if there is none */
  settle(lane: Lane<D>, run: Run, settlement: Settlement, error: string): void
  retried(items: number, maybeTaken: boolean): void
  /** A failed put has opened its scope, so that puts there wait. */
  readonly opened: (scope: FaultScope<Lane<D>>, afterMs: number, message: string) => void
  /** Nothing waits in the lane and nothing is in flight. */
  forget(lane: Lane<D>): void
}

/** How often failed puts are sent again. */
export interface RetryOptions {
  /** False: items of a failed put are given up, as lost(expired). */
  readonly retryFailed: boolean
  /** Maximum tries of a put; then its items are given up. Default: no maximum. */
  readonly maxTries?: number | undefined
  /** Failed puts in a row that open the circuit breaker of a lane. Undefined: lanes have none. */
  readonly breakAfter?: number | undefined
}

const EXPIRED: Settlement = { kind: 'lost', reason: 'expired' }

export class Outcomes<D> {
  readonly #events: LaneEvents<D>
  readonly #logger: Logger
  readonly #retries: boolean
  readonly #tries: Tries
  readonly blame: Blame<D>
  /** Bytes of accepted puts as the destination counts them, including their rejected items. */
  acceptedBytes = 0

  constructor(events: LaneEvents<D>, { retryFailed, maxTries, breakAfter }: RetryOptions, logger: Logger) {
    this.#events = events
    this.#retries = retryFailed
    this.#tries = new Tries(maxTries ?? Number.POSITIVE_INFINITY)
    this.#logger = logger
    this.blame = new Blame(logger, events.opened, breakAfter)
  }

  accepted(lane: Lane<D>, pack: Pack, outcome: PutAccepted): void {
    this.acceptedBytes += pack.countedBytes
    this.#tries.accepted(pack)
    let done = 0
    for (const { from, to, reason } of outcome.rejected) {
      for (const run of packRuns(pack, done, from)) this.#events.settle(lane, run, { kind: 'delivered' }, '')
      // Each run may become a dead letter: without joining, a stream of many senders has one run per event.
      for (const run of joinRuns(packRuns(pack, from, to)))
        this.#events.settle(lane, run, { kind: 'rejected', reason }, '')
      done = to
    }
    const runs = done === 0 ? pack.runs : packRuns(pack, done, pack.count)
    for (const run of runs) this.#events.settle(lane, run, { kind: 'delivered' }, '')
    this.blame.succeeded(lane)
  }

  poison(lane: Lane<D>, pack: Pack, message: string): void {
    for (const run of pack.runs) this.#events.settle(lane, run, { kind: 'rejected', reason: 'poison' }, message)
    this.#logger.error('one event was refused and will not be sent again', {
      lane: lane.key,
      reason: 'poison',
      error: message,
    })
  }

  /** @param startedAtMs `performance.now()` at the start of the put */
  retry(lane: Lane<D>, pack: Pack, outcome: PutRetry, startedAtMs: number): void {
    if (this.#retries || outcome.expected === true) this.#retry(lane, pack, outcome, startedAtMs)
    else for (const run of pack.runs) this.expired(lane, run)
    // The items have waited for the flush interval: only the scopes delay them now.
    lane.deadlineMs = performance.now()
    this.blame.failed(lane, outcome)
  }

  #retry(lane: Lane<D>, pack: Pack, outcome: PutRetry, startedAtMs: number): void {
    const { spent, rest } = this.#tries.failed(pack, startedAtMs, outcome)
    const given = itemsOf(spent)
    this.#events.retried(pack.count - given, outcome.maybeTaken)
    if (given === 0) return lane.putBack(pack.runs, pack.count, pack.countedBytes)
    lane.putBack(rest, pack.count - given, countedOf(rest))
    for (const run of spent)
      this.#events.settle(lane, run, EXPIRED, `given up after ${this.#tries.max} tries: ${outcome.message}`)
    this.#logger.error('records are not sent again: max_retries is reached', {
      lane: lane.key,
      records: given,
      tries: this.#tries.max,
      reason: outcome.reason,
      error: outcome.message,
    })
  }

  /** Gives up a run that is no longer in the lane. */
  expired(lane: Lane<D>, run: Run): void {
    // From the narrowest scope that has one.
    const lastFault = lane.scopes.findLast((scope) => scope.lastFault !== '')?.lastFault ?? ''
    this.#events.settle(lane, run, EXPIRED, lastFault)
  }
}
