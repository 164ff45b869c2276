// Dead letters: events that the destination will never take, kept on disk for people in a queue that is not drained. Each
// letter is one run of items with one reason; the lane field of its record holds the letter's own data.

import { randomBytes } from 'node:crypto'
import type { ByteBudget } from '../../component/byte-budget.ts'
import type { Retry } from '../../accounting/outcome.ts'
import type { Logger } from '../../telemetry/logger.ts'
import { DiskQueue } from '../queue/disk/disk-queue.ts'
import { recordBytes } from '../queue/disk/format/format.ts'
import { cutOut, type ItemBatch } from '../contract/items.ts'
import type { LaneItems } from '../contract/lane-items.ts'
import type { QueuedBatch, Queue, QueueReservation, RecoveredBatch } from '../contract/queue.ts'
import type { DeadItems, Kept } from './unwanted.ts'

export interface DeadLetter {
  /** Stays the same after restarts, and in the store of another process. */
  readonly id: string
  /** Lane key of its items. */
  readonly lane: string
  /** From the fixed lists of reasons. */
  readonly reason: string
  /** Error message of the destination; empty if nothing was sent. */
  readonly error: string
  /** Wall clock, ms. */
  readonly diedAtMs: number
  readonly items: number
}

export interface LetterFilter {
  readonly id?: string
  readonly reason?: string
  /** Matches the beginning of the lane's key: the group, or group and stream. */
  readonly lane?: string
  readonly sinceMs?: number
}

export const GONE = Symbol('gone')

/** Called with letters that were deleted to make room. */
export type OnEvicted = (letter: DeadLetter) => void

interface Held {
  readonly letter: DeadLetter
  readonly batch: QueuedBatch
}

/** Segments of letters are small, because space is freed by whole segments. */
const SEGMENT_SHARE = 1 / 16
const MAX_SEGMENT_BYTES = 4 * 1_048_576
/** Maximum letters in memory; the others are read from disk on request. */
const MAX_IN_MEMORY = 100_000
/** Minimum letters in memory, however little heap there is. */
const MIN_IN_MEMORY = 100
/** Heap of a letter and its record on disk, measured with 16,777 of them. */
const LETTER_HEAP_BYTES = 1_000
/**
 * Heap for letters, as a share of the heap for waiting records and in addition to it. Letters stay until they are replayed:
 * charged to the same heap, they would leave no room for waiting records.
 */
const HEAP_SHARE = 1 / 2
/** Maximum share of the store for one letter. */
const MAX_STORE_SHARE = 1 / 2

export interface DeadLettersOptions {
  readonly directory: string
  readonly capacityBytes: number
  readonly fsync: boolean
}

/** Opens a store of dead letters on disk. Its owner counts the letters, so the queue below has no counters. */
export function openDeadLetters(
  options: DeadLettersOptions,
  onEvicted: OnEvicted,
  fatal: (error: Error) => void,
  budget: ByteBudget,
  logger: Logger,
): DeadLetters {
  const segmentBytes = Math.min(MAX_SEGMENT_BYTES, options.capacityBytes * SEGMENT_SHARE)
  const lost = (items: number) => {
    letters.lostItems = items
  }
  const owner = { counters: () => ({}), restore() {}, lost, fatal }
  const fit = Math.floor((budget.heapCapacity * HEAP_SHARE) / LETTER_HEAP_BYTES)
  const window = Math.max(MIN_IN_MEMORY, Math.min(MAX_IN_MEMORY, fit))
  const queueOptions = { ...options, segmentBytes, memoryBytes: 0, bound: undefined, ofReserve: true, window }
  const letters = new DeadLetters(new DiskQueue(queueOptions, owner, budget, logger), onEvicted)
  return letters
}

export class DeadLetters {
  readonly #queue: Queue
  readonly #onEvicted: OnEvicted
  /** Letters in memory, oldest first: later ones wait on disk until there is room. */
  readonly #held = new Map<string, Held>()
  /** Ids of letters that are being moved. */
  readonly #moving = new Set<string>()
  #listings = 0
  /** Items of letters that were missing at `open`. */
  lostItems = 0

  constructor(queue: Queue, onEvicted: OnEvicted) {
    this.#queue = queue
    this.#onEvicted = onEvicted
  }

  get count(): number {
    return this.#held.size + this.#queue.pagedOut.records
  }

  /** Number of items of all letters. */
  get items(): number {
    let { items } = this.#queue.pagedOut
    for (const { letter } of this.#held.values()) items += letter.items
    return items
  }

  get usedBytes(): number {
    return this.#queue.usedBytes
  }

  /** Recovers the letters of earlier processes. */
  async open(): Promise<void> {
    const reader = {
      // Prevents a later letter from being in memory before an earlier one.
      keeps: () => this.#queue.pagedOut.records === 0,
      // A listing would miss letters that are paged in after it passed them.
      wants: () => this.#listings === 0,
      take: (found: readonly RecoveredBatch[]) => this.#hold(found),
      lost: (items: number) => this.#onEvicted({ ...UNREADABLE, items }),
    }
    this.#hold(await this.#queue.recover(reader))
  }

  #hold(found: readonly RecoveredBatch[]): void {
    for (const { lane, batch } of found) {
      const letter = letterOf(lane, batch)
      this.#held.set(letter.id, { letter, batch })
    }
  }

  /** Stores a run of a lane as a letter. Deletes the oldest letters if there is no room. */
  async put({ lane, run, reason, error }: DeadItems): Promise<Kept> {
    if (run.batch.items === undefined) return 'never'
    const items = cutOut(run.batch.items, run.from, run.to)
    const diedAtMs = Date.now()
    const letter = { id: newId(diedAtMs), lane, reason, error, diedAtMs, items: items.count }
    const batch = batchOf(letter, items)
    const bytes = recordBytes(batch)
    // A letter this large would evict most of the others, and might not fit even then.
    if (bytes > this.#queue.capacityBytes * MAX_STORE_SHARE) return 'never'
    let reserved = this.#queue.reserve([batch])
    while (
      reserved.kind === 'retry' &&
      reserved.cause === 'storage_full' &&
      this.#overBound(bytes) &&
      this.#evictOldest()
    )
      reserved = this.#queue.reserve([batch])
    if (reserved.kind === 'retry') return 'later'
    return (await this.#keep(letter, reserved)) === undefined ? 'kept' : 'later'
  }

  /**
   * Stores a letter of another store unchanged. Deletes none to make room for it.
   * @returns undefined once it is on disk; else why it could not be stored
   */
  async adopt(letter: DeadLetter, items: ItemBatch): Promise<Retry | undefined> {
    // Before ids were random, letters of two processes could have the same id.
    const kept = this.#held.has(letter.id) ? { ...letter, id: newId(letter.diedAtMs) } : letter
    const reserved = this.#queue.reserve([batchOf(kept, items)])
    return reserved.kind === 'retry' ? reserved : this.#keep(kept, reserved)
  }

  /** Returns true if this letter is stored here, and not another one with the same id. */
  has(letter: DeadLetter): boolean {
    const held = this.#held.get(letter.id)
    return held !== undefined && held.letter.items === letter.items && factsOf(held.letter) === factsOf(letter)
  }

  /** Yields letters, oldest first. The current letter can be read and moved, also if it is only on disk. */
  async *list(filter: LetterFilter): AsyncGenerator<DeadLetter> {
    this.#listings++
    try {
      yield* this.#list(filter)
    } finally {
      this.#listings--
    }
  }

  async *#list(filter: LetterFilter): AsyncGenerator<DeadLetter> {
    const inMemory = [...this.#held.values()]
      .map(({ letter }) => letter)
      .filter((letter) => matches(letter, filter))
      .sort((a, b) => a.diedAtMs - b.diedAtMs)
    yield* inMemory
    for await (const { lane, batch } of this.#queue.pagedOut.scan()) {
      const letter = letterOf(lane, batch)
      if (!matches(letter, filter)) continue
      this.#held.set(letter.id, { letter, batch })
      yield letter
      // Page it out again, unless it is being moved.
      if (batch.unsettled > 0 && this.#queue.pagedOut.pageOut(batch)) this.#held.delete(letter.id)
    }
  }

  /** Returns a copy of the items of a letter; undefined if the id is unknown or the letter cannot be read. */
  async read(id: string): Promise<ItemBatch | undefined> {
    const batch = this.#held.get(id)?.batch
    if (batch === undefined) return undefined
    return new Promise((resolve) => {
      // A copy: the queue frees its items as soon as it needs the memory.
      this.#queue.load(batch, () => resolve(batch.items && cutOut(batch.items, 0, batch.items.count)))
    })
  }

  /**
   * Puts a letter's items elsewhere and then removes the letter. Meanwhile it cannot be moved again or evicted.
   * @param put resolves with undefined, or with the reason for a failure: then the letter stays
   * @returns the same; GONE if the letter no longer exists, cannot be read, or is being moved already
   */
  async move<Refusal>(id: string, put: (items: ItemBatch) => Promise<Refusal>): Promise<Refusal | typeof GONE> {
    if (this.#moving.has(id)) return GONE
    this.#moving.add(id)
    const batch = this.#held.get(id)?.batch
    // Keeps the batch in memory.
    if (batch !== undefined) batch.sending++
    try {
      const items = await this.read(id)
      if (items === undefined) return GONE
      const refusal = await put(items)
      if (refusal === undefined) this.remove(id)
      return refusal
    } finally {
      this.#moving.delete(id)
      if (batch !== undefined) batch.sending--
    }
  }

  /** Removes a letter whose items are stored elsewhere. */
  remove(id: string): void {
    const held = this.#held.get(id)
    if (held === undefined) return
    this.#held.delete(id)
    this.#queue.settle(held.batch, 0, held.batch.unsettled)
  }

  close(): Promise<void> {
    return this.#queue.close()
  }

  /** @returns undefined once the letter is on disk; else why it could not be stored */
  #keep(letter: DeadLetter, reserved: QueueReservation): Promise<Retry | undefined> {
    return new Promise((resolve) => {
      reserved.commit((stored) => {
        if ('kind' in stored) return resolve(stored)
        for (const batch of stored) if (!batch.pagedOut) this.#held.set(letter.id, { letter, batch })
        resolve(undefined)
      }, true)
    })
  }

  /** Returns true if the store's own bound is exceeded. Only then are letters evicted: a full volume would cost all of them. */
  #overBound(bytes: number): boolean {
    return this.#queue.usedBytes + bytes > this.#queue.capacityBytes
  }

  #evictOldest(): boolean {
    for (const { letter } of this.#held.values()) {
      if (this.#moving.has(letter.id)) continue
      this.remove(letter.id)
      this.#onEvicted(letter)
      return true
    }
    return false
  }
}

/** Placeholder for letters whose file can no longer be read. */
const UNREADABLE = { id: '', lane: '', reason: '', error: '', diedAtMs: 0 }

/** @param facts the content of the lane field */
function letterOf(facts: string, { unsettled }: QueuedBatch): DeadLetter {
  return { ...(JSON.parse(facts) as Omit<DeadLetter, 'items'>), items: unsettled }
}

/** Returns an id that is unique among all processes. */
function newId(diedAtMs: number): string {
  return `${diedAtMs.toString(36)}-${randomBytes(6).toString('hex')}`
}

function factsOf({ id, lane, reason, error, diedAtMs }: DeadLetter): string {
  return JSON.stringify({ id, lane, reason, error, diedAtMs })
}

function batchOf(letter: DeadLetter, items: ItemBatch): LaneItems {
  return { lane: factsOf(letter), items }
}

function matches(letter: DeadLetter, { id, reason, lane, sinceMs }: LetterFilter): boolean {
  return (
    (id === undefined || letter.id === id) &&
    (reason === undefined || letter.reason === reason) &&
    (lane === undefined || letter.lane === lane || letter.lane.startsWith(`${lane}:`)) &&
    (sinceMs === undefined || letter.diedAtMs >= sinceMs)
  )
}
