import { type IdRange, IdRanges } from '../format/id-ranges.ts'
import type { Acknowledged } from '../format/journal-format.ts'
import type { Damage } from '../format/scan.ts'

/** Acknowledged batches that are not settled and in no segment. */
export interface Missing {
  readonly ids: IdRanges
  readonly batches: number
  /** Their items: the known numbers, plus one for each batch of unknown size, which is the minimum. */
  readonly items: number
  /** Number of batches of unknown size. */
  readonly batchesOfUnknownSize: number
}

/**
 * Finds missing batches: ids are consecutive, so a missing batch is a gap. A gap after the last recorded answer is not a
 * loss: it was being written when the process died. Without an intact journal, lost segments cannot be distinguished from
 * settled ones that were removed, and only gaps inside a segment count.
 * @param known ids that are in a segment or settled
 */
export function missingBatches(known: IdRanges, damages: readonly Damage[], acknowledged: Acknowledged): Missing {
  const { answeredUpTo = Number.MAX_SAFE_INTEGER, damaged } = acknowledged
  const answered: readonly IdRange[] =
    acknowledged.answeredUpTo !== undefined && damaged.length === 0
      ? [[1, answeredUpTo]]
      : damages.flatMap(({ holes }) => holes)
  const ids = new IdRanges()
  let batches = 0
  for (const [first, last] of answered)
    for (const [from, to] of known.without(first, Math.min(last, answeredUpTo))) {
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

/** Returns the first ranges as text, for the log. */
export function describeIds(ids: IdRanges): string {
  const some: string[] = []
  for (const [from, to] of ids) {
    if (some.length === MAX_SHOWN) return `${some.join(', ')}, …`
    some.push(from === to ? `${from}` : `${from}-${to}`)
  }
  return some.join(', ')
}

const MAX_SHOWN = 20
