// Applies the outcome of a put to its items and to the fault scopes of its lane.
//
//   accepted   settled: delivered, or rejected one by one
//   retry      back into the lane; without retries given up
//   poison     settled: rejected
//   expired    settled: lost, with the last fault as the reason for the wait

import type { Settlement } from '../../accounting/outcome.ts'
import type { Logger } from '../../telemetry/logger.ts'
import { joinRuns, type Pack, packRuns } from '../contract/pack.ts'
import type { Run } from '../contract/run-queue.ts'
import type { PutAccepted, PutRetry } from '../contract/sender.ts'
import type { FaultScope } from '../faults/fault-scope.ts'
import type { Lane } from '../lanes/lane.ts'
import { Blame } from './blame.ts'

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

const EXPIRED: Settlement = { kind: 'lost', reason: 'expired' }

export class Outcomes<D> {
  readonly #events: LaneEvents<D>
  readonly #logger: Logger
  readonly #retries: boolean
  readonly blame: Blame<D>
  /** Bytes of accepted puts as the destination counts them, including their rejected items. */
  acceptedBytes = 0

  /** @param retries false: items of a failed put are given up */
  constructor(events: LaneEvents<D>, retries: boolean, logger: Logger) {
    this.#events = events
    this.#retries = retries
    this.#logger = logger
    this.blame = new Blame(logger, events.opened)
  }

  accepted(lane: Lane<D>, pack: Pack, outcome: PutAccepted): void {
    this.acceptedBytes += pack.countedBytes
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

  retry(lane: Lane<D>, pack: Pack, outcome: PutRetry): void {
    if (this.#retries || outcome.expected === true) {
      this.#events.retried(pack.count, outcome.maybeTaken)
      lane.putBack(pack.runs, pack.count, pack.countedBytes)
    } else for (const run of pack.runs) this.expired(lane, run)
    // The items have waited for the flush interval: only the scopes delay them now.
    lane.deadlineMs = performance.now()
    this.blame.failed(lane, outcome)
  }

  /** Gives up a run that is no longer in the lane. */
  expired(lane: Lane<D>, run: Run): void {
    // From the narrowest scope that has one.
    const lastFault = lane.scopes.findLast((scope) => scope.lastFault !== '')?.lastFault ?? ''
    this.#events.settle(lane, run, EXPIRED, lastFault)
  }
}
