// What the outcome of a put says about the scopes its lane stands in.
//
//   accepted   every scope works
//   missing    all that is wider than the group works
//   retry      the scope it names is at fault, wider ones work, and the lane itself steps back
//              an endpoint is at fault only by the word of several groups; until then the group is

import type { Logger } from '../../telemetry/logger.ts'
import type { PutRetry } from '../contract/sender.ts'
import type { FaultScope, ScopeFault } from '../faults/fault-scope.ts'
import { isForeign, type Lane } from '../lanes/lane.ts'

/** A fault of an endpoint is held against a group after so many in a row: one lost connection says nothing about it. */
const GROUP_FAULTS_TO_OPEN = 3

type Fault = PutRetry & Pick<ScopeFault, 'witness' | 'faultsToOpen'>

export class Blame<D> {
  readonly #logger: Logger
  readonly #opened: (scope: FaultScope<Lane<D>>, afterMs: number, message: string) => void

  /** @param opened called when a put failed and nothing goes out in its scope for a while */
  constructor(logger: Logger, opened: (scope: FaultScope<Lane<D>>, afterMs: number, message: string) => void) {
    this.#logger = logger
    this.#opened = opened
  }

  /** A put of the lane was taken. */
  succeeded(lane: Lane<D>): void {
    lane.succeeded()
    for (const scope of lane.scopes) this.#succeed(scope)
  }

  /** The service answered that the lane's destination does not exist. */
  missing(lane: Lane<D>): void {
    for (const scope of lane.scopes) {
      if (scope.kind === 'group' || scope.kind === 'stream') scope.pass()
      else this.#succeed(scope)
    }
  }

  /** Holds a fault against the scope it names, and has the lane step back. */
  failed(lane: Lane<D>, outcome: PutRetry): void {
    if (outcome.expected !== true) lane.failed()
    let at = lane.scopes.findIndex((scope) => scope.kind === outcome.scope)
    if (at < 0) at = lane.scopes.length - 1
    const blamed = lane.scopes[at] as FaultScope<Lane<D>>
    const group = lane.scopes.find((scope) => scope.kind === 'group')
    const suspect = outcome.scope === 'endpoint' ? group : undefined
    // First what failed: lanes that the other scopes wake are to find it closed.
    if (suspect === undefined) this.#fail(blamed, outcome, { isBlamed: true })
    else this.#suspect(blamed, suspect, outcome)
    // The lane itself always steps back, so that a shared scope which is not open yet is not asked at once again.
    const own = lane.scopes.at(-1) as FaultScope<Lane<D>>
    if (own !== blamed) this.#fail(own, outcome, { isBlamed: false })
    for (const [i, scope] of lane.scopes.entries()) {
      if (i < at) this.#succeed(scope)
      else if (scope !== blamed && scope !== suspect && scope !== own) scope.pass()
    }
  }

  /** The fault of an endpoint is each group's own as long as another group works. */
  #suspect(endpoint: FaultScope<Lane<D>>, group: FaultScope<Lane<D>>, outcome: PutRetry): void {
    const isOwn = isForeign(endpoint, group.failingSinceMs)
    this.#fail(endpoint, { ...outcome, witness: group.name }, { isBlamed: true })
    // What will not pass by itself is reported at once.
    const faultsToOpen = outcome.lasting ? 1 : GROUP_FAULTS_TO_OPEN
    this.#fail(group, { ...outcome, faultsToOpen }, { isBlamed: isOwn, isReported: true })
  }

  #succeed(scope: FaultScope<Lane<D>>): void {
    if (!scope.succeed() || !scope.reported) return
    scope.reported = false
    this.#logger.info('delivery works again', { scope: scope.kind, name: scope.name })
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
    // Nothing is lost: the records wait. Logged when the scope opens, and again after 2, 4, 8 … failed tries.
    if (!Number.isInteger(Math.log2(scope.openings))) return
    scope.reported = true
    this.#logger.warn('delivery waits and will be tried again', {
      scope: scope.kind,
      name: scope.name,
      reason: outcome.reason,
      failures: scope.failures,
      nextTryMs: Math.round(scope.opensInMs),
      error: outcome.message,
    })
  }
}
