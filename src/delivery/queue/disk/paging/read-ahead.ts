import { cutOut, type ItemBatch } from '../../../contract/items.ts'
import { decodePayload, recordAt } from '../format/format.ts'
import type { DiskSegment } from '../segments/disk-batch.ts'
import type { IndexEntry } from '../format/segment-index.ts'

/** Maximum bytes of one read. */
const MAX_READ_BYTES = 1_048_576
/** Minimum wanted part of the bytes read: with less, records are read one by one. */
const MIN_WANTED = 1 / 2

/**
 * Reads small adjacent records: 256 of them in one call instead of 256 calls.
 * @param room bytes that may be kept
 * @returns the items of each record, undefined if it is damaged; undefined if reading is not worth it or fails now
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
    // Each record is read again when it is sent; a failure then is reported and retried.
    return undefined
  }
  return entries.map(({ offset, sequence }) => {
    const record = recordAt(read, offset - first.offset, segment.header.salt)
    const items = record?.sequence === sequence ? decodePayload(record.payload)?.items : undefined
    // A copy: the bytes of a batch are freed on their own.
    return items === undefined ? undefined : cutOut(items, 0, items.count)
  })
}
