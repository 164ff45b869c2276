// The items of a lane. `delivery` never looks inside an item: it moves bytes, and knows only the end of each item, its time
// and its size as the destination counts it.
//
//   bytes   |item 0      |item 1   |item 2           |
//   index    end0 time0 counted0  end1 time1 counted1  end2 …      three doubles per item

/** 1: an event ready for PutLogEvents. 2: a LogRecord with resource and scope for an OTLP endpoint. One kind per lane. */
export type ItemKind = 1 | 2

/** The items of one request for one lane. Owns its bytes, which are freed with its last item. Immutable. */
export interface ItemBatch {
  readonly kind: ItemKind
  readonly count: number
  readonly bytes: Uint8Array
  readonly index: Float64Array
  /** A text of the exporter that all items of one put have in common; undefined if they have none. */
  readonly tag?: string | undefined
}

export const INDEX_FIELDS = 3
/** Off-heap cost of a batch in addition to its bytes and index: two array buffers. */
export const BATCH_OVERHEAD_BYTES = 512
/** Heap of one batch and its lane: measured 2,250 with 10,000 lanes of one batch, each in its own group. */
export const BATCH_HEAP_BYTES = 2_400

export function itemEnd(batch: ItemBatch, item: number): number {
  return batch.index[item * INDEX_FIELDS] as number
}

export function itemStart(batch: ItemBatch, item: number): number {
  return item === 0 ? 0 : (batch.index[(item - 1) * INDEX_FIELDS] as number)
}

/** Returns ms since the epoch. */
export function itemTime(batch: ItemBatch, item: number): number {
  return batch.index[item * INDEX_FIELDS + 1] as number
}

/** Returns the bytes of an item as the destination counts them. */
export function itemCounted(batch: ItemBatch, item: number): number {
  return batch.index[item * INDEX_FIELDS + 2] as number
}

/** Returns the bytes that a batch takes of the byte budget. */
export function heldBytes(batch: ItemBatch): number {
  const tagBytes = batch.tag === undefined ? 0 : batch.tag.length * 2
  return batch.bytes.length + batch.index.byteLength + BATCH_OVERHEAD_BYTES + tagBytes
}

/** Returns the bytes of all items as the destination counts them. */
export function countedBytes(batch: ItemBatch): number {
  let counted = 0
  for (let i = 2; i < batch.index.length; i += INDEX_FIELDS) counted += batch.index[i] as number
  return counted
}

/** Returns the total held bytes and items of several batches. */
export function sumOf(batches: readonly { readonly items: ItemBatch }[]): {
  readonly bytes: number
  readonly items: number
} {
  let bytes = 0
  let items = 0
  for (const batch of batches) {
    bytes += heldBytes(batch.items)
    items += batch.items.count
  }
  return { bytes, items }
}

/** Copies items `[from, to)` into a new batch. */
export function cutOut(items: ItemBatch, from: number, to: number): ItemBatch {
  const start = itemStart(items, from)
  const index = items.index.slice(from * INDEX_FIELDS, to * INDEX_FIELDS)
  for (let at = 0; at < index.length; at += INDEX_FIELDS) index[at] = (index[at] as number) - start
  return {
    kind: items.kind,
    count: to - from,
    bytes: new Uint8Array(items.bytes.subarray(start, itemEnd(items, to - 1))),
    index,
    tag: items.tag,
  }
}
