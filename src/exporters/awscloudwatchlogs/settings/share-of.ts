/** The share of one process in limits that the config sets for the daemon as a whole. */
export class ShareOf {
  readonly #share: number

  /** @param share 0 to 1 */
  constructor(share: number) {
    this.#share = share
  }

  rate(whole: number): number {
    return whole * this.#share
  }

  /** A whole number, at least `minimum`; with several processes they may exceed the whole together. */
  count(whole: number, minimum = 1): number {
    return this.#share === 1 ? whole : Math.max(minimum, Math.floor(whole * this.#share))
  }
}
