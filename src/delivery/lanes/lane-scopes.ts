// The fault scopes of an exporter's lanes, by kind and name. Each lane has the scope of its stream; the wider ones are shared.
//
//   endpoint, credential, account   stay: their state applies to later lanes, too
//   group                           removed with its last lane
//   stream                          removed with its lane

import type { ScopeKind, ScopeName } from '../contract/sender.ts'
import type { BackoffOptions } from '../faults/backoff.ts'
import { FaultScope, type FaultScopeOptions } from '../faults/fault-scope.ts'
import type { Lane } from './lane.ts'
import { byTurns } from './ready-lanes.ts'

/** Groups that must fail, while none succeeds, before the shared endpoint is at fault; narrower scopes need no proof. */
const ENDPOINT_WITNESSES = 3

export interface LaneScopesOptions {
  readonly backoff: BackoffOptions
  readonly maxConcurrentPuts: number
}

export class LaneScopes<D> {
  readonly #shared = new Map<ScopeKind, Map<string, FaultScope<Lane<D>>>>()
  readonly #wake: (lane: Lane<D>) => void
  // Options are shared by all scopes of a kind, because there is one scope per stream.
  readonly #narrow: FaultScopeOptions<Lane<D>>
  readonly #account: FaultScopeOptions<Lane<D>>
  readonly #endpoint: FaultScopeOptions<Lane<D>>

  /** @param wake called for a waiting lane that a scope may admit now */
  constructor({ backoff, maxConcurrentPuts: maxConcurrency }: LaneScopesOptions, wake: (lane: Lane<D>) => void) {
    this.#wake = wake
    const rank = (lane: Lane<D>) => lane.rank
    this.#narrow = { backoff, maxConcurrency, firstConcurrency: maxConcurrency, rank, arrange: byTurns }
    this.#account = { backoff, maxConcurrency, firstConcurrency: 1, rank, arrange: byTurns }
    this.#endpoint = { ...this.#account, witnesses: ENDPOINT_WITNESSES }
  }

  /** The shared scopes. */
  *[Symbol.iterator](): Generator<FaultScope<Lane<D>>> {
    for (const byName of this.#shared.values()) yield* byName.values()
  }

  /** Returns the scopes of a new lane, widest first. @param names those it shares */
  join(key: string, names: readonly ScopeName[]): readonly FaultScope<Lane<D>>[] {
    const shared = names.map((name) => this.shared(name))
    for (const scope of shared) scope.lanes++
    return [...shared, this.#make({ kind: 'stream', name: key })]
  }

  shared(name: ScopeName): FaultScope<Lane<D>> {
    let byName = this.#shared.get(name.kind)
    if (byName === undefined) this.#shared.set(name.kind, (byName = new Map<string, FaultScope<Lane<D>>>()))
    const known = byName.get(name.name)
    if (known !== undefined) return known
    const scope = this.#make(name)
    byName.set(name.name, scope)
    return scope
  }

  /** Removes a lane from its scopes. */
  leave(lane: Lane<D>): void {
    for (const scope of lane.scopes) {
      scope.lanes--
      scope.leave(lane)
      if (scope.kind === 'stream') scope.close()
      else if (scope.kind === 'group' && scope.lanes === 0) {
        scope.close()
        this.#shared.get('group')?.delete(scope.name)
      }
    }
  }

  #make({ kind, name }: ScopeName): FaultScope<Lane<D>> {
    const options = kind === 'endpoint' ? this.#endpoint : kind === 'account' ? this.#account : this.#narrow
    return new FaultScope(kind, name, options, this.#wake)
  }
}
