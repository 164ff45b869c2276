// What the destination will never take, kept on disk for people: a queue that nobody drains by itself. Each letter is one
// run of items with one reason; the lane's place in its record holds the letter's own facts.

import { randomBytes } from 'node:crypto'
import type { ByteBudget } from '../../component/byte-budget.ts'
import type { Retry } from '../../accounting/outcome.ts'
import type { Logger } from '../../telemetry/logger.ts'
import { DiskQueue } from '../queue/disk/disk-queue.ts'
import { recordBytes } from '../queue/disk/format/format.ts'
import { cutOut, type ItemBatch } from '../contract/items.ts'
import type { NewBatch, QueuedBatch, Queue, QueueReservation, RecoveredBatch } from '../contract/queue.ts'
import type { Run } from '../contract/run-queue.ts'
import type { Kept } from './unwanted.ts'

export interface DeadLetter {
  /** Stays the same over restarts, and in the store of another process. */
  readonly id: string
  /** Where its items were to go. */
  readonly lane: string
  /** From the closed lists of reasons. */
  readonly reason: string
  /** What the destination said; empty if it was not asked. */
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

/** Hears of letters that had to go to make room. */
export type OnEvicted = (letter: DeadLetter) => void

interface Held {
  readonly letter: DeadLetter
  readonly batch: QueuedBatch
}

/** Segments of letters: small, because they go one whole segment at a time. */
const SEGMENT_SHARE = 1 / 16
const MAX_SEGMENT_BYTES = 4 * 1_048_576
/** Letters in memory; the others are read from disk when they are asked for. */
const MAX_IN_MEMORY = 100_000
/** Of them, however little heap there is. */
const MIN_IN_MEMORY = 100
/** Heap of a letter and its record on disk, measured with 16,777 of them. */
const LETTER_HEAP_BYTES = 1_000
/**
 * Beside what waits, in shares of its heap. Letters stay until somebody replays them: charged with what waits, they would
 * leave it no room at all.
 */
const HEAP_SHARE = 1 / 2
/** Of the store, for one letter. */
const MAX_STORE_SHARE = 1 / 2

export interface DeadLettersOptions {
  readonly directory: string
  readonly capacityBytes: number
  readonly fsync: boolean
}

/** Letters on disk; the account of them is the owner's, so the queue below keeps none. */
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
  /** Those in memory, oldest first: what comes later waits on disk until there is room. */
  readonly #held = new Map<string, Held>()
  /** Ids of those that are on their way to another place. */
  readonly #moving = new Set<string>()
  #listings = 0
  /** Of letters that `open` did not find again. */
  lostItems = 0

  constructor(queue: Queue, onEvicted: OnEvicted) {
    this.#queue = queue
    this.#onEvicted = onEvicted
  }

  get count(): number {
    return this.#held.size + this.#queue.pagedOut.records
  }

  /** Items of all letters. */
  get items(): number {
    let { items } = this.#queue.pagedOut
    for (const { letter } of this.#held.values()) items += letter.items
    return items
  }

  get usedBytes(): number {
    return this.#queue.usedBytes
  }

  /** Finds what earlier processes kept. */
  async open(): Promise<void> {
    const reader = {
      // Otherwise a later letter would be in memory before an earlier one.
      keeps: () => this.#queue.pagedOut.records === 0,
      // A listing would miss what comes to memory behind it.
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

  /**
   * Keeps a run of a lane. The oldest letters go if there is no room.
   * @param done called once it is on disk, or could not be kept
   */
  put(lane: string, run: Run, reason: string, error: string, done: (kept: Kept) => void): void {
    if (run.batch.items === undefined) return done('never')
    const items = cutOut(run.batch.items, run.from, run.to)
    const diedAtMs = Date.now()
    const letter = { id: newId(diedAtMs), lane, reason, error, diedAtMs, items: items.count }
    const batch = batchOf(letter, items)
    const bytes = recordBytes(batch.lane, items)
    // It would cost most of the others, and might not fit even then.
    if (bytes > this.#queue.capacityBytes * MAX_STORE_SHARE) return done('never')
    let reserved = this.#queue.reserve([batch])
    while (
      reserved.kind === 'retry' &&
      reserved.cause === 'storage_full' &&
      this.#overBound(bytes) &&
      this.#evictOldest()
    )
      reserved = this.#queue.reserve([batch])
    if (reserved.kind === 'retry') return done('later')
    this.#keep(letter, reserved, (failure) => {
      done(failure === undefined ? 'kept' : 'later')
    })
  }

  /**
   * Keeps a letter of another store as it is. None goes to make room for it.
   * @returns undefined once it is on disk; else why it could not be kept
   */
  adopt(letter: DeadLetter, items: ItemBatch): Promise<Retry | undefined> {
    // Before ids were random, letters of two processes could have the same.
    const kept = this.#held.has(letter.id) ? { ...letter, id: newId(letter.diedAtMs) } : letter
    const reserved = this.#queue.reserve([batchOf(kept, items)])
    if (reserved.kind === 'retry') return Promise.resolve(reserved)
    return new Promise((resolve) => this.#keep(kept, reserved, resolve))
  }

  /** Whether this very letter is here, and not another that has its id by chance. */
  has(letter: DeadLetter): boolean {
    const held = this.#held.get(letter.id)
    return held !== undefined && held.letter.items === letter.items && factsOf(held.letter) === factsOf(letter)
  }

  /** Oldest first. A letter can be read and moved while it is the current one, also if it is on disk alone. */
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
      // On disk alone again, unless somebody moves it just now.
      if (batch.unsettled > 0 && this.#queue.pagedOut.pageOut(batch)) this.#held.delete(letter.id)
    }
  }

  /** The items of a letter, for the caller alone; undefined if there is none of that id, or it cannot be read. */
  read(id: string): Promise<ItemBatch | undefined> {
    const held = this.#held.get(id)
    if (held === undefined) return Promise.resolve(undefined)
    const { batch } = held
    return new Promise((resolve) => {
      // A copy: what the queue has in memory is freed as soon as its place there is needed.
      this.#queue.load(batch, () => resolve(batch.items && cutOut(batch.items, 0, batch.items.count)))
    })
  }

  /**
   * Has a letter's items put somewhere else, and then removes it. Meanwhile nobody else moves it, and it is not evicted.
   * @param put resolves with undefined, or why it could not be done: then the letter stays
   * @returns the same; GONE if there is no such letter any more, it cannot be read, or somebody else is at it
   */
  async move<Refusal>(id: string, put: (items: ItemBatch) => Promise<Refusal>): Promise<Refusal | typeof GONE> {
    if (this.#moving.has(id)) return GONE
    this.#moving.add(id)
    const batch = this.#held.get(id)?.batch
    // It stays in memory meanwhile.
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

  /** Its items are somewhere else now. */
  remove(id: string): void {
    const held = this.#held.get(id)
    if (held === undefined) return
    this.#held.delete(id)
    this.#queue.settle(held.batch, 0, held.batch.unsettled)
  }

  close(): Promise<void> {
    return this.#queue.close()
  }

  #keep(letter: DeadLetter, reserved: QueueReservation, done: (failure: Retry | undefined) => void): void {
    reserved.commit((stored) => {
      if ('kind' in stored) return done(stored)
      for (const batch of stored) if (!batch.pagedOut) this.#held.set(letter.id, { letter, batch })
      done(undefined)
    }, true)
  }

  /** Letters go for the bound of their own store alone: a volume that others have filled would cost all of them. */
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

/** What is known of letters whose file cannot be read any more. */
const UNREADABLE = { id: '', lane: '', reason: '', error: '', diedAtMs: 0 }

/** @param facts in its lane's place */
function letterOf(facts: string, { unsettled }: QueuedBatch): DeadLetter {
  return { ...(JSON.parse(facts) as Omit<DeadLetter, 'items'>), items: unsettled }
}

/** Of its own, also beside those of other processes. */
function newId(diedAtMs: number): string {
  return `${diedAtMs.toString(36)}-${randomBytes(6).toString('hex')}`
}

function factsOf({ id, lane, reason, error, diedAtMs }: DeadLetter): string {
  return JSON.stringify({ id, lane, reason, error, diedAtMs })
}

function batchOf(letter: DeadLetter, items: ItemBatch): NewBatch {
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
