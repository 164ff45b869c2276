import type { ByteBudget } from '../../../../component/byte-budget.ts'
import { freeBytes } from '../../../../wire/free-bytes.ts'
import { BATCH_OVERHEAD_BYTES, heldBytes, type ItemBatch } from '../../../contract/items.ts'
import type { DiskBatch } from '../segments/disk-batch.ts'
import { Later } from './read-batch.ts'

/** Maximum concurrent reads. */
const READS_AT_ONCE = 8
/** Maximum bytes read back and not sent yet: a put for each of some lanes, in addition to those in flight. */
const READ_BACK_BYTES = 24 * 1_048_576
/** Maximum bytes read ahead at paging in: as much as a window of small records has. */
const READ_AHEAD_BYTES = 12 * 1_048_576
/** Maximum share of the byte budget for each of the two. */
const BUDGET_SHARE = 1 / 4
/** Bytes the drain may hold if others use up the byte budget: a queue that cannot be drained would never free it. */
const DRAIN_BYTES = 4 * 1_048_576
/** Interval at which a batch to be read checks for room. */
const ROOM_CHECK_MS = 20
/** Number of started loads after which they are removed from the list. */
const LOADS_KEPT = 4_096
/** Maximum batches examined to find one to drop; those being sent stay. */
const MAX_LOOKED_AT = 32

/** @returns undefined if the batch can never be read */
export type ReadBatch = (batch: DiskBatch) => Promise<ItemBatch | Later | undefined>

interface Load {
  readonly batch: DiskBatch
  readonly ready: () => void
  /** True: wait while the disk cannot read the batch. */
  readonly patient: boolean
}

/**
 * The items of a queue on disk that are in memory. The newest batches stay in memory while there is room, so that a queue
 * that keeps up never reads the disk; the others are read on request, in order.
 */
export class Tail {
  readonly #budget: ByteBudget
  readonly #read: ReadBatch
  readonly #arrived: Held
  readonly #readBack: Held
  readonly #readAhead: Held
  /** Bytes of each batch that are reserved in the budget; the rest of the batch counts in `#beside`. */
  readonly #charged = new Map<DiskBatch, number>()
  /** Bytes held in addition to the budget, up to `DRAIN_BYTES`. */
  #beside = 0
  /** Loads before `#nextLoad` have started. */
  #loads: Load[] = []
  #nextLoad = 0
  readonly #reading = new Set<Promise<void>>()
  /** Timers of batches that the disk cannot read now. */
  readonly #putOffs = new Set<NodeJS.Timeout>()
  readonly #closed = new AbortController()

  /** @param memoryBytes maximum bytes of new batches that were not loaded yet */
  constructor(memoryBytes: number, budget: ByteBudget, read: ReadBatch) {
    this.#arrived = new Held(memoryBytes)
    this.#readBack = new Held(Math.min(READ_BACK_BYTES, budget.capacity * BUDGET_SHARE))
    this.#readAhead = new Held(Math.min(READ_AHEAD_BYTES, budget.capacity * BUDGET_SHARE))
    this.#budget = budget
    this.#read = read
  }

  /** Keeps a new batch, whose bytes are already reserved in the budget; drops older ones to make room. */
  keep(batch: DiskBatch, items: ItemBatch): void {
    batch.items = items
    this.#charged.set(batch, heldBytes(items))
    this.#arrived.add(batch, heldBytes(items))
    this.#trim(this.#arrived)
  }

  /** Bytes of small records that may be read ahead now. */
  get readAheadRoom(): number {
    const { used, capacity } = this.#budget
    return Math.min(this.#readAhead.mostBytes - this.#readAhead.bytes, capacity - used)
  }

  /** Keeps items that were read ahead, if there is room. */
  keepAhead(batch: DiskBatch, items: ItemBatch): void {
    const bytes = heldBytes(items)
    if (bytes > this.readAheadRoom || !this.#budget.reserve(bytes)) return
    batch.items = items
    this.#charged.set(batch, bytes)
    this.#readAhead.add(batch, bytes)
  }

  /** Drops the items of a batch from memory. */
  forget(batch: DiskBatch): void {
    const charged = this.#charged.get(batch)
    if (charged === undefined || batch.items === undefined) return
    const bytes = heldBytes(batch.items)
    this.#charged.delete(batch)
    this.#release(charged, bytes - charged)
    this.#arrived.delete(batch, bytes)
    this.#readBack.delete(batch, bytes)
    this.#readAhead.delete(batch, bytes)
    freeBytes(batch.items.bytes)
    batch.items = undefined
  }

  /**
   * Loads the items into memory, then calls `ready`; after `close`, never calls it.
   * @param patient false: calls `ready` without the items if the disk cannot read them now
   */
  load(batch: DiskBatch, ready: () => void, patient = true): void {
    if (batch.items !== undefined || batch.unsettled === 0) return ready()
    batch.uses++
    const done = () => {
      batch.uses--
      ready()
    }
    this.#loads.push({ batch, ready: done, patient })
    this.#next()
  }

  async close(): Promise<void> {
    this.#closed.abort()
    this.#loads = []
    this.#nextLoad = 0
    for (const timer of this.#putOffs) clearTimeout(timer)
    await Promise.all(this.#reading)
  }

  #next(): void {
    while (this.#reading.size < READS_AT_ONCE) {
      // In order, so that the batches of one lane are loaded together.
      const load = this.#loads[this.#nextLoad++]
      if (load === undefined) {
        this.#loads = []
        this.#nextLoad = 0
        return
      }
      if (this.#nextLoad >= LOADS_KEPT) {
        this.#loads = this.#loads.slice(this.#nextLoad)
        this.#nextLoad = 0
      }
      const reading = this.#bring(load.batch).then((later) => {
        this.#reading.delete(reading)
        if (this.#closed.signal.aborted) return
        const { batch, ready } = load
        if (later !== undefined && load.patient) this.#putOff(load, later)
        // Later reads may have dropped the batch again: load it again, because only damage may be reported as lost.
        else if (later === undefined && batch.items === undefined && batch.unsettled > 0 && !batch.quarantined)
          this.#loads.push(load)
        else ready()
        this.#next()
      })
      this.#reading.add(reading)
    }
  }

  /** Retries a load later; the other loads continue. */
  #putOff(load: Load, { afterMs }: Later): void {
    const timer = setTimeout(() => {
      this.#putOffs.delete(timer)
      this.#loads.push(load)
      this.#next()
    }, afterMs)
    this.#putOffs.add(timer)
  }

  async #bring(batch: DiskBatch): Promise<Later | undefined> {
    const room = batch.length + BATCH_OVERHEAD_BYTES
    const charged = await this.#charge(room)
    if (charged === undefined) return undefined
    const items = batch.items === undefined ? await this.#read(batch) : undefined
    if (items === undefined || items instanceof Later || batch.unsettled === 0 || batch.items !== undefined) {
      this.#release(charged, room - charged)
      return items instanceof Later ? items : undefined
    }
    const bytes = heldBytes(items)
    const kept = Math.min(charged, bytes)
    this.#release(charged - kept, room - charged - (bytes - kept))
    batch.items = items
    this.#charged.set(batch, kept)
    this.#readBack.add(batch, bytes)
    this.#trim(this.#readBack)
    return undefined
  }

  /** @returns bytes reserved in the budget: all or none; undefined if it was closed meanwhile */
  async #charge(bytes: number): Promise<number | undefined> {
    while (!this.#closed.signal.aborted) {
      if (this.#budget.reserve(bytes)) return bytes
      if (this.#beside === 0 || this.#beside + bytes <= DRAIN_BYTES) {
        this.#beside += bytes
        return 0
      }
      // Room is freed when puts end, and by dropping loaded batches that are not being sent.
      const idle = this.#arrived.oldestIdle() ?? this.#readAhead.oldestIdle() ?? this.#readBack.oldestIdle()
      if (idle === undefined) await new Promise((resolve) => setTimeout(resolve, ROOM_CHECK_MS))
      else this.forget(idle)
    }
    return undefined
  }

  #release(charged: number, beside: number): void {
    this.#budget.release(charged)
    this.#beside -= beside
  }

  #trim(held: Held): void {
    while (held.bytes > held.mostBytes) {
      const idle = held.oldestIdle()
      if (idle === undefined) return
      this.forget(idle)
    }
  }
}

/** Batches in memory, oldest first. */
class Held {
  readonly mostBytes: number
  readonly #batches = new Set<DiskBatch>()
  bytes = 0

  constructor(mostBytes: number) {
    this.mostBytes = mostBytes
  }

  add(batch: DiskBatch, bytes: number): void {
    this.#batches.add(batch)
    this.bytes += bytes
  }

  delete(batch: DiskBatch, bytes: number): void {
    if (this.#batches.delete(batch)) this.bytes -= bytes
  }

  /** Returns the oldest batch that is not being sent and not the newest. */
  oldestIdle(): DiskBatch | undefined {
    let looks = Math.min(MAX_LOOKED_AT, this.#batches.size - 1)
    for (const batch of this.#batches) {
      if (looks-- <= 0) return undefined
      if (batch.sending === 0) return batch
      // A batch being sent ends soon: move it back, so that it is not examined repeatedly.
      this.#batches.delete(batch)
      this.#batches.add(batch)
    }
    return undefined
  }
}
