import type { Identity } from '../../../component/authenticator.ts'
import { globToRegExp } from './destination.ts'

/** Which log groups the sender of a request may write: decided once for each group of the request. */
export class Permission {
  /** An identity is one object for as long as its authenticator runs. */
  readonly #patterns = new WeakMap<Identity, readonly RegExp[]>()
  readonly #decided = new Map<string, boolean>()
  #allowed: readonly RegExp[] | undefined

  /** @param identity undefined where the sender may write what the exporter may */
  begin(identity: Identity | undefined): void {
    this.#allowed = identity === undefined ? undefined : this.#patternsOf(identity)
    this.#decided.clear()
  }

  allows(group: string): boolean {
    if (this.#allowed === undefined) return true
    let allowed = this.#decided.get(group)
    if (allowed === undefined) {
      allowed = this.#allowed.some((pattern) => pattern.test(group))
      this.#decided.set(group, allowed)
    }
    return allowed
  }

  #patternsOf(identity: Identity): readonly RegExp[] {
    let patterns = this.#patterns.get(identity)
    if (patterns === undefined) {
      patterns = identity.allowedGroups.map(globToRegExp)
      this.#patterns.set(identity, patterns)
    }
    return patterns
  }
}
