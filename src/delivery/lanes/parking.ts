// Lanes that cannot be sent because of a fault of their own. Their items stay in the queue; their share of it is bounded, so
// that the others always find room.
//
//   queue  | parked: at most half, and nothing more in the last quarter | free for lanes that can be sent |

import type { Logger } from '../../telemetry/logger.ts'
import { heldBytes } from '../contract/items.ts'
import type { LaneItems } from '../contract/lane-items.ts'
import type { Lane } from './lane.ts'
import type { Held, Queue } from '../contract/queue.ts'

/**
 * Handling of new items for a lane that is stuck by a fault of its own and holds more than its share of the queue.
 * park: queued, up to the quota of all parked lanes; items beyond it are rejected.
 * reject: rejected. refuse: the whole request gets a Retry. dead_letter: dead-lettered at once.
 */
export type OnLaneFull = 'park' | 'reject' | 'refuse' | 'dead_letter'

/** Time for which a group or stream may fail before its lanes are parked, however little they hold. */
const PARK_AFTER_MS = 5 * 60_000
/** Fullness of the queue above which a stuck lane is limited to `SHARE`. */
const CROWDED = 1 / 2
/** Maximum share of the queue for one stuck lane. */
const SHARE = 1 / 4
/** Maximum share of the queue for all parked lanes together. */
const QUOTA = 1 / 2
/** Fullness above which the queue takes nothing for parked lanes: segments on disk may take twice their unsettled bytes. */
const FULLEST = 3 / 4

const NONE: readonly number[] = []
const NOTHING: Held = { bytes: 0, items: 0, batches: 0 }

export class Parking<D> {
  readonly #known: ReadonlyMap<string, Lane<D>>
  readonly #queue: Queue
  readonly #logger: Logger
  readonly #parked = new Set<Lane<D>>()

  /** @param known all lanes, by key */
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

  /** Amount of all parked lanes in the queue. */
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
   * Returns the indexes of the items whose lane is over its share: the lane is stuck by a fault of its own and holds over a
   * quarter of a queue that is over half full, or it is parked and the parked lanes have used up their quota. If a fault
   * blocks all lanes, or the lane is the only one, senders wait instead: rejecting would lose records for no benefit.
   */
  overShare(wanted: readonly LaneItems[], onFull: OnLaneFull): readonly number[] {
    const crowded = this.#queue.fullness > CROWDED
    if (!crowded && this.#parked.size === 0) return NONE
    const over: number[] = []
    let held: Held | undefined
    let more = NOTHING
    for (const [place, { lane: key, items }] of wanted.entries()) {
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

  /** Returns true if no other lane is written, so that its records take room from no others. */
  #isOnly(lane: Lane<D>, wanted: readonly LaneItems[]): boolean {
    return this.#known.size < 2 && !lane.othersWork && wanted.every((each) => each.lane === lane.key)
  }

  /** Parks lanes that have failed for long, and unparks those that can be sent again. Called about every second. */
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

  /** Parks lanes and logs one line for all of them: thousands may share a fault. */
  #park(stuck: readonly Lane<D>[]): void {
    const [first] = stuck
    if (first === undefined) return
    for (const lane of stuck) this.#parked.add(lane)
    this.#logger.warn('destinations cannot be written: their records are parked', {
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
