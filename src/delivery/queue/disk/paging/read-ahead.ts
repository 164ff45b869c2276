import { cutOut, type ItemBatch } from '../../../contract/items.ts'
import { decodePayload, recordAt } from '../format/format.ts'
import type { DiskSegment } from '../segments/disk-batch.ts'
import type { IndexEntry } from '../format/segment-index.ts'

/** Read at once. */
const MAX_READ_BYTES = 1_048_576
/** Of what is read, the part that is wanted: with less, records are read one by one. */
const MIN_WANTED = 1 / 2

/**
 * Reads small records that stand close together: 256 of them in one call, not in 256.
 * @param room bytes that may be kept
 * @returns the items of each; undefined for one that is damaged, or for all if it is not worth it or they cannot be read now
 */
export async function readAhead(
  segment: DiskSegment,
  entries: readonly IndexEntry[],
  room: number,
): Promise<(ItemBatch | undefined)[] | undefined> {
  const [first, last] = [entries[0], entries.at(-1)]
  if (first === undefined || last === undefined || entries.length === 1) return undefined
  const bytes = last.offset + last.length - first.offset
  const wanted = entries.reduce((sum, { length }) => sum + length, 0)
  if (bytes > MAX_READ_BYTES || wanted < bytes * MIN_WANTED || wanted > room) return undefined
  let read: Buffer
  try {
    read = await segment.read(first.offset, bytes)
  } catch {
    // Each is read again when its turn comes, and what fails then is reported and has its patience.
    return undefined
  }
  return entries.map(({ offset, sequence }) => {
    const record = recordAt(read, offset - first.offset, segment.header.salt)
    const items = record?.sequence === sequence ? decodePayload(record.payload)?.items : undefined
    // A copy: the bytes of a batch are freed on their own.
    return items === undefined ? undefined : cutOut(items, 0, items.count)
  })
}
