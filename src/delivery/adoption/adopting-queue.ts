import type { Retry } from '../../accounting/outcome.ts'
import { describeError } from '../../telemetry/describe-error.ts'
import type { Logger } from '../../telemetry/logger.ts'
import type {
  PageReader,
  Held,
  NewBatch,
  Queue,
  PagedOut,
  QueuedBatch,
  QueueReservation,
  RecoveredBatch,
} from '../contract/queue.ts'

/** A queue whose owner's counters are kept beside its batches. */
export interface CountingQueue extends Queue {
  /** The counters changed by something else than a batch of this queue. */
  touch(): void
}

/** A queue that a process left and did not come back for. Nothing new goes into it. */
export interface AbandonedQueue {
  readonly path: string
  readonly queue: Queue
  /** Lets its directory go. */
  release(): Promise<void>
}

/** The queue of this process, and those of others until they are empty. */
export class AdoptingQueue implements Queue {
  readonly #own: CountingQueue
  readonly #logger: Logger
  /** Where a batch that is not of the own queue came from, and how many wait there. */
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

  /** Queues of others that are not let go yet. */
  get adopted(): number {
    return this.#waiting.size + this.#endings.size
  }

  recover(reader?: PageReader): Promise<readonly RecoveredBatch[]> {
    return this.#own.recover(reader)
  }

  /** Answers for the batches that were found in a queue, until all that waits in it is settled; then it is closed and let go. */
  adopt(left: AbandonedQueue, found: readonly RecoveredBatch[]): void {
    this.#waiting.set(left, 0)
    this.pagedIn(left, found)
    this.endIfDone(left)
  }

  /** More of it has batches. */
  pagedIn(left: AbandonedQueue, found: readonly RecoveredBatch[]): void {
    for (const { batch } of found) this.#origins.set(batch, left)
    this.#waiting.set(left, (this.#waiting.get(left) ?? 0) + found.length)
  }

  endIfDone(left: AbandonedQueue): void {
    if (this.#waiting.get(left) === 0 && left.queue.pagedOut.records === 0) this.#end(left)
  }

  reserve(batches: readonly NewBatch[]): QueueReservation | Retry {
    return this.#own.reserve(batches)
  }

  join(): undefined {}

  couldHold(batches: readonly NewBatch[]): boolean {
    return this.#own.couldHold(batches)
  }

  load(batch: QueuedBatch, ready: () => void): void {
    this.#queueOf(batch).load(batch, ready)
  }

  settle(batch: QueuedBatch, from: number, to: number): void {
    this.#queueOf(batch).settle(batch, from, to)
    const left = this.#origins.get(batch)
    if (left === undefined) return
    // What became of it is counted here, not where it lies.
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
    const ending = this.#letGo(left).finally(() => this.#endings.delete(ending))
    this.#endings.add(ending)
  }

  async #letGo(left: AbandonedQueue): Promise<void> {
    const { path, queue } = left
    try {
      await queue.close()
    } catch (error) {
      this.#logger.warn('the queue of another process was not closed', { directory: path, error: describeError(error) })
    }
    await left.release()
  }
}

/** Those of all queues; what lanes have counts in the own one alone, whose room they share. */
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

  get lanes(): ReadonlyMap<string, Held> {
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
