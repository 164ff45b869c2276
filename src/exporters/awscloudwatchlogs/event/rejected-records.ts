// Hot path; bench: test/bench/transcode.ts
//
// The records of one request that are rejected: by reason for the sender, by destination and reason for the ledgers. A record
// costs no object: a request may have half a million.

import type { FilteredReason, RejectedReason } from '../../../accounting/outcome.ts'
import { NOTHING_REJECTED, RejectionCounter, type Rejections } from '../../../accounting/rejections.ts'

/** Records of one destination that were rejected, or left out on purpose, for one reason. */
export interface LaneRejections {
  /** Key of the destination. */
  readonly lane: string
  readonly reason: RejectedReason | FilteredReason
  count: number
}

export class RejectedRecords {
  #counter: RejectionCounter | undefined
  readonly #byLane = new Map<string, Map<LaneRejections['reason'], LaneRejections>>()
  #rejectedByLane: LaneRejections[] = []
  /** The entry of the last rejected record, which the next one usually shares. */
  #last: LaneRejections | undefined

  /** Begins the next request. */
  clear(): void {
    this.#counter = undefined
    this.#last = undefined
    if (this.#rejectedByLane.length === 0) return
    this.#byLane.clear()
    // The entries of the request before are in use.
    this.#rejectedByLane = []
  }

  get byReason(): Rejections {
    return this.#counter ?? NOTHING_REJECTED
  }

  /** The records that are rejected or left out, and whose sender may write their destination. */
  get rejectedByLane(): readonly LaneRejections[] {
    return this.#rejectedByLane
  }

  /**
   * Counts a record.
   * @param lane undefined if the sender may not write it: a sender must not create ledgers by naming groups
   * @returns Returns false if it is not counted for the sender yet: `sample` must add the reason first
   */
  add(reason: RejectedReason, lane: string | undefined): boolean {
    if (lane !== undefined) this.#reject(reason, lane)
    return this.#counter?.addKnown(reason) === true
  }

  /** Counts the first record of a reason. @param sample why it is rejected */
  addSample(reason: RejectedReason, sample: string): void {
    this.#counter ??= new RejectionCounter()
    this.#counter.add(reason, 1, sample)
  }

  /** Counts a record over the limit that is left out; its sender is not asked to do anything. */
  drop(lane: string): void {
    this.#reject('oversize', lane)
  }

  #reject(reason: LaneRejections['reason'], lane: string): void {
    let entry = this.#last
    if (entry?.lane !== lane || entry.reason !== reason) {
      entry = this.#entry(reason, lane)
      this.#last = entry
    }
    entry.count++
  }

  #entry(reason: LaneRejections['reason'], lane: string): LaneRejections {
    let byReason = this.#byLane.get(lane)
    if (byReason === undefined) this.#byLane.set(lane, (byReason = new Map<LaneRejections['reason'], LaneRejections>()))
    const known = byReason.get(reason)
    if (known !== undefined) return known
    const entry = { lane, reason, count: 0 }
    byReason.set(reason, entry)
    this.#rejectedByLane.push(entry)
    return entry
  }
}
