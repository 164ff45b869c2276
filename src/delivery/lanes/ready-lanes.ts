import { steadyNowMs } from '../contract/steady-clock.ts'
import type { Lane } from './lane.ts'

/** Beyond this age a record belongs to the backlog. */
const FRESH_MS = 60_000

/** Lanes that waited for an outage to end, as they are to go out: the oldest records and those under a minute old in turn. */
export function byTurns<D>(lanes: readonly Lane<D>[]): readonly Lane<D>[] {
  const freshSince = steadyNowMs() - FRESH_MS
  const aged = lanes
    .map((lane) => ({ lane, order: lane.runs.at(0)?.batch.order ?? 0 }))
    .sort((a, b) => a.order - b.order)
  const backlog = aged.filter(({ order }) => order < freshSince)
  const fresh = aged.slice(backlog.length)
  const turns: Lane<D>[] = []
  for (let i = 0; i < Math.max(backlog.length, fresh.length); i++)
    for (const next of [backlog[i], fresh[i]]) if (next !== undefined) turns.push(next.lane)
  return turns
}

/**
 * Lanes that may be sent, each list in the order in which they came: `fresh` for those with records under a minute old,
 * `backlog` for those that fell behind. Served in turn while both have some, so that after an outage at least half of the
 * puts carry what happens now, and the rest what was missed, oldest first.
 */
export class ReadyLanes<D> {
  #fresh: Lane<D>[] = []
  #backlog: Lane<D>[] = []
  /** Those whose batches were just read, with the place of the first: they hold a put place, and would be pushed out of memory. */
  #loaded: { readonly lane: Lane<D>; readonly place: number }[] = []
  #backlogsTurn = false

  get isEmpty(): boolean {
    return this.#fresh.length === 0 && this.#backlog.length === 0 && this.#loaded.length === 0
  }

  /** Lists it where its records belong; it may be in both, and in each of them once. */
  add(lane: Lane<D>): void {
    const firstFresh = lane.firstYounger(FRESH_MS, steadyNowMs())
    if (firstFresh < lane.runs.length && !lane.inFresh) {
      lane.inFresh = true
      this.#fresh.push(lane)
    }
    if (firstFresh > 0 && !lane.inBacklog) {
      lane.inBacklog = true
      this.#backlog.push(lane)
    }
  }

  /** It goes next. */
  addLoaded(lane: Lane<D>, place: number): void {
    this.#loaded.push({ lane, place })
  }

  /**
   * Takes the next one from its list.
   * @param send of what is at a place of its runs and behind it; says whether it did, and so whether the lane had its turn
   */
  next(send: (lane: Lane<D>, place: number) => boolean): void {
    const loaded = this.#loaded.shift()
    if (loaded !== undefined) return void send(loaded.lane, loaded.place)
    const backlogs = this.#fresh.length === 0 || (this.#backlogsTurn && this.#backlog.length > 0)
    const lane = backlogs ? this.#backlog.shift() : this.#fresh.shift()
    if (lane === undefined) return
    if (backlogs) lane.inBacklog = false
    else lane.inFresh = false
    if (send(lane, backlogs ? 0 : lane.firstYounger(FRESH_MS, steadyNowMs()))) this.#backlogsTurn = !backlogs
  }

  clear(): void {
    this.#fresh = []
    this.#backlog = []
    this.#loaded = []
  }
}
