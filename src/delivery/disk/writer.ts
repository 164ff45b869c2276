import type { ItemBatch } from '../items.ts'
import { encodeRecord, RECORD_HEADER_BYTES } from './format.ts'
import { Segment } from './segment.ts'

/** One commit writes at most so much: a bound on what a crash can leave half written, and on writev's 1,024 parts. */
const GROUP_BYTES = 4 * 1_048_576
const GROUP_RECORDS = 300

/** Records that go to disk together with others, and are all there or not at all as far as anyone is told. */
export interface WriteRequest {
  readonly records: readonly { readonly lane: string; readonly queuedAtMs: number; readonly items: ItemBatch }[]
  /** Where the records stand, in their order, once they are synced; or why they are not. */
  written(places: readonly Place[] | WriteFailure): void
}

export interface Place {
  readonly segment: Segment
  readonly sequence: number
  readonly offset: number
  /** Header included. */
  readonly length: number
}

export interface WriteFailure {
  readonly kind: 'failed'
  readonly error: NodeJS.ErrnoException
}

export interface WriterOptions {
  readonly directory: string
  readonly segmentBytes: number
  readonly sync: boolean
  /** A segment was begun, or one is full. */
  opened(segment: Segment): void
  sealed(segment: Segment): void
}

/**
 * The one writer of a queue. While a sync is under way, what comes collects; the next commit takes it together. After any
 * failure the segment is left: a file whose sync failed once is never trusted again, whatever a second sync says.
 */
export class Writer {
  readonly #options: WriterOptions
  #waiting: WriteRequest[] = []
  #running: Promise<void> | undefined
  #segment: Segment | undefined
  #nextSequence = 1
  #nextNumber = 1
  commits = 0

  constructor(options: WriterOptions) {
    this.#options = options
  }

  /** Numbers go on behind those that were found. */
  continueAfter(sequence: number, segment: number): void {
    this.#nextSequence = sequence + 1
    this.#nextNumber = segment + 1
  }

  write(request: WriteRequest): void {
    this.#waiting.push(request)
    this.#running ??= this.#run()
  }

  get current(): Segment | undefined {
    return this.#segment
  }

  /** Resolves when nothing is being written; then seals. */
  async close(): Promise<void> {
    await this.#running
    const segment = this.#segment
    this.#segment = undefined
    await segment?.seal(this.#options.sync)
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#take()
      const outcome = await this.#commit(group)
      // Callbacks may bring new requests: they join the next turn of this loop.
      let next = 0
      for (const request of group) {
        if ('kind' in outcome) request.written(outcome)
        else request.written(outcome.slice(next, (next += request.records.length)))
      }
    }
    this.#running = undefined
  }

  #take(): WriteRequest[] {
    let bytes = 0
    let records = 0
    let count = 0
    for (const request of this.#waiting) {
      if (count > 0 && (bytes > GROUP_BYTES || records + request.records.length > GROUP_RECORDS)) break
      for (const { items } of request.records) bytes += items.bytes.length
      records += request.records.length
      count++
    }
    return this.#waiting.splice(0, count)
  }

  async #commit(group: readonly WriteRequest[]): Promise<Place[] | WriteFailure> {
    try {
      const segment = await this.#openSegment()
      const places: Place[] = []
      const parts: Buffer[] = []
      let offset = segment.bytes
      for (const { records } of group) {
        for (const { lane, queuedAtMs, items } of records) {
          const sequence = this.#nextSequence++
          const record = encodeRecord(segment.salt, sequence, lane, queuedAtMs, items)
          const length = RECORD_HEADER_BYTES + (record[0]?.readUInt32LE(0) ?? 0)
          parts.push(...record)
          places.push({ segment, sequence, offset, length })
          offset += length
        }
      }
      await segment.append(parts, this.#options.sync)
      this.commits++
      return places
    } catch (error) {
      const failed = this.#segment
      this.#segment = undefined
      if (failed !== undefined) {
        await failed.abandon()
        this.#options.sealed(failed)
      }
      return { kind: 'failed', error: error as NodeJS.ErrnoException }
    }
  }

  async #openSegment(): Promise<Segment> {
    const current = this.#segment
    if (current !== undefined && current.bytes < this.#options.segmentBytes) return current
    if (current !== undefined) {
      this.#segment = undefined
      await current.seal(this.#options.sync)
      this.#options.sealed(current)
    }
    const segment = await Segment.create(this.#options.directory, this.#nextNumber++, this.#options.sync)
    this.#segment = segment
    this.#options.opened(segment)
    return segment
  }
}
