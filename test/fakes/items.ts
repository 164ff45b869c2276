// Items of a lane, for tests that do not care what is in them: the text of each is its name.
import { INDEX_FIELDS, type ItemBatch, itemEnd, itemStart } from '../../src/delivery/contract/items.ts'
import type { Pack } from '../../src/delivery/contract/pack.ts'

export interface TestItem {
  readonly text: string
  /** ms since the epoch; default 0. */
  readonly time?: number
  /** Bytes as the destination counts them; default those of the text. */
  readonly counted?: number
}

export function itemBatch(items: readonly TestItem[], tag?: string): ItemBatch {
  const index = new Float64Array(items.length * INDEX_FIELDS)
  let end = 0
  for (const [place, { text, time = 0, counted }] of items.entries()) {
    end += Buffer.byteLength(text)
    index.set([end, time, counted ?? Buffer.byteLength(text)], place * INDEX_FIELDS)
  }
  return {
    kind: 1,
    count: items.length,
    bytes: Buffer.from(items.map(({ text }) => text).join('')),
    index,
    ...(tag !== undefined && { tag }),
  }
}

/** `prefix0`, `prefix1`, … */
export function namedItems(prefix: string, count: number, time = 0): TestItem[] {
  return Array.from({ length: count }, (_, place) => ({ text: `${prefix}${place}`, time }))
}

export function itemTexts(batch: ItemBatch): string[] {
  const bytes = Buffer.from(batch.bytes)
  return Array.from({ length: batch.count }, (_, item) =>
    bytes.toString('utf8', itemStart(batch, item), itemEnd(batch, item)),
  )
}

/** The texts of a pack in the order in which it is sent. */
export function packTexts(pack: Pack): string[] {
  return pack.runs.flatMap(({ batch, from, to }) => {
    if (batch.items === undefined) throw new Error('a pack of items that are not there')
    return itemTexts(batch.items).slice(from, to)
  })
}
