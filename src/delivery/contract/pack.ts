import { itemCounted, itemEnd, itemStart, itemTime } from './items.ts'
import type { QueuedBatch } from './queue.ts'
import type { Run, RunQueue } from './run-queue.ts'

/** The limits of one put; set by the exporter, because only it knows the destination. */
export interface PackPolicy {
  readonly maxItems: number
  /** A longer item is sent alone. */
  readonly maxCountedBytes: number
  /** Number of items at which a lane does not wait for its flush. Default: a whole pack. */
  readonly fullItems?: number | undefined
  readonly fullCountedBytes?: number | undefined
  /** Maximum time between the first and the last item, inclusive. */
  readonly maxSpanMs: number
  /** Returns the oldest time worth sending: the destination would refuse earlier items. */
  oldestTimeMs(nowMs: number): number
  /** Maximum total wait of an item, ms; infinity: until it is too old. */
  readonly maxWaitMs: number
}

/** The items of one put, sorted by time; items of equal time keep their arrival order. */
export interface Pack {
  readonly runs: readonly Run[]
  readonly count: number
  readonly countedBytes: number
  readonly byteLength: number
  /** The tag of all its items. */
  readonly tag: string | undefined
}

export interface Packed {
  readonly pack: Pack
  /** Items also taken out of the lane, because they are past `oldestTimeMs` or `maxWaitMs`. */
  readonly expired: readonly Run[]
  /** Whether items with another tag were passed over; they belong to the next pack. */
  readonly passedOver: boolean
}

/** Maximum runs that a pack passes over because of their tag: more are not worth a search in each put. */
const MAX_PASSED_OVER = 1_000

/**
 * Takes as many items of one tag as fit in the next put out of a lane, from run `place` on. A batch that is not in memory ends the pack.
 * Items outside a span of `maxSpanMs` go back to the lane: of the spans that contain the first arrived item, the one with the
 * most items is sent. Starting at the earliest time would send a few items per put if the items are of different days.
 * @param nowMs wall clock, for the age of items
 * @param steadyMs `steadyNowMs()`, for their wait
 */
export function takePack(lane: RunQueue, place: number, policy: PackPolicy, nowMs: number, steadyMs: number): Packed {
  const oldest = policy.oldestTimeMs(nowMs)
  const taken: Run[] = []
  const expired: { readonly batch: QueuedBatch; readonly from: number; to: number }[] = []
  let room = policy.maxItems
  let roomBytes = policy.maxCountedBytes
  let sorted = true
  let lastTime = Number.NEGATIVE_INFINITY
  let whole = 0
  let rest: Run | undefined
  const passed: Run[] = []
  const tag = lane.at(place)?.batch.items?.tag
  for (let run = lane.at(place); run !== undefined && rest === undefined; run = lane.at(place + whole)) {
    const items = run.batch.items
    if (items === undefined) break
    if (items.tag !== tag) {
      if (passed.length === MAX_PASSED_OVER) break
      passed.push(run)
      whole++
      continue
    }
    const givenUp = steadyMs - run.batch.enqueuedAtMs > policy.maxWaitMs
    let from = run.from
    let item = run.from
    for (; item < run.to; item++) {
      const time = itemTime(items, item)
      if (givenUp || time < oldest) {
        if (item > from) taken.push({ batch: run.batch, from, to: item })
        // Neighbors stay together: each run may become a dead letter.
        const last = expired.at(-1)
        if (last?.batch === run.batch && last.to === item) last.to++
        else expired.push({ batch: run.batch, from: item, to: item + 1 })
        from = item + 1
        continue
      }
      const counted = itemCounted(items, item)
      if (room === 0 || (counted > roomBytes && room < policy.maxItems)) break
      room--
      roomBytes -= counted
      if (time < lastTime) sorted = false
      lastTime = time
    }
    if (item > from) taken.push({ batch: run.batch, from, to: item })
    if (item < run.to) rest = { batch: run.batch, from: item, to: run.to }
    whole++
  }
  if (whole > 0) lane.replace(place, whole, rest)
  if (passed.length > 0) lane.putBack(passed)
  const [inSpan, beyond] = sorted ? splitAtSpan(taken, policy.maxSpanMs) : sortedWithinSpan(taken, policy.maxSpanMs)
  // Join the runs: a batch with scattered times would become one run per item.
  if (beyond.length > 0) lane.putBack(joinRuns(beyond))
  return { pack: makePack(inSpan), expired, passedOver: passed.length > 0 }
}

export function makePack(runs: readonly Run[]): Pack {
  let count = 0
  let countedBytes = 0
  let byteLength = 0
  for (const { batch, from, to } of runs) {
    const items = loaded(batch)
    count += to - from
    byteLength += itemEnd(items, to - 1) - itemStart(items, from)
    for (let item = from; item < to; item++) countedBytes += itemCounted(items, item)
  }
  return { runs, count, countedBytes, byteLength, tag: runs[0]?.batch.items?.tag }
}

/** Copies the items' bytes back to back into `target`. Returns their end. */
export function copyPack(pack: Pack, target: Uint8Array, at: number): number {
  let end = at
  for (const { batch, from, to } of pack.runs) {
    const items = loaded(batch)
    const bytes = items.bytes.subarray(itemStart(items, from), itemEnd(items, to - 1))
    target.set(bytes, end)
    end += bytes.length
  }
  return end
}

/** Returns the same items in as few runs as possible, by batch, regardless of their times. */
export function joinRuns(runs: readonly Run[]): Run[] {
  const joined: { readonly batch: QueuedBatch; readonly from: number; to: number }[] = []
  for (const [batch, own] of Map.groupBy(runs, (run) => run.batch)) {
    for (const { from, to } of own.toSorted((a, b) => a.from - b.from)) {
      const last = joined.at(-1)
      if (last?.batch === batch && last.to === from) last.to = to
      else joined.push({ batch, from, to })
    }
  }
  return joined
}

/** Returns the runs of items `[from, to)` of the pack, by index in it. */
export function packRuns(pack: Pack, from: number, to: number): Run[] {
  const runs: Run[] = []
  let place = 0
  for (const run of pack.runs) {
    const size = run.to - run.from
    const first = Math.max(from - place, 0)
    const last = Math.min(to - place, size)
    if (first < last) runs.push({ batch: run.batch, from: run.from + first, to: run.from + last })
    place += size
  }
  return runs
}

export function itemsOf(runs: readonly Run[]): number {
  return runs.reduce((items, { from, to }) => items + to - from, 0)
}

export function countedOf(runs: readonly Run[]): number {
  let counted = 0
  for (const { batch, from, to } of runs) {
    for (let item = from; item < to; item++) counted += batch.items === undefined ? 0 : itemCounted(batch.items, item)
  }
  return counted
}

function loaded(batch: QueuedBatch) {
  if (batch.items === undefined) throw new Error('a pack holds a batch that is not in memory')
  return batch.items
}

interface TimedItem {
  readonly batch: QueuedBatch
  readonly item: number
  readonly time: number
}

/** Sorts items by time, stably, and separates those in the sent span from those before and after it. */
function sortedWithinSpan(
  runs: readonly Run[],
  maxSpanMs: number,
): readonly [inSpan: readonly Run[], beyond: readonly Run[]] {
  const items: TimedItem[] = []
  for (const { batch, from, to } of runs) {
    for (let item = from; item < to; item++) items.push({ batch, item, time: itemTime(loaded(batch), item) })
  }
  const oldest = items[0]?.time ?? 0
  items.sort((a, b) => a.time - b.time)
  const [from, to] = fullestSpan(items, oldest, maxSpanMs)
  if (from === 0 && to === items.length) return [runsOf(items), []]
  return [runsOf(items.slice(from, to)), runsOf([...items.slice(0, from), ...items.slice(to)])]
}

/** Returns the indexes `[from, to)` of the most items within `maxSpanMs` that include the time `holding`. */
function fullestSpan(items: readonly TimedItem[], holding: number, maxSpanMs: number): readonly [number, number] {
  let best: readonly [number, number] = [0, 0]
  let to = 0
  for (let from = 0; from < items.length; from++) {
    const start = (items[from] as TimedItem).time
    if (start > holding) break
    while (to < items.length && (items[to] as TimedItem).time <= start + maxSpanMs) to++
    if (start + maxSpanMs >= holding && to - from > best[1] - best[0]) best = [from, to]
  }
  return best
}

/** Returns one run per sequence of neighboring items. */
function runsOf(items: readonly TimedItem[]): Run[] {
  const sorted: { batch: QueuedBatch; from: number; to: number }[] = []
  for (const { batch, item } of items) {
    const last = sorted.at(-1)
    if (last !== undefined && last.batch === batch && last.to === item) last.to++
    else sorted.push({ batch, from: item, to: item + 1 })
  }
  return sorted
}

function splitAtSpan(
  runs: readonly Run[],
  maxSpanMs: number,
): readonly [inSpan: readonly Run[], beyond: readonly Run[]] {
  const first = runs[0]
  const last = runs.at(-1)
  if (first === undefined || last === undefined) return [runs, []]
  const latest = itemTime(loaded(first.batch), first.from) + maxSpanMs
  if (itemTime(loaded(last.batch), last.to - 1) <= latest) return [runs, []]
  for (let i = 0; i < runs.length; i++) {
    const { batch, from, to } = runs[i] as Run
    for (let item = from; item < to; item++) {
      if (itemTime(loaded(batch), item) <= latest) continue
      const head = item > from ? [{ batch, from, to: item }] : []
      return [
        [...runs.slice(0, i), ...head],
        [{ batch, from: item, to }, ...runs.slice(i + 1)],
      ]
    }
  }
  return [runs, []]
}
