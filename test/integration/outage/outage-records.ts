// The fate of millions of records, from the acknowledgement to the arrival.

/** Bits of one record. */
const ACKNOWLEDGED = 1
const REFUSED = 2
const LATE = 4

/** The fate of each record by its id, in a few bytes: a run has millions. */
export class RecordFates {
  #bits = new Uint8Array(1 << 20)
  #arrivals = new Uint8Array(1 << 20)
  issued = 0

  next(late: boolean): number {
    const id = this.issued++
    if (id >= this.#bits.length) {
      this.#bits = grown(this.#bits)
      this.#arrivals = grown(this.#arrivals)
    }
    this.#bits[id] = late ? LATE : 0
    return id
  }

  acknowledge(id: number): void {
    this.#bits[id] = (this.#bits[id] ?? 0) | ACKNOWLEDGED
  }

  refuse(id: number): void {
    this.#bits[id] = (this.#bits[id] ?? 0) | REFUSED
  }

  arrive(id: number): void {
    this.#arrivals[id] = Math.min(255, (this.#arrivals[id] ?? 0) + 1)
  }

  /** Counts of acknowledged and refused records by what came of them. */
  audit(): Audit {
    const audit = { expected: 0, missing: 0, duplicates: 0, refusedAndDelivered: 0, late: 0, lateDelivered: 0 }
    for (let id = 0; id < this.issued; id++) {
      const bits = this.#bits[id] ?? 0
      const arrivals = this.#arrivals[id] ?? 0
      audit.duplicates += Math.max(0, arrivals - 1)
      if ((bits & REFUSED) !== 0 && arrivals > 0) audit.refusedAndDelivered++
      if ((bits & ACKNOWLEDGED) === 0) continue
      if ((bits & LATE) !== 0) {
        audit.late++
        if (arrivals > 0) audit.lateDelivered++
        continue
      }
      audit.expected++
      if (arrivals === 0) audit.missing++
    }
    return audit
  }
}

export interface Audit {
  /** Acknowledged records that CloudWatch takes. */
  readonly expected: number
  /** Of those, the ones that never came. */
  readonly missing: number
  readonly duplicates: number
  /** The sender sends these again, so each is a duplicate in the making. */
  readonly refusedAndDelivered: number
  /** Acknowledged records that CloudWatch would not take for their age. */
  readonly late: number
  readonly lateDelivered: number
}

function grown(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(bytes.length * 2)
  larger.set(bytes)
  return larger
}
