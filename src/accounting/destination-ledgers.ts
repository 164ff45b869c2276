import { Ledger } from './ledger.ts'

/** Destinations of one generation: so many stay known at least, and twice as many at most that have nothing queued. */
const GENERATION = 1_000
/** Groups that forgotten destinations are told by; clients choose how many there are, so the rest share one account. */
const MAX_GROUPS = 2_000
export const OTHER = 'other'

/**
 * The account of each destination of an exporter, since the process started. Pods come and go, and a stream is named after
 * one: what has not been used for long and holds nothing any more is forgotten, and its counts become those of its group.
 *
 *   recent ──full──▶ older ──idle──▶ by group ──too many──▶ other
 *     ◀──────used──────┘
 */
export class DestinationLedgers {
  readonly groupOf: (key: string) => string
  readonly #forgotten = new Map<string, Ledger>()
  #recent = new Map<string, Ledger>()
  #older = new Map<string, Ledger>()
  /** Of an older generation than that, as they are waited for. */
  #kept = 0

  /** @param groupOf the group of a destination, by the key of its lane */
  constructor(groupOf: (key: string) => string) {
    this.groupOf = groupOf
  }

  /** @param key the lane's */
  of(key: string): Ledger {
    const known = this.#recent.get(key)
    if (known !== undefined) return known
    const ledger = this.#older.get(key) ?? new Ledger()
    this.#older.delete(key)
    // Where many are kept, each is looked at no more often than there are new ones.
    if (this.#recent.size >= Math.max(GENERATION, this.#kept)) this.#age()
    this.#recent.set(key, ledger)
    return ledger
  }

  /** Of destinations that are known, by the keys of their lanes. */
  get all(): ReadonlyMap<string, Ledger> {
    return new Map([...this.#older, ...this.#recent])
  }

  /** Of all those that are not, by group. */
  get forgotten(): ReadonlyMap<string, Ledger> {
    return this.#forgotten
  }

  /** One that has records on their way or dead letters is kept: what becomes of them is told to its own account. */
  #age(): void {
    const older = this.#recent
    this.#kept = 0
    for (const [key, ledger] of this.#older) {
      if (ledger.queued > 0 || ledger.deadLettered > 0) {
        older.set(key, ledger)
        this.#kept++
      } else this.#forget(this.groupOf(key), ledger)
    }
    this.#older = older
    this.#recent = new Map()
  }

  #forget(group: string, ledger: Ledger): void {
    const name = this.#forgotten.has(group) || this.#forgotten.size < MAX_GROUPS ? group : OTHER
    const sum = this.#forgotten.get(name) ?? new Ledger()
    sum.add(ledger)
    this.#forgotten.set(name, sum)
  }
}
