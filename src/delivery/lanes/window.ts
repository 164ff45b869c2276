// Limits the batches of each lane in memory, for a queue that keeps only a window of its batches there.
//
//   lane that can be sent      half of the window for arriving batches; any number of paged-in ones
//   lane that cannot be sent   together half of the window: the others must find room

import type { PagedOut, QueuedBatch } from '../contract/queue.ts'
import type { Lane } from './lane.ts'

export class Window<D> {
  readonly #lanes: ReadonlyMap<string, Lane<D>>
  readonly #pagedOut: PagedOut

  /** @param lanes all lanes, by key */
  constructor(lanes: ReadonlyMap<string, Lane<D>>, pagedOut: PagedOut) {
    this.#lanes = lanes
    this.#pagedOut = pagedOut
  }

  /** Returns true if an arriving record of the lane is kept in memory. */
  keeps(key: string): boolean {
    const lane = this.#lanes.get(key)
    if (lane === undefined) return true
    const { batches, pagedIn } = lane.held
    return lane.isHeldUp ? batches < this.#heldUpShare : batches - pagedIn < this.#half
  }

  /** Returns true if records of the lane should be paged in. */
  wants(key: string): boolean {
    const lane = this.#lanes.get(key)
    return lane === undefined || !lane.isHeldUp || lane.held.batches < this.#heldUpShare
  }

  /**
   * Pages out batches of blocked lanes beyond their share, newest first. Called about every second.
   * @param pagedOut called for each batch
   */
  shrink(pagedOut: (batch: QueuedBatch) => void): void {
    if (this.#half === Number.POSITIVE_INFINITY) return
    for (const lane of this.#lanes.values()) {
      if (!lane.isHeldUp) continue
      let over = Math.floor(lane.held.batches - this.#heldUpShare)
      for (let batch = lane.lastWhole; over > 0 && batch !== undefined; batch = lane.lastWhole, over--) {
        if (!this.#pagedOut.pageOut(batch)) break
        lane.dropLast(batch)
        pagedOut(batch)
      }
    }
  }

  get #half(): number {
    return this.#pagedOut.window / 2
  }

  get #heldUpShare(): number {
    return Math.max(1, this.#half / this.#lanes.size)
  }
}
