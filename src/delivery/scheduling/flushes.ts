import type { PagedOut, QueuedBatch } from '../contract/queue.ts'

/** Waits until everything that was queued up to a moment is settled. */
interface Waiter {
  readonly batches: Set<QueuedBatch>
  /** `steadyNowMs` of that moment, for what has no batch yet. */
  readonly untilMs: number
  readonly done: () => void
}

/** Who waits for what is queued, as a flush does. */
export class Flushes {
  readonly #pagedOut: PagedOut
  readonly #waiters = new Set<Waiter>()

  constructor(pagedOut: PagedOut) {
    this.#pagedOut = pagedOut
  }

  /** Resolves when these batches and what is paged out now are settled, or the signal aborts. */
  async wait(batches: Iterable<QueuedBatch>, untilMs: number, signal: AbortSignal): Promise<void> {
    const settled = Promise.withResolvers<void>()
    const waiter = { batches: new Set(batches), untilMs, done: () => settled.resolve() }
    this.#waiters.add(waiter)
    signal.addEventListener('abort', waiter.done)
    await settled.promise
    signal.removeEventListener('abort', waiter.done)
    this.#waiters.delete(waiter)
  }

  /** A record has a batch again. */
  pagedIn(batch: QueuedBatch): void {
    for (const { batches, untilMs } of this.#waiters) if (batch.enqueuedAtMs <= untilMs) batches.add(batch)
  }

  /** Whoever waits for these items waits for where they are now. */
  moved(from: QueuedBatch, to: QueuedBatch): void {
    for (const { batches } of this.#waiters) if (batches.has(from)) batches.add(to)
  }

  /** Nothing of the batch is left, or it is paged out again. */
  left(batch: QueuedBatch): void {
    for (const { batches } of this.#waiters) batches.delete(batch)
    this.review()
  }

  /** Something that was paged out came to its end. */
  review(): void {
    for (const waiter of this.#waiters) {
      if (waiter.batches.size > 0 || (this.#pagedOut.sinceMs ?? Number.POSITIVE_INFINITY) <= waiter.untilMs) continue
      this.#waiters.delete(waiter)
      waiter.done()
    }
  }
}
