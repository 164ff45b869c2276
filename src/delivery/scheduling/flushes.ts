import type { PagedOut, QueuedBatch } from '../contract/queue.ts'

/** A flush that waits until everything queued up to a moment is settled. */
interface Waiter {
  readonly batches: Set<QueuedBatch>
  /** `steadyNowMs` of that moment, for records that have no batch yet. */
  readonly untilMs: number
  readonly done: () => void
}

/** The pending flushes. */
export class Flushes {
  readonly #pagedOut: PagedOut
  readonly #waiters = new Set<Waiter>()

  constructor(pagedOut: PagedOut) {
    this.#pagedOut = pagedOut
  }

  /** Resolves when these batches and the records now paged out are settled, or the signal aborts. */
  async wait(batches: Iterable<QueuedBatch>, untilMs: number, signal: AbortSignal): Promise<void> {
    const settled = Promise.withResolvers<void>()
    const waiter = { batches: new Set(batches), untilMs, done: () => settled.resolve() }
    this.#waiters.add(waiter)
    signal.addEventListener('abort', waiter.done)
    await settled.promise
    signal.removeEventListener('abort', waiter.done)
    this.#waiters.delete(waiter)
  }

  /** Adds the new batch of a record that was paged in. */
  pagedIn(batch: QueuedBatch): void {
    for (const { batches, untilMs } of this.#waiters) if (batch.enqueuedAtMs <= untilMs) batches.add(batch)
  }

  /** Makes flushes that wait for moved items wait for their new batch. */
  moved(from: QueuedBatch, to: QueuedBatch): void {
    for (const { batches } of this.#waiters) if (batches.has(from)) batches.add(to)
  }

  /** Removes a batch that is settled or paged out again. */
  left(batch: QueuedBatch): void {
    for (const { batches } of this.#waiters) batches.delete(batch)
    this.review()
  }

  /** Ends flushes that have nothing left to wait for. */
  review(): void {
    for (const waiter of this.#waiters) {
      if (waiter.batches.size > 0 || (this.#pagedOut.sinceMs ?? Number.POSITIVE_INFINITY) <= waiter.untilMs) continue
      this.#waiters.delete(waiter)
      waiter.done()
    }
  }
}
