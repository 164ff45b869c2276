/** Time for which a rejected entity is left out. */
const LEFT_OUT_MS = 600_000
/** Maximum rejected entities that are remembered; the oldest is tried again early. */
const MAX_REJECTED = 1_000

/** The entities that CloudWatch did not accept for a log group. */
export class RejectedEntities {
  /** By group and entity, the `performance.now()` until which it is left out; oldest first. */
  readonly #until = new Map<string, number>()

  add(group: string, entity: string, nowMs: number): void {
    const key = `${group}:${entity}`
    this.#until.delete(key)
    this.#until.set(key, nowMs + LEFT_OUT_MS)
    for (const oldest of this.#until.keys()) {
      if (this.#until.size <= MAX_REJECTED) return
      this.#until.delete(oldest)
    }
  }

  has(group: string, entity: string, nowMs: number): boolean {
    if (this.#until.size === 0) return false
    const key = `${group}:${entity}`
    const until = this.#until.get(key)
    if (until === undefined) return false
    if (until > nowMs) return true
    this.#until.delete(key)
    return false
  }
}
