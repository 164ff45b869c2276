import type { Held, QueuedBatch } from '../contract/queue.ts'

/** `sending_queue.queue_size` in units of its `sizer`. */
export interface QueueBound {
  readonly unit: 'requests' | 'items' | 'bytes'
  readonly most: number
}

/** Keeps to a bound in requests or items, beside the one in bytes that every queue has. */
export class BoundKeeper {
  readonly #bound: QueueBound | undefined
  #items = 0
  #requests = 0
  /** Batches of each request that are not settled yet. */
  readonly #batchesLeft = new WeakMap<QueuedBatch, { batches: number }>()

  constructor(bound: QueueBound | undefined) {
    this.#bound = bound
  }

  /** Unit and amount, where it is not bytes. */
  get fill(): { readonly unit: 'requests' | 'items'; readonly size: number; readonly most: number } | undefined {
    if (this.#bound === undefined || this.#bound.unit === 'bytes') return undefined
    const { unit, most } = this.#bound
    return { unit, most, size: unit === 'items' ? this.#items : this.#requests }
  }

  /** Whether a request counts until its last item is settled, so that each needs a batch of its own. */
  get countsRequests(): boolean {
    return this.#bound?.unit === 'requests'
  }

  /** How full it is; 0 without a bound in items or requests. */
  get fullness(): number {
    const fill = this.fill
    return fill === undefined ? 0 : fill.size / fill.most
  }

  /** The share of the bound that somebody with so much has; a batch is a request, as most requests are for one lane. */
  share({ items, batches }: Held): number {
    const fill = this.fill
    return fill === undefined ? 0 : (fill.unit === 'items' ? items : batches) / fill.most
  }

  /** Takes a place for a request of so many items; false leaves everything as it was. */
  reserve(items: number): boolean {
    const fill = this.fill
    if (fill?.unit === 'items' && this.#items + items > fill.most) return false
    if (fill?.unit === 'requests' && this.#requests >= fill.most) return false
    this.#items += items
    this.#requests++
    return true
  }

  /** False for what is over the bound by itself. */
  couldHold(items: number): boolean {
    const fill = this.fill
    return fill?.unit !== 'items' || items <= fill.most
  }

  release(items: number): void {
    this.#items -= items
    this.#requests--
  }

  /** The request of a reservation is in the queue; it counts until the last of its batches is settled. */
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

  /** What an earlier process left, each record counted as a request. */
  recovered(records: number, items: number): void {
    this.#items += items
    this.#requests += records
  }

  /** Without its batch, a record counts as a request of its own. */
  pagedOut(batch: QueuedBatch): void {
    const request = this.countsRequests ? this.#batchesLeft.get(batch) : undefined
    if (request === undefined || request.batches <= 1) return
    request.batches--
    this.#requests++
  }

  pagedIn(batch: QueuedBatch): void {
    if (this.countsRequests) this.#batchesLeft.set(batch, { batches: 1 })
  }

  /** Records that had no batch are lost. */
  lost(records: number, items: number): void {
    this.#items -= items
    this.#requests -= records
  }
}
