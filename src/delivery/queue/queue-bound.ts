import type { Held, QueuedBatch } from '../contract/queue.ts'

/** `sending_queue.queue_size` in units of its `sizer`. */
export interface QueueBound {
  readonly unit: 'requests' | 'items' | 'bytes'
  readonly most: number
}

/** Enforces a bound in requests or items, in addition to the bound in bytes of every queue. */
export class BoundKeeper {
  readonly #bound: QueueBound | undefined
  #items = 0
  #requests = 0
  /** Unsettled batches of each request. */
  readonly #batchesLeft = new WeakMap<QueuedBatch, { batches: number }>()

  constructor(bound: QueueBound | undefined) {
    this.#bound = bound
  }

  /** Unit, amount and limit of a bound that is not in bytes. */
  get fill(): { readonly unit: 'requests' | 'items'; readonly size: number; readonly most: number } | undefined {
    if (this.#bound === undefined || this.#bound.unit === 'bytes') return undefined
    const { unit, most } = this.#bound
    return { unit, most, size: unit === 'items' ? this.#items : this.#requests }
  }

  /** True if a request counts until its last item is settled, so that each request needs its own batch. */
  get countsRequests(): boolean {
    return this.#bound?.unit === 'requests'
  }

  /** Fill level, 0 to 1; 0 without a bound in items or requests. */
  get fullness(): number {
    const fill = this.fill
    return fill === undefined ? 0 : fill.size / fill.most
  }

  /** Returns the share of the bound that this amount takes. A batch counts as a request, as most requests have one lane. */
  share({ items, batches }: Held): number {
    const fill = this.fill
    return fill === undefined ? 0 : (fill.unit === 'items' ? items : batches) / fill.most
  }

  /** Reserves room for a request of `items`. Returns false, and reserves nothing, if there is none. */
  reserve(items: number): boolean {
    const fill = this.fill
    if (fill?.unit === 'items' && this.#items + items > fill.most) return false
    if (fill?.unit === 'requests' && this.#requests >= fill.most) return false
    this.#items += items
    this.#requests++
    return true
  }

  /** Returns false if the items exceed the bound by themselves. */
  couldHold(items: number): boolean {
    const fill = this.fill
    return fill?.unit !== 'items' || items <= fill.most
  }

  release(items: number): void {
    this.#items -= items
    this.#requests--
  }

  /** Adds the batches of a reserved request; it counts until the last of them is settled. */
  commit(batches: readonly QueuedBatch[]): void {
    const request = { batches: batches.length }
    if (batches.length === 0) this.#requests--
    if (this.countsRequests) for (const batch of batches) this.#batchesLeft.set(batch, request)
  }

  settled(batch: QueuedBatch, items: number): void {
    this.#items -= items
    if (batch.unsettled > 0 || !this.countsRequests) return
    const request = this.#batchesLeft.get(batch)
    if (request !== undefined && --request.batches === 0) this.#requests--
  }

  /** Adds the records of an earlier process, each counted as a request. */
  recovered(records: number, items: number): void {
    this.#items += items
    this.#requests += records
  }

  /** Updates the counts for a paged-out record: without its batch, it counts as a request of its own. */
  pagedOut(batch: QueuedBatch): void {
    const request = this.countsRequests ? this.#batchesLeft.get(batch) : undefined
    if (request === undefined || request.batches <= 1) return
    request.batches--
    this.#requests++
  }

  pagedIn(batch: QueuedBatch): void {
    if (this.countsRequests) this.#batchesLeft.set(batch, { batches: 1 })
  }

  /** Removes lost records that had no batch. */
  lost(records: number, items: number): void {
    this.#items -= items
    this.#requests -= records
  }
}
