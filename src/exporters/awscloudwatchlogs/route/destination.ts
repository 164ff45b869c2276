/** Where an event goes. One of these is one lane. Role, region and endpoint are the exporter's. */
export interface Destination {
  readonly group: string
  readonly stream: string
  /** `group:stream`: neither name may hold a colon. */
  readonly key: string
}

export function destination(group: string, stream: string): Destination {
  return { group, stream, key: `${group}:${stream}` }
}

/** The destination of a lane. */
export function destinationOf(key: string): Destination {
  const colon = key.indexOf(':')
  return destination(key.slice(0, colon), key.slice(colon + 1))
}

/** Why an event went to the overflow destination instead of its own. */
export const DIVERTED_REASONS = ['destination_not_allowed', 'destination_cap'] as const
export type DivertedReason = (typeof DIVERTED_REASONS)[number]

/** Bounds on what clients can make exist. */
export interface DestinationRules {
  /** Patterns with `*`; empty allows every group. */
  readonly allowedGroups: readonly string[]
  /** Destinations first seen within an hour that may be created. */
  readonly maxNewAnHour: number
  readonly overflow: Destination
  /** For events whose time CloudWatch would refuse, with `late_events.policy: divert`. */
  readonly late: Destination
}

const HOUR_MS = 3_600_000
/** Destinations remembered as known; one that falls out counts as new when it comes back. */
const MAX_KNOWN = 65_536

/** Decides whether an event may go where its attributes say. Remembers what it let through, oldest forgotten first. */
export class DestinationGate {
  readonly #rules: DestinationRules
  readonly #allowed: readonly RegExp[]
  readonly #known = new Map<string, Destination>()
  #hourStart = Number.NEGATIVE_INFINITY
  #newThisHour = 0

  constructor(rules: DestinationRules) {
    this.#rules = rules
    this.#allowed = rules.allowedGroups.map(globToRegExp)
  }

  /** @returns the destination itself, or the overflow destination and why */
  admit(group: string, stream: string, nowMs: number): Destination | DivertedReason {
    const key = `${group}:${stream}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    if (this.#allowed.length > 0 && !this.#allowed.some((pattern) => pattern.test(group)))
      return 'destination_not_allowed'
    if (nowMs - this.#hourStart >= HOUR_MS) {
      this.#hourStart = nowMs
      this.#newThisHour = 0
    }
    if (this.#newThisHour >= this.#rules.maxNewAnHour) return 'destination_cap'
    this.#newThisHour++
    const fresh = destination(group, stream)
    if (this.#known.size >= MAX_KNOWN) {
      const oldest = this.#known.keys().next()
      if (!oldest.done) this.#known.delete(oldest.value)
    }
    this.#known.set(key, fresh)
    return fresh
  }

  get overflow(): Destination {
    return this.#rules.overflow
  }

  get late(): Destination {
    return this.#rules.late
  }
}

/** @param pattern the name of a log group, `*` for any characters */
export function globToRegExp(pattern: string): RegExp {
  return new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`, 'su')
}
