import { type IdRange, IdRanges } from './id-ranges.ts'
import type { Acknowledged } from './journal-format.ts'
import type { Scanned } from './scan.ts'

type ScannedSegment = Extract<Scanned, { kind: 'segment' }>

/** Batches whose senders were told that they are stored, that are not done, and that stand in no segment. */
export interface Missing {
  readonly ids: IdRanges
  readonly batches: number
  /** Of them: what can still be read of their number of items, and one for each of the others, which is the least there were. */
  readonly items: number
  /** Those others. */
  readonly batchesOfUnknownSize: number
}

/**
 * Ids are consecutive, so what is missing shows as a gap. A gap behind the last answer that is written down is no loss: that
 * was being written when the process died. With no journal, or a damaged one, segments that are gone cannot be told from
 * those that were removed because they were done, and only gaps inside a segment count.
 */
export function missingBatches(segments: readonly ScannedSegment[], acknowledged: Acknowledged): Missing {
  const { told = Number.MAX_SAFE_INTEGER, damaged } = acknowledged
  const known = knownIds(segments, acknowledged)
  const answered: readonly IdRange[] =
    acknowledged.told !== undefined && damaged.length === 0
      ? [[1, told]]
      : segments.flatMap(({ damage }) => damage?.holes ?? [])
  const ids = new IdRanges()
  let batches = 0
  for (const [from, to] of answered.flatMap(([first, last]) => known.without(first, Math.min(last, told)))) {
    ids.add(from, to)
    batches += to - from + 1
  }
  let ofKnownSize = 0
  let items = 0
  for (const [id, count] of new Map(segments.flatMap(({ damage }) => [...(damage?.items ?? [])]))) {
    if (!ids.has(id)) continue
    ofKnownSize++
    items += acknowledged.parts(id).reduce((left, [from, to]) => left - (to - from), count)
  }
  const batchesOfUnknownSize = batches - ofKnownSize
  return { ids, batches, items: items + batchesOfUnknownSize, batchesOfUnknownSize }
}

function knownIds(segments: readonly ScannedSegment[], { done }: Acknowledged): IdRanges {
  const known = new IdRanges()
  for (const [from, to] of done.ranges) known.add(from, to)
  for (const { entries } of segments) {
    for (const { id, sequence } of entries) {
      known.add(id, id)
      // No batch has the sequence of a record that was moved for its id.
      if (id !== sequence) known.add(sequence, sequence)
    }
  }
  return known
}

/** The first few, for people. */
export function describeIds(ids: IdRanges): string {
  const some = ids.ranges.slice(0, MOST_SHOWN).map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`))
  return ids.ranges.length > MOST_SHOWN ? `${some.join(', ')}, …` : some.join(', ')
}

const MOST_SHOWN = 20
