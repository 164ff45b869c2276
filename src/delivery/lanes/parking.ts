// Lanes that cannot be sent by a fault of their own. Their items stay in the queue; what they may take of it is bounded, so
// that the others always find room.
//
//   queue  | parked: at most half, and nothing more in the last quarter | free for lanes that move |

import type { Logger } from '../../telemetry/logger.ts'
import { heldBytes, type ItemBatch } from '../contract/items.ts'
import type { Lane } from './lane.ts'
import type { Held, Queue } from '../contract/queue.ts'

/**
 * What becomes of new items for a lane that is stuck by itself and holds over its share of the queue.
 * park: the queue keeps them too, up to the quota of all parked lanes; those beyond it are left out.
 * reject: left out. refuse: the whole request has to wait. dead_letter: dead letters, at once.
 */
export type OnLaneFull = 'park' | 'reject' | 'refuse' | 'dead_letter'

/** So long a group or stream may fail before its lanes are parked, however little they hold. */
const PARK_AFTER_MS = 5 * 60_000
/** A queue that is fuller has no room to waste on lanes that are stuck… */
const CROWDED = 1 / 2
/** …with more than this of it. */
const SHARE = 1 / 4
/** Of the queue, for all parked lanes together. */
const QUOTA = 1 / 2
/** A queue that is fuller takes nothing for them: segments on disk may take twice what is waited for in them. */
const FULLEST = 3 / 4

const NONE: readonly number[] = []
const NOTHING: Held = { bytes: 0, items: 0, batches: 0 }

export class Parking<D> {
  readonly #known: ReadonlyMap<string, Lane<D>>
  readonly #queue: Queue
  readonly #logger: Logger
  readonly #parked = new Set<Lane<D>>()

  /** @param known all lanes, by their keys */
  constructor(known: ReadonlyMap<string, Lane<D>>, queue: Queue, logger: Logger) {
    this.#known = known
    this.#queue = queue
    this.#logger = logger
  }

  get lanes(): number {
    return this.#parked.size
  }

  has(lane: Lane<D>): boolean {
    return this.#parked.has(lane)
  }

  /** What all parked lanes have in the queue. */
  get held(): Held {
    let sum = NOTHING
    for (const lane of this.#parked) sum = plus(sum, this.#heldBy(lane))
    return sum
  }

  #heldBy({ key, held }: Lane<D>): Held {
    const pagedOut = this.#queue.pagedOut.lanes.get(key)
    return pagedOut === undefined ? held : plus(held, pagedOut)
  }

  /**
   * Places of the items whose lane is over its share: it is stuck by itself and holds over a quarter of a queue that is
   * over half full, or it is parked and parked lanes have their quota. A fault that holds all lanes alike, or a lane that
   * is alone, makes senders wait instead: rejecting would lose records and help nobody.
   */
  overShare(
    wanted: readonly { readonly key: string; readonly items: ItemBatch }[],
    onFull: OnLaneFull,
  ): readonly number[] {
    const crowded = this.#queue.fullness > CROWDED
    if (!crowded && this.#parked.size === 0) return NONE
    const over: number[] = []
    let held: Held | undefined
    let more = NOTHING
    for (const [place, { key, items }] of wanted.entries()) {
      const lane = this.#known.get(key)
      if (lane === undefined || !lane.stuckAlone || this.#isOnly(lane, wanted)) continue
      const its = { bytes: heldBytes(items), items: items.count, batches: 1 }
      const greedy = crowded && this.#queue.share(plus(this.#heldBy(lane), its)) > SHARE
      if (greedy && onFull === 'park' && !this.has(lane)) {
        this.#park([lane])
        held = undefined
      }
      if (greedy && onFull !== 'park') over.push(place)
      else if (this.has(lane)) {
        held ??= this.held
        if (this.#hasRoom(plus(held, plus(more, its)))) more = plus(more, its)
        else over.push(place)
      }
    }
    return over
  }

  /** Whether nothing but this lane is written, so that its records take room from no others. */
  #isOnly(lane: Lane<D>, wanted: readonly { readonly key: string }[]): boolean {
    return this.#known.size < 2 && !lane.othersWork && wanted.every(({ key }) => key === lane.key)
  }

  /** Parks lanes that have failed for long, and lets go of those that move again. Called every second or so. */
  review(): void {
    for (const lane of this.#parked) if (lane.idle || lane.stuckBy === undefined) this.#parked.delete(lane)
    const now = performance.now()
    const stuck: Lane<D>[] = []
    for (const lane of this.#known.values()) {
      const failingSinceMs = lane.stuckBy?.failingSinceMs ?? now
      if (now - failingSinceMs >= PARK_AFTER_MS && !this.has(lane)) stuck.push(lane)
    }
    this.#park(stuck)
  }

  #hasRoom(parked: Held): boolean {
    return this.#queue.share(parked) <= QUOTA && this.#queue.fullness <= FULLEST
  }

  /** One line for all of them: thousands may share a fault. */
  #park(stuck: readonly Lane<D>[]): void {
    const [first] = stuck
    if (first === undefined) return
    for (const lane of stuck) this.#parked.add(lane)
    this.#logger.warn('destinations cannot be written; their records are parked until they can be', {
      destinations: stuck.length,
      first: first.key,
      error: first.stuckBy?.lastFault ?? '',
      parkedInAll: this.lanes,
      bytes: this.held.bytes,
    })
  }
}

function plus(a: Held, b: Held): Held {
  return { bytes: a.bytes + b.bytes, items: a.items + b.items, batches: a.batches + b.batches }
}
