// Explains what one exporter does with single records, by running them through the exporter's own code: its settings, router,
// destination gate and transcoder. Nothing here decides anything about a record.

import { ByteBudget } from '../../../../component/byte-budget.ts'
import type { PipelineExporter } from '../../../../component/command.ts'
import { ALONE } from '../../../../component/siblings.ts'
import { type ItemBatch, itemCounted, itemEnd, itemTime } from '../../../../delivery/contract/items.ts'
import { silentLogger } from '../../../../telemetry/logger.ts'
import { changesOf, describeChanges } from '../../accounting/changes.ts'
import { MemoryQueue } from '../../../../delivery/queue/memory-queue.ts'
import { TextTooLong } from '../../../../wire/json-text.ts'
import { CloudWatchLogs } from '../../cloudwatch-logs.ts'
import { tooLarge, tooLargeForQueue } from '../../refusals.ts'
import type { Config } from '../../config.ts'
import { type Transcoded, Transcoder } from '../../event/transcode.ts'
import { type Destination, DestinationGate, DIVERTED_REASONS } from '../../route/destination.ts'
import { Router } from '../../route/route.ts'
import type { Alternative } from '../../route/placeholder.ts'
import { metadataNames, type Template } from '../../route/template.ts'
import { type CloudWatchLogsSettings, resolve } from '../../settings/resolve.ts'

/**
 * `event`: sent to CloudWatch. `dead_letter`: kept on disk, not sent. `rejected`: reported to the sender, not kept. `dropped`: left
 * out, as the config says.
 */
export type RecordOutcome = 'event' | 'dead_letter' | 'rejected' | 'dropped'

/** One of the events of a record that is split. */
export interface ExplainedPart {
  readonly message: string
  readonly bytes: number
}

export interface ExplainedRecord {
  readonly outcome: RecordOutcome
  /** Set unless it is sent. */
  readonly reason: string | undefined
  /** Undefined if it was rejected or dropped. */
  readonly destination: Destination | undefined
  /** ms since the epoch. */
  readonly timestamp: number | undefined
  /** That of the first part, if it was split. */
  readonly message: string | undefined
  /** Empty unless it was split. */
  readonly parts: readonly ExplainedPart[]
  /** As CloudWatch counts them: UTF-8, and 26 for each event; all parts together. */
  readonly bytes: number
  /** Changes and detours, one sentence each. */
  readonly notes: readonly string[]
}

export class ExporterExplainer {
  readonly id: string
  readonly config: Config
  readonly #settings: CloudWatchLogsSettings
  readonly #budget: ByteBudget
  readonly #transcoder: Transcoder
  /** The same without limits on destinations: shows what the templates ask for. */
  readonly #unlimited: Transcoder
  /** By placeholder: its name, and a transcoder that writes its value as the stream. */
  readonly #placeholders: readonly (readonly [name: string, value: Transcoder])[]
  readonly #metadataNames: readonly string[]

  /** @param budgetBytes the daemon's byte budget, half of which one request may take */
  constructor({ id, config, shape }: PipelineExporter, budgetBytes: number) {
    this.id = id
    this.config = config as Config
    const settings = resolve(this.config, 1, shape)
    this.#settings = settings
    this.#budget = new ByteBudget(budgetBytes)
    this.#transcoder = this.#logs().transcoder
    const { group, stream } = settings.names
    const lenient = {
      ...settings.events,
      lateEvents: 'clamp',
      onOversize: 'truncate',
      maxTextBytes: budgetBytes,
    } as const
    const open = { ...settings.destinations, allowedGroups: [], maxNewAnHour: Number.POSITIVE_INFINITY }
    const transcoder = (stream: Template) =>
      new Transcoder(new Router(group, stream, new DestinationGate(open)), lenient)
    this.#unlimited = transcoder(stream)
    this.#placeholders = [...group.placeholders, ...stream.placeholders].map((placeholder) => [
      `{${placeholder.map(sourceOf).join('|')}}`,
      transcoder({ kind: 'stream', literals: ['', ''], placeholders: [placeholder] }),
    ])
    this.#metadataNames = [...new Set([group, stream].flatMap(metadataNames))]
  }

  /** The exporter, which is never started. */
  #logs(): CloudWatchLogs {
    const settings = this.#settings
    return new CloudWatchLogs({ settings, logger: silentLogger, budget: this.#budget, siblings: ALONE, name: this.id })
  }

  /**
   * Explains why the exporter would refuse a whole request; undefined if it would not.
   * @throws MalformedProtobuf
   */
  refusal(request: Uint8Array, nowMs: number): string | undefined {
    let transcoded: Transcoded
    try {
      transcoded = this.#logs().transcoder.transcode(request, nowMs)
    } catch (error) {
      if (error instanceof TextTooLong) return tooLarge(error).message
      throw error
    }
    // A queue on disk has bounds of its own, which depend on the storage.
    if (this.#settings.storage !== undefined) return undefined
    const queue = new MemoryQueue(this.#budget, this.#settings.queueBound)
    return queue.couldHold(transcoded.routed) ? undefined : tooLargeForQueue(queue).message
  }

  /** @param request one record @throws TextTooLong if its event does not fit the budget */
  explain(request: Uint8Array, nowMs: number): ExplainedRecord {
    const transcoder = this.#transcoder
    const before = changesOf(transcoder)
    const { late } = transcoder
    const diverted = { ...transcoder.diverted }
    const { routed, rejected, dropped } = transcoder.transcode(request, nowMs)
    const [first] = routed
    if (dropped > 0) return { ...NOT_KEPT, outcome: 'dropped', reason: this.#oversize(), notes: [] }
    if (first === undefined) {
      const [[reason, { sample }] = ['empty', { sample: 'the request has no record' }] as const] = rejected.byReason
      return { ...NOT_KEPT, outcome: 'rejected', reason: `${reason}: ${sample}`, notes: [] }
    }
    const { items, destination, dead } = first
    const notes = this.#missingIn(request, nowMs)
    if (this.#metadataNames.length > 0)
      notes.push(
        `the input has no request metadata, so metadata.${this.#metadataNames.join(', metadata.')} has no value here`,
      )
    const changes = describeChanges(before, transcoder)
    if (changes !== '') notes.push(changes)
    for (const reason of DIVERTED_REASONS)
      if (transcoder.diverted[reason] > diverted[reason]) notes.push(this.#detour(reason, request, nowMs))
    if (transcoder.late > late)
      notes.push(
        `its own time is too old or too new for CloudWatch, so late_events.policy ${this.#settings.events.lateEvents} applies`,
      )
    const parts = partsOf(items)
    return {
      outcome: dead === undefined ? 'event' : 'dead_letter',
      reason: dead === undefined ? undefined : `${dead.reason}: ${dead.error}`,
      destination,
      timestamp: itemTime(items, 0),
      message: parts[0]?.message,
      parts: parts.length > 1 ? parts : [],
      bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
      notes,
    }
  }

  #oversize(): string {
    const { maxMessageBytes, onOversize } = this.#settings.events
    return `oversize: its event is over max_event_bytes ${maxMessageBytes}, and on_oversize is ${onOversize}`
  }

  /** The placeholders without a value, if a name shows that there may be some. */
  #missingIn(request: Uint8Array, nowMs: number): string[] {
    if (this.#placeholders.length === 0) return []
    const wanted = streamOf(this.#unlimited, request, nowMs)
    if (wanted === undefined || !`${wanted.group} ${wanted.stream}`.includes('undefined')) return []
    const missing = this.#placeholders.filter(([, value]) => streamOf(value, request, nowMs)?.stream === 'undefined')
    const names = [...new Set(missing.map(([name]) => name))].join(', ')
    return names === ''
      ? []
      : [`no attribute of the resource, the scope or the record has a value for ${names}, so "undefined" replaces it`]
  }

  #detour(reason: (typeof DIVERTED_REASONS)[number], request: Uint8Array, nowMs: number): string {
    const { allowedGroups, maxNewAnHour } = this.#settings.destinations
    const wanted = streamOf(this.#unlimited, request, nowMs)
    const names = wanted === undefined ? 'its destination' : `group ${wanted.group}, stream ${wanted.stream}`
    return reason === 'destination_not_allowed'
      ? `${reason}: ${names} matches none of ${allowedGroups.join(', ')} (allowed_log_groups), so it goes to the overflow destination`
      : `${reason}: ${names} is new, and ${maxNewAnHour} were new within an hour (max_new_destinations), so it goes to the overflow destination`
  }
}

/** The fields of a record that is not kept. */
export const NOT_KEPT = {
  destination: undefined,
  timestamp: undefined,
  message: undefined,
  parts: [],
  bytes: 0,
} as const

/** The events of the only record. */
function partsOf(items: ItemBatch): ExplainedPart[] {
  const text = Buffer.from(items.bytes.subarray(0, itemEnd(items, items.count - 1) - 1)).toString()
  return (JSON.parse(`[${text}]`) as { message: string }[]).map(({ message }, part) => ({
    message,
    bytes: itemCounted(items, part),
  }))
}

/** The destination of the only record; undefined if it is rejected. */
function streamOf(transcoder: Transcoder, request: Uint8Array, nowMs: number): Destination | undefined {
  return transcoder.transcode(request, nowMs).routed[0]?.destination
}

/** For people: where a placeholder looks for its value. */
function sourceOf(alternative: Alternative): string {
  switch (alternative.from) {
    case 'attribute':
      return alternative.names[0] ?? ''
    case 'metadata':
      return `metadata.${alternative.name}`
    case 'time':
      return `time:${alternative.format.parts.join('')}`
    case 'text':
      return JSON.stringify(alternative.text)
  }
}
