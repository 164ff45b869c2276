import { Ledger } from './ledger.ts'

/** Destinations per generation: at least this many ledgers are kept, and at most twice as many of those with nothing queued. */
const GENERATION = 1_000
/** Maximum groups with a ledger for forgotten destinations; clients choose the groups, so the others share `OTHER`. */
const MAX_GROUPS = 2_000
export const OTHER = 'other'

/**
 * The ledger of each destination of an exporter since the process started. Streams are named after pods, which come and go:
 * a destination that is unused for long and holds no records is forgotten, and its counts are added to its group.
 *
 *   recent ──full──▶ older ──idle──▶ by group ──too many──▶ other
 *     ◀──────used──────┘
 */
export class DestinationLedgers {
  readonly groupOf: (key: string) => string
  readonly #forgotten = new Map<string, Ledger>()
  #recent = new Map<string, Ledger>()
  #older = new Map<string, Ledger>()
  /** Number of ledgers kept past their generation because they still hold records. */
  #kept = 0

  /** @param groupOf returns the group of a destination by its lane key */
  constructor(groupOf: (key: string) => string) {
    this.groupOf = groupOf
  }

  /** @param key the lane key */
  of(key: string): Ledger {
    const known = this.#recent.get(key)
    if (known !== undefined) return known
    const ledger = this.#older.get(key) ?? new Ledger()
    this.#older.delete(key)
    // If many are kept, wait for as many new ones, so that checking them costs a constant per new one.
    if (this.#recent.size >= Math.max(GENERATION, this.#kept)) this.#age()
    this.#recent.set(key, ledger)
    return ledger
  }

  /** Ledgers of known destinations, by lane key. */
  get all(): ReadonlyMap<string, Ledger> {
    return new Map([...this.#older, ...this.#recent])
  }

  /** Ledgers of forgotten destinations, by group. */
  get forgotten(): ReadonlyMap<string, Ledger> {
    return this.#forgotten
  }

  /** Keeps a destination that has queued records or dead letters: their outcomes are counted in its own ledger. */
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
