// The transcoder as the exporter builds it, and its items as CloudWatch will read them.
import {
  itemCounted,
  itemEnd,
  itemStart,
  itemTime,
  type ItemBatch,
} from '../../../../../src/delivery/contract/items.ts'
import type { Rejections } from '../../../../../src/accounting/rejections.ts'
import { destination, DestinationGate } from '../../../../../src/exporters/awscloudwatchlogs/route/destination.ts'
import { Router } from '../../../../../src/exporters/awscloudwatchlogs/route/route.ts'
import { parseTemplate, type Template } from '../../../../../src/exporters/awscloudwatchlogs/route/template.ts'
import { Transcoder, type TranscodeOptions } from '../../../../../src/exporters/awscloudwatchlogs/event/transcode.ts'

/** 2026-01-02T03:04:05Z, when every request of these tests comes in. */
export const NOW_MS = 1_767_323_045_000
export const NOW_NANOS = BigInt(NOW_MS) * 1_000_000n

export interface Setup extends Partial<TranscodeOptions> {
  readonly group?: string
  readonly stream?: string
  readonly allowedGroups?: readonly string[]
  readonly maxNewAnHour?: number
}

export interface StoredEvent {
  readonly timestamp: number
  readonly message: string
  /** As the item's index says, so as limits are kept. */
  readonly counted: number
  /** Place of its record in the request. */
  readonly record: number
}

export function transcoder(setup: Setup = {}): Transcoder {
  const gate = new DestinationGate({
    allowedGroups: setup.allowedGroups ?? [],
    maxNewAnHour: setup.maxNewAnHour ?? 1_000,
    overflow: destination('overflow-group', 'overflow-stream'),
    late: destination('late', 'late'),
  })
  const router = new Router(template('group', setup.group ?? 'g'), template('stream', setup.stream ?? 's'), gate)
  return new Transcoder(router, {
    rawLog: false,
    routeFromBody: false,
    eventId: false,
    maxMessageBytes: 1_048_550,
    onOversize: 'truncate',
    lateEvents: 'reject',
    maxTextBytes: 64 * 1_048_576,
    ...setup,
  })
}

export function template(kind: 'group' | 'stream', text: string): Template {
  const parsed = parseTemplate(kind, text)
  if (typeof parsed === 'string') throw new Error(parsed)
  return parsed
}

/** The events of a request, over all destinations, in the order of their records. */
export function eventsOf(request: Uint8Array, setup: Setup = {}): StoredEvent[] {
  return [...routedOf(request, setup).values()].flat().sort((a, b) => a.record - b.record)
}

/** The events of a request by `group:stream`. */
export function routedOf(request: Uint8Array, setup: Setup = {}): Map<string, StoredEvent[]> {
  return storedByLane(transcoder(setup), request)
}

export function storedByLane(transcoder: Transcoder, request: Uint8Array): Map<string, StoredEvent[]> {
  const lanes = new Map<string, StoredEvent[]>()
  for (const { destination, items, records } of transcoder.transcode(request, NOW_MS).routed) {
    const events = readItems(items)
    lanes.set(
      destination.key,
      events.map((event, item) => ({ ...event, record: records[item] ?? -1 })),
    )
  }
  return lanes
}

/** `2 too_old: <sample>` for each reason. */
export function rejectedBy({ byReason }: Rejections): string[] {
  return [...byReason].map(([reason, { count, sample }]) => `${count} ${reason}: ${sample}`)
}

/** The one message of a request of one record. */
export function messageOf(request: Uint8Array, setup: Setup = {}): string {
  const [event, ...more] = eventsOf(request, setup)
  if (event === undefined || more.length > 0) throw new Error('not one event')
  return event.message
}

/** Reads each item as JSON, and holds its index to it. */
function readItems(items: ItemBatch): Omit<StoredEvent, 'record'>[] {
  const text = Buffer.from(items.bytes)
  return Array.from({ length: items.count }, (_, item) => {
    const json = text.toString('utf8', itemStart(items, item), itemEnd(items, item))
    if (!json.endsWith(',')) throw new Error(`an item without its comma: ${json}`)
    const event = JSON.parse(json.slice(0, -1)) as { readonly timestamp: number; readonly message: string }
    if (event.timestamp !== itemTime(items, item)) throw new Error(`the index has another time than ${json}`)
    return { ...event, counted: itemCounted(items, item) }
  })
}
