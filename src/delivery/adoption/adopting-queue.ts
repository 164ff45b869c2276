import type { Retry } from '../../accounting/outcome.ts'
import { describeError } from '../../telemetry/describe-error.ts'
import type { Logger } from '../../telemetry/logger.ts'
import type { LaneItems } from '../contract/lane-items.ts'
import type {
  PageReader,
  Held,
  HeldOfLane,
  Queue,
  PagedOut,
  QueuedBatch,
  QueueReservation,
  RecoveredBatch,
} from '../contract/queue.ts'

/** A queue that keeps its owner's counters with its batches. */
export interface CountingQueue extends Queue {
  /** Marks the counters as changed by something other than a batch of this queue. */
  touch(): void
}

/** The queue of a stopped process. Nothing new is added to it. */
export interface AbandonedQueue {
  readonly path: string
  readonly queue: Queue
  /** Unlocks its directory. */
  release(): Promise<void>
}

/** The queue of this process, and adopted queues of others until they are empty. */
export class AdoptingQueue implements Queue {
  readonly #own: CountingQueue
  readonly #logger: Logger
  /** The adopted queue of each batch from one, and the number of waiting batches of each adopted queue. */
  readonly #origins = new Map<QueuedBatch, AbandonedQueue>()
  readonly #waiting = new Map<AbandonedQueue, number>()
  readonly #endings = new Set<Promise<void>>()
  readonly pagedOut: PagedOut

  constructor(own: CountingQueue, logger: Logger) {
    this.#own = own
    this.#logger = logger
    this.pagedOut = new AllPagedOut(
      own,
      () => this.#waiting.keys(),
      (batch) => this.#pageOut(batch),
    )
  }

  get usedBytes(): number {
    return this.#own.usedBytes
  }

  get capacityBytes(): number {
    return this.#own.capacityBytes
  }

  get size(): number {
    return this.#own.size
  }

  get capacity(): number {
    return this.#own.capacity
  }

  get fullness(): number {
    return this.#own.fullness
  }

  share(held: Held): number {
    return this.#own.share(held)
  }

  /** Number of adopted queues that are not released yet. */
  get adopted(): number {
    return this.#waiting.size + this.#endings.size
  }

  recover(reader?: PageReader): Promise<readonly RecoveredBatch[]> {
    return this.#own.recover(reader)
  }

  /** Adopts a queue with its recovered batches. When all of it is settled, it is closed and released. */
  adopt(left: AbandonedQueue, found: readonly RecoveredBatch[]): void {
    this.#waiting.set(left, 0)
    this.pagedIn(left, found)
    this.endIfDone(left)
  }

  /** Adds more batches of an adopted queue. */
  pagedIn(left: AbandonedQueue, found: readonly RecoveredBatch[]): void {
    for (const { batch } of found) this.#origins.set(batch, left)
    this.#waiting.set(left, (this.#waiting.get(left) ?? 0) + found.length)
  }

  endIfDone(left: AbandonedQueue): void {
    if (this.#waiting.get(left) === 0 && left.queue.pagedOut.records === 0) this.#end(left)
  }

  reserve(batches: readonly LaneItems[]): QueueReservation | Retry {
    return this.#own.reserve(batches)
  }

  join(): undefined {}

  couldHold(batches: readonly LaneItems[]): boolean {
    return this.#own.couldHold(batches)
  }

  load(batch: QueuedBatch, ready: () => void): void {
    this.#queueOf(batch).load(batch, ready)
  }

  settle(batch: QueuedBatch, from: number, to: number): void {
    this.#queueOf(batch).settle(batch, from, to)
    const left = this.#origins.get(batch)
    if (left === undefined) return
    // Its outcome is counted in the own queue, not in the adopted one.
    this.#own.touch()
    if (batch.unsettled > 0) return
    this.#leave(batch, left)
    this.endIfDone(left)
  }

  #pageOut(batch: QueuedBatch): boolean {
    const left = this.#origins.get(batch)
    if (!(left?.queue ?? this.#own).pagedOut.pageOut(batch)) return false
    if (left !== undefined) this.#leave(batch, left)
    return true
  }

  #leave(batch: QueuedBatch, left: AbandonedQueue): void {
    this.#origins.delete(batch)
    this.#waiting.set(left, (this.#waiting.get(left) ?? 0) - 1)
  }

  async close(): Promise<void> {
    for (const left of this.#waiting.keys()) this.#end(left)
    await Promise.all(this.#endings)
    await this.#own.close()
  }

  #queueOf(batch: QueuedBatch): Queue {
    return this.#origins.get(batch)?.queue ?? this.#own
  }

  #end(left: AbandonedQueue): void {
    if (!this.#waiting.delete(left)) return
    const ending = this.#release(left).finally(() => this.#endings.delete(ending))
    this.#endings.add(ending)
  }

  async #release(left: AbandonedQueue): Promise<void> {
    const { path, queue } = left
    try {
      await queue.close()
    } catch (error) {
      this.#logger.warn('cannot close an adopted queue', { directory: path, error: describeError(error) })
    }
    await left.release()
  }
}

/** Paged-out records of all queues. `lanes` counts only the own queue, because lanes share only its room. */
class AllPagedOut implements PagedOut {
  readonly #own: Queue
  readonly #others: () => Iterable<AbandonedQueue>
  readonly pageOut: (batch: QueuedBatch) => boolean

  constructor(own: Queue, others: () => Iterable<AbandonedQueue>, pageOut: (batch: QueuedBatch) => boolean) {
    this.#own = own
    this.#others = others
    this.pageOut = pageOut
  }

  get records(): number {
    let { records } = this.#own.pagedOut
    for (const { queue } of this.#others()) records += queue.pagedOut.records
    return records
  }

  get items(): number {
    let { items } = this.#own.pagedOut
    for (const { queue } of this.#others()) items += queue.pagedOut.items
    return items
  }

  get lanes(): ReadonlyMap<string, HeldOfLane> {
    return this.#own.pagedOut.lanes
  }

  scan(): AsyncIterable<RecoveredBatch> {
    return this.#own.pagedOut.scan()
  }

  get sinceMs(): number | undefined {
    let since = this.#own.pagedOut.sinceMs
    for (const { queue } of this.#others()) {
      const its = queue.pagedOut.sinceMs
      if (its !== undefined) since = Math.min(since ?? its, its)
    }
    return since
  }

  get window(): number {
    return this.#own.pagedOut.window
  }
}
