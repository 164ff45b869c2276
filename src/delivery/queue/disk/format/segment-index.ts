// The index of a segment's records, in rows of numbers: a segment of small records has 50,000 of them, and an object for each
// would cost more heap than a small pod has.
//
//   rows   sequence id offset length lane queuedAt items counted  sequence …      eight doubles per record
//   lanes  keys with owners, once each

/** The lane of a record, and whose items it has. */
export interface RecordLane {
  readonly lane: string
  /** The daemon's own items. */
  readonly own: boolean
}

/** The index entry of one record, so that the records of a sealed segment need not be read at start. */
export interface IndexEntry extends RecordLane {
  readonly sequence: number
  readonly id: number
  readonly offset: number
  /** Length of the record, including its header. */
  readonly length: number
  readonly queuedAtMs: number
  readonly items: number
  readonly countedBytes: number
}

const FIELDS = 8
const FIRST_ROWS = 64

export class SegmentIndex {
  #rows = new Float64Array(FIELDS * FIRST_ROWS)
  readonly #lanes: RecordLane[] = []
  readonly #laneNumbers = new Map<string, number>()
  readonly #ownNumbers = new Map<string, number>()
  count = 0

  /** Creates an index of these records, in their order. */
  static of(entries: Iterable<IndexEntry>): SegmentIndex {
    const index = new SegmentIndex()
    for (const entry of entries) index.push(entry)
    return index
  }

  /** The lanes of its records, each once. */
  get lanes(): readonly RecordLane[] {
    return this.#lanes
  }

  push({ sequence, id, offset, length, lane, own, queuedAtMs, items, countedBytes }: IndexEntry): void {
    const at = this.count++ * FIELDS
    if (at === this.#rows.length) {
      const grown = new Float64Array(2 * at)
      grown.set(this.#rows)
      this.#rows = grown
    }
    const rows = this.#rows
    rows[at] = sequence
    rows[at + 1] = id
    rows[at + 2] = offset
    rows[at + 3] = length
    rows[at + 4] = this.#laneNumber(lane, own)
    rows[at + 5] = queuedAtMs
    rows[at + 6] = items
    rows[at + 7] = countedBytes
  }

  sequenceAt(row: number): number {
    return this.#field(row, 0)
  }

  idAt(row: number): number {
    return this.#field(row, 1)
  }

  laneAt(row: number): string {
    return this.#lanes[this.laneNumberAt(row)]?.lane ?? ''
  }

  /** Returns the index of the row's lane in `lanes`. */
  laneNumberAt(row: number): number {
    return this.#field(row, 4)
  }

  at(row: number): IndexEntry {
    return {
      sequence: this.#field(row, 0),
      id: this.#field(row, 1),
      offset: this.#field(row, 2),
      length: this.#field(row, 3),
      lane: this.laneAt(row),
      own: this.#lanes[this.laneNumberAt(row)]?.own === true,
      queuedAtMs: this.#field(row, 5),
      items: this.#field(row, 6),
      countedBytes: this.#field(row, 7),
    }
  }

  *[Symbol.iterator](): Generator<IndexEntry> {
    for (let row = 0; row < this.count; row++) yield this.at(row)
  }

  #field(row: number, field: number): number {
    return this.#rows[row * FIELDS + field] as number
  }

  #laneNumber(lane: string, own: boolean): number {
    const numbers = own ? this.#ownNumbers : this.#laneNumbers
    const known = numbers.get(lane)
    if (known !== undefined) return known
    numbers.set(lane, this.#lanes.length)
    return this.#lanes.push({ lane, own }) - 1
  }
}
