import { Ledger } from './ledger.ts'

/** Destinations with an account of their own; clients choose how many there are, so the rest share one. */
const MOST_DESTINATIONS = 2_000
export const OTHER = 'other'

/** The account of each destination of an exporter, since the process started. */
export class DestinationLedgers {
  readonly #ledgers = new Map<string, Ledger>()

  /** @param key the lane's; one that came too late has the account of all others */
  of(key: string): Ledger {
    const known = this.#ledgers.get(key)
    if (known !== undefined) return known
    if (this.#ledgers.size >= MOST_DESTINATIONS) return this.#named(OTHER)
    return this.#named(key)
  }

  get all(): ReadonlyMap<string, Ledger> {
    return this.#ledgers
  }

  #named(key: string): Ledger {
    const known = this.#ledgers.get(key)
    if (known !== undefined) return known
    const ledger = new Ledger()
    this.#ledgers.set(key, ledger)
    return ledger
  }
}
