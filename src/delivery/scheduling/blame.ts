// Applies the outcome of a put to the scopes of its lane.
//
//   accepted   every scope works
//   missing    every scope wider than the group works
//   retry      the scope it names is at fault, wider ones work, and the lane itself backs off
//              an endpoint is at fault only if several groups report it; until then the group is
//              after several faults in a row, by option, the lane's circuit breaker opens: its waits become long

import type { Logger } from '../../telemetry/logger.ts'
import type { PutRetry } from '../contract/sender.ts'
import type { FaultScope, ScopeFault } from '../faults/fault-scope.ts'
import { isForeign, type Lane } from '../lanes/lane.ts'

/** Endpoint faults in a row after which a group is at fault: one lost connection says nothing about it. */
const GROUP_FAULTS_TO_OPEN = 3

type Fault = PutRetry & Pick<ScopeFault, 'witness' | 'faultsToOpen'>

export class Blame<D> {
  readonly #logger: Logger
  readonly #breakAfter: number
  readonly #opened: (scope: FaultScope<Lane<D>>, afterMs: number, message: string) => void

  /**
   * @param opened called when a failed put has opened its scope, so that puts there wait
   * @param breakAfter failed puts in a row that open the circuit breaker of a lane; default: it has none
   */
  constructor(
    logger: Logger,
    opened: (scope: FaultScope<Lane<D>>, afterMs: number, message: string) => void,
    breakAfter = Number.POSITIVE_INFINITY,
  ) {
    this.#logger = logger
    this.#opened = opened
    this.#breakAfter = breakAfter
  }

  /** Records that a put of the lane was accepted. */
  succeeded(lane: Lane<D>): void {
    lane.succeeded()
    for (const scope of lane.scopes) this.#succeed(scope)
  }

  /** Records the response that the lane's destination does not exist. */
  missing(lane: Lane<D>): void {
    for (const scope of lane.scopes) {
      if (scope.kind === 'group' || scope.kind === 'stream') scope.pass()
      else this.#succeed(scope)
    }
  }

  /** Records a fault of the scope it names, and makes the lane back off. */
  failed(lane: Lane<D>, outcome: PutRetry): void {
    if (outcome.expected !== true) lane.failed()
    let at = lane.scopes.findIndex((scope) => scope.kind === outcome.scope)
    if (at < 0) at = lane.scopes.length - 1
    const blamed = lane.scopes[at] as FaultScope<Lane<D>>
    const group = lane.scopes.find((scope) => scope.kind === 'group')
    const suspect = outcome.scope === 'endpoint' ? group : undefined
    // Update the failed scope first: lanes woken by the other scopes must find it open.
    const own = lane.scopes.at(-1) as FaultScope<Lane<D>>
    const isBroken = this.#breaks(own, outcome)
    const forOwn = isBroken ? { ...outcome, lasting: true } : outcome
    if (suspect === undefined) this.#fail(blamed, own === blamed ? forOwn : outcome, { isBlamed: true })
    else this.#suspect(blamed, suspect, outcome)
    // The lane itself always backs off, so that it does not retry at once in a shared scope that is not open yet.
    if (own !== blamed) this.#fail(own, forOwn, { isBlamed: false })
    if (isBroken && own.openings === this.#breakAfter) this.#reportBroken(own, outcome)
    for (const [i, scope] of lane.scopes.entries()) {
      if (i < at) this.#succeed(scope)
      else if (scope !== blamed && scope !== suspect && scope !== own) scope.pass()
    }
  }

  /** Treats an endpoint fault as the group's own as long as another group works. */
  #suspect(endpoint: FaultScope<Lane<D>>, group: FaultScope<Lane<D>>, outcome: PutRetry): void {
    const isOwn = isForeign(endpoint, group.failingSinceMs)
    this.#fail(endpoint, { ...outcome, witness: group.name }, { isBlamed: true })
    // A lasting fault is reported at once.
    const faultsToOpen = outcome.lasting ? 1 : GROUP_FAULTS_TO_OPEN
    this.#fail(group, { ...outcome, faultsToOpen }, { isBlamed: isOwn, isReported: true })
  }

  /** Returns true if this fault is at least the last of as many in a row as the circuit breaker of the lane allows. */
  #breaks({ state, openings }: FaultScope<Lane<D>>, { reason, expected }: PutRetry): boolean {
    // The scope of the account handles throttling, for all lanes alike.
    return state !== 'open' && openings + 1 >= this.#breakAfter && reason !== 'throttled' && expected !== true
  }

  #reportBroken(scope: FaultScope<Lane<D>>, outcome: PutRetry): void {
    scope.reported = true
    this.#logger.warn('the circuit breaker of a destination opened: its records wait', {
      scope: scope.kind,
      name: scope.name,
      failures: scope.openings,
      nextTryMs: Math.round(scope.opensInMs),
      reason: outcome.reason,
      error: outcome.message,
    })
  }

  #succeed(scope: FaultScope<Lane<D>>): void {
    if (!scope.succeed() || !scope.reported) return
    scope.reported = false
    this.#logger.info('delivery recovered', { scope: scope.kind, name: scope.name })
  }

  #fail(
    scope: FaultScope<Lane<D>>,
    outcome: Fault,
    { isBlamed, isReported = isBlamed }: { readonly isBlamed: boolean; readonly isReported?: boolean },
  ): void {
    scope.blamed = isBlamed
    if (!scope.fail(outcome) || !isReported) return
    this.#report(scope, outcome)
    this.#opened(scope, scope.opensInMs, outcome.message)
  }

  #report(scope: FaultScope<Lane<D>>, outcome: PutRetry): void {
    if (outcome.expected === true) return
    // A warning: the records wait and none is lost. Logged when the scope opens, and again after 2, 4, 8 … failed attempts.
    if (!Number.isInteger(Math.log2(scope.openings))) return
    scope.reported = true
    this.#logger.warn('delivery failed: records wait for a retry', {
      scope: scope.kind,
      name: scope.name,
      reason: outcome.reason,
      failures: scope.failures,
      nextTryMs: Math.round(scope.opensInMs),
      error: outcome.message,
    })
  }
}
