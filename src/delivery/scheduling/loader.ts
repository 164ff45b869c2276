// Loads the next batches of lanes into memory. A lane that loads for a put holds a put slot, so that no lane loads batches it
// cannot send soon.
//
//   lane's turn ─▶ slot, batches of one put ─▶ queue.load ─▶ all there, or lost ─▶ slot is free, the lane is sent next
//                    └── a second later: slot is free, one slot in each scope is passed on

import type { Queue, QueuedBatch } from '../contract/queue.ts'
import type { Run } from '../contract/run-queue.ts'
import type { FaultScope } from '../faults/fault-scope.ts'
import type { Lane } from '../lanes/lane.ts'

/** Maximum batches of one lane loaded at once: enough for a put of small ones, few enough to bound the memory. */
const MAX_LOADED_AT_ONCE = 256

export class Loader<D> {
  readonly #queue: Queue
  readonly #maxCountedBytes: number
  readonly #lost: (lane: Lane<D>, run: Run) => void
  readonly #loading = new Set<Lane<D>>()
  /** Loading lanes that hold a put slot. */
  readonly #slots = new Set<Lane<D>>()
  /** Lanes that were loading at the last check. */
  #slow: ReadonlySet<Lane<D>> = new Set()

  /**
   * @param maxCountedBytes of one put
   * @param lost called for items that can no longer be read
   */
  constructor(queue: Queue, maxCountedBytes: number, lost: (lane: Lane<D>, run: Run) => void) {
    this.#queue = queue
    this.#maxCountedBytes = maxCountedBytes
    this.#lost = lost
  }

  /** Number of put slots that loading lanes hold. */
  get slots(): number {
    return this.#slots.size
  }

  has(lane: Lane<D>): boolean {
    return this.#loading.has(lane)
  }

  /** Loads the batches of the next put, from run `place` on. The lane holds a put slot meanwhile. */
  loadForPut(lane: Lane<D>, place: number, then: () => void): void {
    this.#slots.add(lane)
    this.load(lane, place, () => {
      this.#slots.delete(lane)
      then()
    })
  }

  /** Loads the same, without a put slot. @param then called when each batch is in memory, or was lost */
  load(lane: Lane<D>, place: number, then: () => void): void {
    this.#loading.add(lane)
    const wanted = this.#wanted(lane, place)
    let loading = wanted.length
    for (const batch of wanted) {
      this.#queue.load(batch, () => {
        if (batch.items === undefined) this.#quarantine(lane, batch)
        if (--loading > 0) return
        this.#loading.delete(lane)
        then()
      })
    }
  }

  #wanted(lane: Lane<D>, place: number): readonly QueuedBatch[] {
    const wanted: QueuedBatch[] = []
    let counted = 0
    for (let at = place; counted < this.#maxCountedBytes && wanted.length < MAX_LOADED_AT_ONCE; at++) {
      const run = lane.runs.at(at)
      if (run === undefined) break
      if (run.batch.items === undefined) wanted.push(run.batch)
      counted += run.batch.countedBytes
    }
    return wanted
  }

  /**
   * Frees the slots of lanes that have been loading since the last call, and passes on one slot in each of their scopes.
   * Others must not wait because a disk does not respond or there is no memory to load: the slot may be the only probe.
   */
  passOnSlow(): void {
    const scopes = new Set<FaultScope<Lane<D>>>()
    for (const lane of this.#slow) if (this.#loading.has(lane)) for (const scope of lane.scopes) scopes.add(scope)
    for (const lane of this.#slow) this.#slots.delete(lane)
    for (const scope of scopes) scope.pass()
    this.#slow = new Set(this.#loading)
  }

  /** Gives up a batch that can no longer be read; the lane continues after it. */
  #quarantine(lane: Lane<D>, batch: QueuedBatch): void {
    for (let place = 0; place < lane.runs.length; place++) {
      const run = lane.runs.at(place)
      if (run?.batch !== batch) continue
      lane.runs.replace(place--, 1, undefined)
      lane.took(run.to - run.from, (batch.countedBytes / batch.count) * (run.to - run.from))
      this.#lost(lane, run)
      // Whole segments may be gone: do not search the rest of the lane for each of their batches.
      if (batch.unsettled === 0) return
    }
  }
}
