// Joins small requests of one lane in a chunk: the bookkeeping of a one-record request costs more than the record.
//
//   bytes  |request 1|request 2|req 3|        free        |      doubled when full
//   index  |item|item|item|item|item|        free         |

import { INDEX_FIELDS, type ItemBatch } from '../contract/items.ts'
import { freeBytes } from '../../wire/free-bytes.ts'
import type { QueuedBatch } from '../contract/queue.ts'

/** Maximum bytes of a request that may join others. */
const MAX_JOINING_BYTES = 8_192
/** Maximum bytes of a chunk: a few hundred small requests, among which the cost of one more object is small. */
const MAX_CHUNK_BYTES = 65_536
/** Maximum ms between the first and the last request of a chunk: a chunk expires with its first request. */
const MAX_CHUNK_AGE_MS = 5_000

/** @returns additional bytes of memory of `into` for the items of `batch`; undefined if they stay separate */
export function joinGrowth(into: QueuedBatch, batch: QueuedBatch): number | undefined {
  const { items: chunk } = into
  const { items: more } = batch
  if (chunk === undefined || more === undefined || chunk.kind !== more.kind || chunk.tag !== more.tag) return undefined
  if (into.closed || into.own !== batch.own || into.unsettled === 0) return undefined
  if (into.listener !== undefined || batch.listener !== undefined) return undefined
  if (more.bytes.length > MAX_JOINING_BYTES || more.index.byteLength > MAX_JOINING_BYTES) return undefined
  if (batch.enqueuedAtMs - into.enqueuedAtMs > MAX_CHUNK_AGE_MS) return undefined
  if (chunk.bytes.length + more.bytes.length > MAX_CHUNK_BYTES) return undefined
  if (chunk.index.byteLength + more.index.byteLength > MAX_CHUNK_BYTES) return undefined
  return (
    growth(capacityOf(into, chunk.bytes), chunk.bytes.length + more.bytes.length) +
    growth(capacityOf(into, chunk.index), chunk.index.byteLength + more.index.byteLength)
  )
}

/** Appends the items of `batch`. The caller has reserved the bytes that `joinGrowth` returned. */
export function joinItems(into: QueuedBatch, batch: QueuedBatch): void {
  const chunk = into.items as ItemBatch
  const more = batch.items as ItemBatch
  const end = chunk.bytes.length
  const bytes = new Uint8Array(withRoom(into, chunk.bytes, end + more.bytes.length), 0, end + more.bytes.length)
  bytes.set(more.bytes, end)
  const places = chunk.index.length
  const indexBytes = chunk.index.byteLength + more.index.byteLength
  const index = new Float64Array(withRoom(into, chunk.index, indexBytes), 0, places + more.index.length)
  index.set(more.index, places)
  for (let at = places; at < index.length; at += INDEX_FIELDS) index[at] = (index[at] as number) + end
  into.items = { kind: chunk.kind, count: chunk.count + more.count, bytes, index, tag: chunk.tag }
  into.hasRoom = true
  into.count += more.count
  into.unsettled += batch.unsettled
  into.countedBytes += batch.countedBytes
}

/**
 * Returns the buffer of `part`, or a larger copy. The items of a request may be part of a shared buffer. A copied buffer is
 * freed at once: after a few seconds in the queue it is in V8's old generation, which is collected rarely.
 */
function withRoom(into: QueuedBatch, part: Uint8Array | Float64Array, needed: number): ArrayBufferLike {
  const capacity = capacityOf(into, part)
  if (needed <= capacity) return part.buffer
  const larger = new Uint8Array(grown(capacity, needed))
  larger.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength))
  freePart(into, part)
  return larger.buffer
}

/** Frees the bytes of a settled batch; its own buffers may be larger than its items. */
export function freeItems(batch: QueuedBatch): void {
  if (batch.items === undefined) return
  freePart(batch, batch.items.bytes)
  freePart(batch, batch.items.index)
  batch.items = undefined
}

function freePart({ hasRoom }: QueuedBatch, part: Uint8Array | Float64Array): void {
  if (hasRoom) (part.buffer as ArrayBuffer).transfer(0)
  else freeBytes(part)
}

function capacityOf(into: QueuedBatch, part: Uint8Array | Float64Array): number {
  return into.hasRoom ? part.buffer.byteLength : part.byteLength
}

function growth(capacity: number, needed: number): number {
  return needed <= capacity ? 0 : grown(capacity, needed) - capacity
}

/** Returns the new capacity: doubled, so that a chunk is not copied for each request; a full chunk has no spare room. */
function grown(capacity: number, needed: number): number {
  return Math.max(Math.min(Math.ceil(capacity / 4) * 8, MAX_CHUNK_BYTES), Math.ceil(needed / 8) * 8)
}
