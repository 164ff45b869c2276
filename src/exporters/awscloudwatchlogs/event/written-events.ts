// Hot path; bench: test/bench/transcode.ts
//
// The events of one request, written back to back into one buffer, with the end, time, counted bytes, lane and record of each,
// in columns of numbers that grow and are reused. At the end each lane gets its own exact buffer.

import { INDEX_FIELDS } from '../../../delivery/contract/items.ts'
import type { DeliveryItems } from '../../../delivery/contract/lane-items.ts'
import type { Destination } from '../route/destination.ts'
import type { RoutedTo } from '../route/route.ts'

/** The events of one request for one destination. */
export interface RoutedItems extends DeliveryItems<Destination> {
  /** The place in the request of each item's record. */
  readonly records: Uint32Array
}

const FIRST_EVENTS = 1024

export class WrittenEvents {
  #count = 0
  #ends = new Float64Array(FIRST_EVENTS)
  #timestamps = new Float64Array(FIRST_EVENTS)
  #counted = new Float64Array(FIRST_EVENTS)
  #lanes = new Uint32Array(FIRST_EVENTS)
  #records = new Uint32Array(FIRST_EVENTS)

  clear(): void {
    this.#count = 0
  }

  /** @param end offset in the buffer; the event begins at the end of the one before */
  add(end: number, timestamp: number, counted: number, lane: number, record: number): void {
    const at = this.#count++
    if (at === this.#ends.length) this.#grow()
    this.#ends[at] = end
    this.#timestamps[at] = timestamp
    this.#counted[at] = counted
    this.#lanes[at] = lane
    this.#records[at] = record
  }

  #grow(): void {
    const size = this.#ends.length * 2
    const grown = <T extends Float64Array | Uint32Array>(from: T, to: T): T => {
      to.set(from)
      return to
    }
    this.#ends = grown(this.#ends, new Float64Array(size))
    this.#timestamps = grown(this.#timestamps, new Float64Array(size))
    this.#counted = grown(this.#counted, new Float64Array(size))
    this.#lanes = grown(this.#lanes, new Uint32Array(size))
    this.#records = grown(this.#records, new Uint32Array(size))
  }

  /**
   * Copies the events out, in the order of the request; lanes are places in `destinations`. Takes two passes over the events
   * for any number of lanes, since a client chooses that number.
   */
  routed(text: Buffer, destinations: readonly RoutedTo[]): RoutedItems[] {
    const events = new Uint32Array(destinations.length)
    const sizes = new Float64Array(destinations.length)
    let start = 0
    for (let i = 0; i < this.#count; i++) {
      const lane = this.#lanes[i] as number
      const end = this.#ends[i] as number
      events[lane] = (events[lane] as number) + 1
      sizes[lane] = (sizes[lane] as number) + end - start
      start = end
    }
    const parts = destinations.map((_, lane) => new Part(events[lane] as number, sizes[lane] as number))
    start = 0
    for (let i = 0; i < this.#count; i++) {
      const end = this.#ends[i] as number
      const part = parts[this.#lanes[i] as number] as Part
      // Most requests have one lane, which is copied at once below.
      if (parts.length > 1) text.copy(part.bytes, part.written, start, end)
      part.add(end - start, this.#timestamps[i] as number, this.#counted[i] as number, this.#records[i] as number)
      start = end
    }
    if (parts.length === 1) text.copy((parts[0] as Part).bytes, 0, 0, start)
    const routed: RoutedItems[] = []
    for (const [place, { count, bytes, index, records }] of parts.entries()) {
      if (count === 0) continue
      const { destination, dead, entity } = destinations[place] as RoutedTo
      routed.push({
        lane: destination.key,
        destination,
        dead,
        items: { kind: 1, count, bytes, index, tag: entity },
        records,
      })
    }
    return routed
  }
}

/** One lane's events while they are being copied out. */
class Part {
  readonly bytes: Buffer
  readonly index: Float64Array
  readonly records: Uint32Array
  count = 0
  written = 0

  constructor(events: number, size: number) {
    this.bytes = Buffer.allocUnsafeSlow(size)
    this.index = new Float64Array(events * INDEX_FIELDS)
    this.records = new Uint32Array(events)
  }

  add(size: number, timestamp: number, counted: number, record: number): void {
    this.written += size
    const at = this.count * INDEX_FIELDS
    this.index[at] = this.written
    this.index[at + 1] = timestamp
    this.index[at + 2] = counted
    this.records[this.count++] = record
  }
}
