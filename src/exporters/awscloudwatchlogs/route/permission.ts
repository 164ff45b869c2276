import type { Identity } from '../../../component/authenticator.ts'
import { Glob, matchesAny } from '../../../component/glob.ts'

/** Maximum decisions cached per request. A request may name half a million groups, and deciding again is cheap. */
const MAX_DECIDED = 256

/** The log groups that the sender of a request may write. */
export class Permission {
  /** An identity is the same object as long as its authenticator runs. */
  readonly #globs = new WeakMap<Identity, readonly Glob[]>()
  readonly #decided = new Map<string, boolean>()
  #allowed: readonly Glob[] | undefined

  /** @param identity undefined if the sender may write everything that the exporter may */
  begin(identity: Identity | undefined): void {
    this.#allowed = identity === undefined ? undefined : this.#globsOf(identity)
    this.#decided.clear()
  }

  allows(group: string): boolean {
    if (this.#allowed === undefined) return true
    const decided = this.#decided.get(group)
    if (decided !== undefined) return decided
    const allowed = matchesAny(this.#allowed, group)
    if (this.#decided.size < MAX_DECIDED) this.#decided.set(group, allowed)
    return allowed
  }

  #globsOf(identity: Identity): readonly Glob[] {
    let globs = this.#globs.get(identity)
    if (globs === undefined) {
      globs = identity.allowedGroups.map((pattern) => new Glob(pattern))
      this.#globs.set(identity, globs)
    }
    return globs
  }
}
