import type { IdRange } from '../format/id-ranges.ts'

const FIRST_BYTES = 64

/**
 * The records of one segment that wait on disk and have no batch in memory: one bit per record, by sequence. A segment of
 * 50,000 records takes 6 KiB, where batches would take 50 MB.
 */
export class PagedOutBits {
  readonly #firstSequence: number
  #bits = new Uint8Array(FIRST_BYTES)
  /** Ids of records that were moved here, by the same positions; 0 for those whose id is their sequence. */
  #ids: Float64Array | undefined
  count = 0
  /** Their unsettled items. */
  items = 0
  /** ms since the epoch, not after the oldest of them was queued. */
  sinceMs = Number.POSITIVE_INFINITY

  constructor(firstSequence: number) {
    this.#firstSequence = firstSequence
  }

  has(sequence: number): boolean {
    const place = sequence - this.#firstSequence
    return ((this.#bits[place >>> 3] ?? 0) & (1 << (place & 7))) !== 0
  }

  add({ sequence, id, queuedAtMs }: { sequence: number; id: number; queuedAtMs: number }, items: number): void {
    const place = sequence - this.#firstSequence
    this.#makeRoom(place)
    this.#bits[place >>> 3] = (this.#bits[place >>> 3] as number) | (1 << (place & 7))
    if (id !== sequence) this.#keepId(place, id)
    this.count++
    this.items += items
    this.sinceMs = Math.min(this.sinceMs, queuedAtMs)
  }

  delete(sequence: number, items: number): void {
    const place = sequence - this.#firstSequence
    this.#bits[place >>> 3] = (this.#bits[place >>> 3] as number) & ~(1 << (place & 7))
    this.count--
    this.items -= items
    if (this.count === 0) this.sinceMs = Number.POSITIVE_INFINITY
  }

  /** Removes all records: they can no longer be read. */
  clear(): void {
    this.#bits = new Uint8Array(FIRST_BYTES)
    this.#ids = undefined
    this.count = 0
    this.items = 0
    this.sinceMs = Number.POSITIVE_INFINITY
  }

  /** Yields their ids as ranges of consecutive ids. */
  *ids(): Generator<IdRange> {
    if (this.count === 0) return
    let from = 0
    let to = -1
    for (let place = 0; place < this.#bits.length * 8; place++) {
      // Skip eight settled records at a time.
      if ((place & 7) === 0 && this.#bits[place >>> 3] === 0) {
        place += 7
        continue
      }
      const sequence = this.#firstSequence + place
      if (!this.has(sequence)) continue
      const moved = this.#ids?.[place] ?? 0
      const id = moved === 0 ? sequence : moved
      if (id === to + 1) to = id
      else {
        if (to >= from) yield [from, to]
        from = to = id
      }
    }
    if (to >= from) yield [from, to]
  }

  #makeRoom(place: number): void {
    if (place >>> 3 < this.#bits.length) return
    const bits = new Uint8Array(Math.max(2 * this.#bits.length, (place >>> 3) + 1))
    bits.set(this.#bits)
    this.#bits = bits
  }

  #keepId(place: number, id: number): void {
    if (this.#ids === undefined || place >= this.#ids.length) {
      const ids = new Float64Array(Math.max(8 * this.#bits.length, place + 1))
      if (this.#ids !== undefined) ids.set(this.#ids)
      this.#ids = ids
    }
    this.#ids[place] = id
  }
}
