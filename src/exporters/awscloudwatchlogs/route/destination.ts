import { Glob, matchesAny } from '../../../component/glob.ts'

/** The destination of an event. Each has one lane. The exporter has the role, region and endpoint. */
export interface Destination {
  readonly group: string
  readonly stream: string
  /** `group:stream`; names contain no colon. */
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

/** Limits on destinations that clients can create. */
export interface DestinationRules {
  /** Patterns with `*`; empty allows every group. */
  readonly allowedGroups: readonly string[]
  /** Maximum destinations first seen within an hour. */
  readonly maxNewAnHour: number
  readonly overflow: Destination
  /** For events whose time CloudWatch would refuse, with `late_events.policy: divert`. */
  readonly late: Destination
}

const HOUR_MS = 3_600_000
/** Maximum known destinations; a forgotten one counts as new when it returns. */
const MAX_KNOWN = 65_536
/**
 * Maximum characters in the keys of known destinations. Each is stored twice, in one or two bytes: at most 16 MiB. 65,536
 * names of maximum length would take 200 MB, and clients choose names.
 */
const MAX_KNOWN_CHARACTERS = 4 * 1_048_576

/** Decides whether an event may go to the destination of its attributes. Remembers admitted ones, oldest forgotten first. */
export class DestinationGate {
  readonly #rules: DestinationRules
  readonly #allowed: readonly Glob[]
  readonly #known = new Map<string, Destination>()
  #knownCharacters = 0
  #hourStart = Number.NEGATIVE_INFINITY
  #newThisHour = 0

  constructor(rules: DestinationRules) {
    this.#rules = rules
    this.#allowed = rules.allowedGroups.map((pattern) => new Glob(pattern))
  }

  /**
   * @param nowMs `performance.now()`
   * @returns Returns the destination, or why its events go to the overflow destination
   */
  admit(group: string, stream: string, nowMs: number): Destination | DivertedReason {
    const key = `${group}:${stream}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    if (this.#allowed.length > 0 && !matchesAny(this.#allowed, group)) return 'destination_not_allowed'
    if (nowMs - this.#hourStart >= HOUR_MS) {
      this.#hourStart = nowMs
      this.#newThisHour = 0
    }
    if (this.#newThisHour >= this.#rules.maxNewAnHour) return 'destination_cap'
    this.#newThisHour++
    const fresh = destination(group, stream)
    this.#remember(fresh)
    return fresh
  }

  #remember(fresh: Destination): void {
    this.#known.set(fresh.key, fresh)
    this.#knownCharacters += fresh.key.length
    for (const key of this.#known.keys()) {
      if (this.#known.size <= MAX_KNOWN && this.#knownCharacters <= MAX_KNOWN_CHARACTERS) return
      this.#known.delete(key)
      this.#knownCharacters -= key.length
    }
  }

  get overflow(): Destination {
    return this.#rules.overflow
  }

  get late(): Destination {
    return this.#rules.late
  }
}
