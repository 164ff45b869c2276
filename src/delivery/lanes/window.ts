// Which lanes have how many batches in memory, where the queue keeps only a window of what waits there.
//
//   lane that can be sent      half of the window for what arrives; any number of what is paged in
//   lane that cannot be sent   together half of the window: the others must find room

import type { PagedOut, QueuedBatch } from '../contract/queue.ts'
import type { Lane } from './lane.ts'

export class Window<D> {
  readonly #lanes: ReadonlyMap<string, Lane<D>>
  readonly #pagedOut: PagedOut

  /** @param lanes all of them, by their keys */
  constructor(lanes: ReadonlyMap<string, Lane<D>>, pagedOut: PagedOut) {
    this.#lanes = lanes
    this.#pagedOut = pagedOut
  }

  /** Whether a record that arrives for the lane is kept in memory. */
  keeps(key: string): boolean {
    const lane = this.#lanes.get(key)
    if (lane === undefined) return true
    const { batches, pagedIn } = lane.held
    return lane.isHeldUp ? batches < this.#heldUpShare : batches - pagedIn < this.#half
  }

  /** Whether records of the lane are brought back to memory. */
  wants(key: string): boolean {
    const lane = this.#lanes.get(key)
    return lane === undefined || !lane.isHeldUp || lane.held.batches < this.#heldUpShare
  }

  /**
   * Pages out what lanes that cannot be sent have beyond their share, the newest first. Called every second or so.
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
