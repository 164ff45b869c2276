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
/** The beginning, in an item, of a message that is a JSON object. */
const OBJECT = '{'

/**
 * Copies events under another time. If the message is a JSON object, its first field keeps the original time, unless the
 * message would become too long.
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
    // In the item, the quotes of the field's name are escaped; the escapes do not count.
    index[item * INDEX_FIELDS + 2] = itemCounted(items, item) + kept.replaceAll('\\', '').length
  }
  return { kind: items.kind, count: items.count, bytes: Buffer.concat(pieces), index, tag: items.tag }
}

function keptTime(message: string, time: number, room: number): string {
  if (!message.startsWith(OBJECT) || message.startsWith(`${OBJECT}\\"original_timestamp\\":`)) return ''
  const kept = `\\"original_timestamp\\":${time}${message.startsWith('{}') ? '' : ','}`
  return kept.length > room ? '' : kept
}
