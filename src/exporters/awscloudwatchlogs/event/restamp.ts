import { MAX_BATCH_BYTES } from '../limits.ts'
import {
  INDEX_FIELDS,
  type ItemBatch,
  itemCounted,
  itemEnd,
  itemStart,
  itemTime,
} from '../../../delivery/contract/items.ts'

const TIME_AND_MESSAGE = /^\{"timestamp":\d+,"message":"/
/** As it stands in an item: the beginning of a message that is a JSON object. */
const OBJECT = '{'

/**
 * The same events under another time. Their own is kept in a message that is a JSON object, as its first field; in any
 * other, and in one that would be too long with it, there is no place for it.
 * @param nowMs ms since the epoch
 */
export function restamp(items: ItemBatch, nowMs: number): ItemBatch {
  const pieces: Buffer[] = []
  const index = new Float64Array(items.count * INDEX_FIELDS)
  let end = 0
  for (let item = 0; item < items.count; item++) {
    const text = Buffer.from(items.bytes.subarray(itemStart(items, item), itemEnd(items, item))).toString()
    const rest = text.replace(TIME_AND_MESSAGE, '')
    const kept = keptTime(rest, itemTime(items, item), MAX_BATCH_BYTES - itemCounted(items, item))
    const piece = Buffer.from(
      `{"timestamp":${nowMs},"message":"${kept === '' ? rest : OBJECT + kept + rest.slice(OBJECT.length)}`,
    )
    end += piece.length
    pieces.push(piece)
    index[item * INDEX_FIELDS] = end
    index[item * INDEX_FIELDS + 1] = nowMs
    // The quotes of the field's name are escaped in the item, and counted without that.
    index[item * INDEX_FIELDS + 2] = itemCounted(items, item) + kept.replaceAll('\\', '').length
  }
  return { kind: items.kind, count: items.count, bytes: Buffer.concat(pieces), index }
}

function keptTime(message: string, time: number, room: number): string {
  if (!message.startsWith(OBJECT) || message.startsWith(`${OBJECT}\\"original_timestamp\\":`)) return ''
  const kept = `\\"original_timestamp\\":${time}${message.startsWith('{}') ? '' : ','}`
  return kept.length > room ? '' : kept
}
