import type { ByteBudget } from '../../../component/byte-budget.ts'

// Remembered keys in flat memory: a ring of entries in the order of their arrival, and a hash index over it. A Map of a
// million keys would take 100 MB of heap; this takes 32 MiB outside of it.
//
//   entry = 10 bytes of the key's hash, 8 bytes of the request's hash, 4 bytes of time, 2 bytes of rejected records

export const KEY_BYTES = 10
const REQUEST_BYTES = 8
const SECONDS_AT = KEY_BYTES + REQUEST_BYTES
const REJECTED_AT = SECONDS_AT + 4
export const ENTRY_BYTES = REJECTED_AT + 2

/** Maximum rejected records that an entry can hold. */
const MAX_REJECTED = 0xffff

/** Bytes of the index: two places of four bytes for each entry, so that a search ends after a few steps. */
const INDEX_BYTES = 8
export const BYTES_PER_KEY = ENTRY_BYTES + INDEX_BYTES
const FIRST_CAPACITY = 1_024
const EMPTY = -1

/** @param key at least KEY_BYTES of a hash @param request at least REQUEST_BYTES of a hash */
export function entryOf(key: Buffer, request: Buffer, seconds: number, rejected: number): Buffer {
  const entry = Buffer.allocUnsafeSlow(ENTRY_BYTES)
  key.copy(entry, 0, 0, KEY_BYTES)
  request.copy(entry, KEY_BYTES, 0, REQUEST_BYTES)
  entry.writeUInt32LE(seconds >>> 0, SECONDS_AT)
  entry.writeUInt16LE(Math.min(rejected, MAX_REJECTED), REJECTED_AT)
  return entry
}

export function secondsOf(entry: Buffer): number {
  return entry.readUInt32LE(SECONDS_AT)
}

export function rejectedOf(entry: Buffer): number {
  return entry.readUInt16LE(REJECTED_AT)
}

/** Whether two entries are of the same request. */
export function sameRequest(entry: Buffer, other: Buffer): boolean {
  return entry.compare(other, KEY_BYTES, SECONDS_AT, KEY_BYTES, SECONDS_AT) === 0
}

export class KeyTable {
  readonly #budget: ByteBudget
  readonly #maxKeys: number
  #capacity = 0
  #ring = Buffer.alloc(0)
  #index = new Int32Array(0)
  /** Place of the oldest entry. */
  #head = 0
  #count = 0
  /** Entries removed before their time, for the sake of newer ones. */
  evicted = 0

  /** @param maxKeys a power of two times 1,024 is used best */
  constructor(budget: ByteBudget, maxKeys: number) {
    this.#budget = budget
    this.#maxKeys = maxKeys
  }

  get size(): number {
    return this.#count
  }

  /** @returns a copy of the entry with this key */
  find(key: Buffer): Buffer | undefined {
    const place = this.#search(key)
    return place === EMPTY ? undefined : Buffer.from(this.#entry(place))
  }

  /** Adds an entry; replaces one with the same key. The oldest one makes room if there is none. */
  add(entry: Buffer): void {
    const known = this.#search(entry)
    if (known !== EMPTY) {
      entry.copy(this.#ring, known * ENTRY_BYTES)
      return
    }
    if (this.#count === this.#capacity && !this.#grow()) {
      if (this.#count === 0) return
      this.#removeOldest()
      this.evicted++
    }
    const place = (this.#head + this.#count) % this.#capacity
    entry.copy(this.#ring, place * ENTRY_BYTES)
    this.#count++
    this.#insert(place)
  }

  /** Removes entries from before a time, oldest first. */
  expire(seconds: number): void {
    while (this.#count > 0 && secondsOf(this.#entry(this.#head)) < seconds) this.#removeOldest()
  }

  /** Gives the memory back. */
  close(): void {
    this.#budget.release(this.#capacity * BYTES_PER_KEY)
    this.#capacity = this.#count = this.#head = 0
    this.#ring = Buffer.alloc(0)
    this.#index = new Int32Array(0)
  }

  #entry(place: number): Buffer {
    return this.#ring.subarray(place * ENTRY_BYTES, (place + 1) * ENTRY_BYTES)
  }

  #grow(): boolean {
    const capacity = Math.min(this.#maxKeys, Math.max(FIRST_CAPACITY, this.#capacity * 2))
    if (capacity <= this.#capacity || !this.#budget.reserve(capacity * BYTES_PER_KEY)) return false
    const ring = Buffer.allocUnsafeSlow(capacity * ENTRY_BYTES)
    const toEnd = Math.min(this.#count, this.#capacity - this.#head)
    this.#ring.copy(ring, 0, this.#head * ENTRY_BYTES, (this.#head + toEnd) * ENTRY_BYTES)
    this.#ring.copy(ring, toEnd * ENTRY_BYTES, 0, (this.#count - toEnd) * ENTRY_BYTES)
    this.#budget.release(this.#capacity * BYTES_PER_KEY)
    this.#ring = ring
    this.#head = 0
    this.#capacity = capacity
    this.#index = new Int32Array(capacity * 2).fill(EMPTY)
    for (let place = 0; place < this.#count; place++) this.#insert(place)
    return true
  }

  /** Hashes are uniform, so the first bytes of the key are its place. */
  #slotOf(bytes: Buffer): number {
    return bytes.readUInt32LE(0) % this.#index.length
  }

  #search(key: Buffer): number {
    if (this.#count === 0) return EMPTY
    for (let slot = this.#slotOf(key); ; slot = (slot + 1) % this.#index.length) {
      const place = this.#index[slot] as number
      if (place === EMPTY) return EMPTY
      const start = place * ENTRY_BYTES
      if (this.#ring.compare(key, 0, KEY_BYTES, start, start + KEY_BYTES) === 0) return place
    }
  }

  #insert(place: number): void {
    let slot = this.#slotOf(this.#entry(place))
    while (this.#index[slot] !== EMPTY) slot = (slot + 1) % this.#index.length
    this.#index[slot] = place
  }

  /** Moves later entries of the run into the gap, as linear probing needs (Knuth, 6.4, algorithm R). */
  #removeOldest(): void {
    const index = this.#index
    let gap = this.#slotOf(this.#entry(this.#head))
    while (index[gap] !== this.#head) gap = (gap + 1) % index.length
    for (let slot = (gap + 1) % index.length; index[slot] !== EMPTY; slot = (slot + 1) % index.length) {
      const wanted = this.#slotOf(this.#entry(index[slot] as number))
      const isBetween = gap <= slot ? gap < wanted && wanted <= slot : gap < wanted || wanted <= slot
      if (isBetween) continue
      index[gap] = index[slot] as number
      gap = slot
    }
    index[gap] = EMPTY
    this.#head = (this.#head + 1) % this.#capacity
    this.#count--
  }
}
