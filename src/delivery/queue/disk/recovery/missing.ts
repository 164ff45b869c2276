import { type IdRange, IdRanges } from '../format/id-ranges.ts'
import type { Acknowledged } from '../format/journal-format.ts'
import type { Damage } from '../format/scan.ts'

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
 * @param known ids that stand in a segment or are done
 */
export function missingBatches(known: IdRanges, damages: readonly Damage[], acknowledged: Acknowledged): Missing {
  const { told = Number.MAX_SAFE_INTEGER, damaged } = acknowledged
  const answered: readonly IdRange[] =
    acknowledged.told !== undefined && damaged.length === 0 ? [[1, told]] : damages.flatMap(({ holes }) => holes)
  const ids = new IdRanges()
  let batches = 0
  for (const [first, last] of answered)
    for (const [from, to] of known.without(first, Math.min(last, told))) {
      ids.add(from, to)
      batches += to - from + 1
    }
  let ofKnownSize = 0
  let items = 0
  for (const [id, count] of new Map(damages.flatMap(({ items: known }) => [...known]))) {
    if (!ids.has(id)) continue
    ofKnownSize++
    items += acknowledged.parts(id).reduce((left, [from, to]) => left - (to - from), count)
  }
  const batchesOfUnknownSize = batches - ofKnownSize
  return { ids, batches, items: items + batchesOfUnknownSize, batchesOfUnknownSize }
}

/** The first few, for people. */
export function describeIds(ids: IdRanges): string {
  const some: string[] = []
  for (const [from, to] of ids) {
    if (some.length === MAX_SHOWN) return `${some.join(', ')}, …`
    some.push(from === to ? `${from}` : `${from}-${to}`)
  }
  return some.join(', ')
}

const MAX_SHOWN = 20
