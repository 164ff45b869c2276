import { steadyNowMs } from '../contract/steady-clock.ts'
import type { Lane } from './lane.ts'

/** Age above which a record belongs to the backlog. */
const FRESH_MS = 60_000

/** Returns the send order of lanes after an outage: those with the oldest records alternate with those under a minute old. */
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
 * Lanes that may be sent, each list in arrival order: `fresh` for lanes with records under a minute old, `backlog` for lanes
 * that fell behind. The lists alternate while both have lanes, so that after an outage at least half of the puts carry
 * current records, and the rest the backlog, oldest first.
 */
export class ReadyLanes<D> {
  #fresh: Lane<D>[] = []
  #backlog: Lane<D>[] = []
  /** Lanes whose batches were just loaded, with the run index: sent next, because they hold a put slot and memory. */
  #loaded: { readonly lane: Lane<D>; readonly place: number }[] = []
  #backlogsTurn = false

  get isEmpty(): boolean {
    return this.#fresh.length === 0 && this.#backlog.length === 0 && this.#loaded.length === 0
  }

  /** Adds the lane to the lists of its records: to one or both, at most once each. */
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

  /** Adds a lane that is sent next. */
  addLoaded(lane: Lane<D>, place: number): void {
    this.#loaded.push({ lane, place })
  }

  /**
   * Takes the next lane from its list.
   * @param send sends the lane's runs from `place` on; returns true if a put was sent, which ends the list's turn
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
