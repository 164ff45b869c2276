import type { ByteBudget } from '../../../../component/byte-budget.ts'
import { freeBytes } from '../../../../wire/free-bytes.ts'
import { BATCH_OVERHEAD_BYTES, heldBytes, type ItemBatch } from '../../../contract/items.ts'
import type { DiskBatch } from '../segments/disk-batch.ts'
import { Later } from './read-batch.ts'

/** Batches that are read back at once. */
const READS_AT_ONCE = 8
/** Read back and not sent yet: a put's worth for some lanes, beside what is being sent. */
const READ_BACK_BYTES = 24 * 1_048_576
/** Read together with others as they were paged in: as much as a window of small records has. */
const READ_AHEAD_BYTES = 12 * 1_048_576
/** Of the byte budget, for each of the two. */
const BUDGET_SHARE = 1 / 4
/** What the drain may hold when the byte budget is used up by others: a queue that cannot be drained would never free it. */
const DRAIN_BYTES = 4 * 1_048_576
/** How often a batch that has to be read asks for room. */
const ROOM_CHECK_MS = 20
/** Loads that have begun are let go when they are so many. */
const LOADS_KEPT = 4_096
/** Batches looked at to find one that may go; those being sent may not. */
const MAX_LOOKED_AT = 32

/** @returns undefined if it cannot be read and never will be */
export type ReadBatch = (batch: DiskBatch) => Promise<ItemBatch | Later | undefined>

interface Load {
  readonly batch: DiskBatch
  readonly ready: () => void
  /** Whether it is worth waiting for while the disk does not read it. */
  readonly patient: boolean
}

/**
 * Which batches of a queue on disk are in memory. Those that came last stay there while there is room, so that a queue
 * that keeps up never reads the disk; the others are read when their turn comes, in the order they are asked for.
 */
export class Tail {
  readonly #budget: ByteBudget
  readonly #read: ReadBatch
  readonly #arrived: Held
  readonly #readBack: Held
  readonly #readAhead: Held
  /** What each batch took of the byte budget; the rest of it was taken beside the budget. */
  readonly #charged = new Map<DiskBatch, number>()
  #beside = 0
  /** Those before `#nextLoad` have begun. */
  #loads: Load[] = []
  #nextLoad = 0
  readonly #reading = new Set<Promise<void>>()
  /** Of batches that the disk does not read now. */
  readonly #putOffs = new Set<NodeJS.Timeout>()
  readonly #closed = new AbortController()

  /** @param memoryBytes of batches that nobody has asked for yet */
  constructor(memoryBytes: number, budget: ByteBudget, read: ReadBatch) {
    this.#arrived = new Held(memoryBytes)
    this.#readBack = new Held(Math.min(READ_BACK_BYTES, budget.capacity * BUDGET_SHARE))
    this.#readAhead = new Held(Math.min(READ_AHEAD_BYTES, budget.capacity * BUDGET_SHARE))
    this.#budget = budget
    this.#read = read
  }

  /** Keeps a new batch, whose bytes are taken from the budget already; older ones make room. */
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

  /** Keeps what was read ahead, if there is room. */
  keepAhead(batch: DiskBatch, items: ItemBatch): void {
    const bytes = heldBytes(items)
    if (bytes > this.readAheadRoom || !this.#budget.reserve(bytes)) return
    batch.items = items
    this.#charged.set(batch, bytes)
    this.#readAhead.add(batch, bytes)
  }

  /** Its items are not needed in memory. */
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
   * Has the items in memory, then calls `ready`; not at all once it is closed.
   * @param patient false: called without them too, if the disk does not read them now
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
      // One after the other, so that what one lane asked for comes together.
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
        // Others that were read meanwhile may have pushed it out again: nothing but damage is ever told as lost.
        else if (later === undefined && batch.items === undefined && batch.unsettled > 0 && !batch.quarantined)
          this.#loads.push(load)
        else ready()
        this.#next()
      })
      this.#reading.add(reading)
    }
  }

  /** Meanwhile the others are read. */
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

  /** @returns how much of it is taken from the budget: all or nothing; undefined if it was closed meanwhile */
  async #charge(bytes: number): Promise<number | undefined> {
    while (!this.#closed.signal.aborted) {
      if (this.#budget.reserve(bytes)) return bytes
      if (this.#beside === 0 || this.#beside + bytes <= DRAIN_BYTES) {
        this.#beside += bytes
        return 0
      }
      // Room comes back as puts are answered, and from batches that were read and then not sent.
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

/** Batches in memory, the oldest first. */
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

  /** One that is not being sent, and not the newest. */
  oldestIdle(): DiskBatch | undefined {
    let looks = Math.min(MAX_LOOKED_AT, this.#batches.size - 1)
    for (const batch of this.#batches) {
      if (looks-- <= 0) return undefined
      if (batch.sending === 0) return batch
      // What is being sent comes to its end soon; it is not looked at again and again.
      this.#batches.delete(batch)
      this.#batches.add(batch)
    }
    return undefined
  }
}
