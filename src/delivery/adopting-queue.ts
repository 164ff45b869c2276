import { describeError } from '../telemetry/describe-error.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Retry } from '../component/outcome.ts'
import type { Held, NewBatch, QueuedBatch, Queue, QueueReservation, RecoveredBatch } from './queue.ts'

/** A queue that a process left and did not come back for. Nothing new goes into it. */
export interface LeftQueue {
  readonly path: string
  readonly queue: Queue
  /** Lets its directory go. */
  release(): Promise<void>
}

/** The queue of this process, and those of others until they are empty. */
export class AdoptingQueue implements Queue {
  readonly #own: Queue
  readonly #left: readonly LeftQueue[]
  readonly #logger: Logger
  /** Where a batch that is not of the own queue came from, and how many wait there. */
  readonly #origins = new Map<QueuedBatch, LeftQueue>()
  readonly #waiting = new Map<LeftQueue, number>()
  readonly #endings = new Set<Promise<void>>()

  constructor(own: Queue, left: readonly LeftQueue[], logger: Logger) {
    this.#own = own
    this.#left = left
    this.#logger = logger
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

  /** What cannot be adopted (a later version wrote it) is left where it is, and is no reason not to start. */
  async recover(): Promise<readonly RecoveredBatch[]> {
    const own = await this.#own.recover()
    const batches = [...own]
    for (const left of this.#left) {
      this.#waiting.set(left, 0)
      try {
        const found = await left.queue.recover()
        for (const { batch } of found) this.#origins.set(batch, left)
        this.#waiting.set(left, found.length)
        batches.push(...found)
        this.#logger.info('took up the queue of a process that did not come back', {
          directory: left.path,
          batches: found.length,
        })
      } catch (error) {
        this.#logger.error('the queue of another process cannot be taken up, and is left where it is', {
          directory: left.path,
          error: describeError(error),
        })
      }
      if (this.#waiting.get(left) === 0) this.#end(left)
    }
    // Queues of two processes have nothing but the clock in common; one alone needs none.
    return batches.length === own.length ? own : batches.sort((a, b) => a.batch.enqueuedAtMs - b.batch.enqueuedAtMs)
  }

  reserve(batches: readonly NewBatch[]): QueueReservation | Retry {
    return this.#own.reserve(batches)
  }

  couldHold(batches: readonly NewBatch[]): boolean {
    return this.#own.couldHold(batches)
  }

  load(batch: QueuedBatch, ready: () => void): void {
    this.#queueOf(batch).load(batch, ready)
  }

  settle(batch: QueuedBatch, from: number, to: number): void {
    this.#queueOf(batch).settle(batch, from, to)
    const left = this.#origins.get(batch)
    if (left === undefined || batch.unsettled > 0) return
    this.#origins.delete(batch)
    const waiting = (this.#waiting.get(left) ?? 0) - 1
    this.#waiting.set(left, waiting)
    if (waiting === 0) this.#end(left)
  }

  async close(): Promise<void> {
    for (const left of this.#waiting.keys()) this.#end(left)
    await Promise.all(this.#endings)
    await this.#own.close()
  }

  #queueOf(batch: QueuedBatch): Queue {
    return this.#origins.get(batch)?.queue ?? this.#own
  }

  #end(left: LeftQueue): void {
    if (!this.#waiting.delete(left)) return
    const ending = left.queue
      .close()
      .then(() => left.release())
      .finally(() => this.#endings.delete(ending))
    this.#endings.add(ending)
  }
}
