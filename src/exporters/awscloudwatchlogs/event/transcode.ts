// Hot path; bench: test/bench/transcode.ts
//
// One pass over an ExportLogsServiceRequest: checks the bytes, routes each record and writes its event, ready for the body
// of a PutLogEvents. Events are written back to back into one buffer and then copied into one exact buffer per lane:
//
//   item = {"timestamp":1763700000000,"message":"<message, escaped>"},       the comma is included, so that a run of
//                                                                            items is copied into a body in one piece

import { randomBytes } from 'node:crypto'
import type { Identity } from '../../../component/authenticator.ts'
import type { LogsRequest } from '../../../component/consumer.ts'
import type { RejectedReason } from '../../../accounting/outcome.ts'
import type { Rejections } from '../../../accounting/rejections.ts'
import { JsonText, ONCE, TextTooLong } from '../../../wire/json-text.ts'
import type { Death } from '../../../delivery/contract/lane-items.ts'
import { MalformedProtobuf, ProtobufReader } from '../../../wire/protobuf-reader.ts'
import { AnyValueWriter } from './any-value.ts'
import { cutMessage } from './oversize/cut.ts'
import type { DivertedReason } from '../route/destination.ts'
import { EventJson, RESOURCE_ATTRIBUTES, SCOPE_ATTRIBUTES } from './event-json.ts'
import { describeLate, LATE_DEATHS, lateness, nearestTime } from './late-time.ts'
import { EVENT_OVERHEAD_BYTES } from '../limits.ts'
import { LogRecordFields, nanosToMillis, RECORD_ATTRIBUTES } from './log-record.ts'
import { unescapeJson } from '../../../wire/json-unescape.ts'
import { isJson, namedDestination } from './raw-json.ts'
import { EmfBody } from './message/emf-body.ts'
import type { Emf } from './message/emf.ts'
import type { MessageShape } from './message/message-shape.ts'
import { RawLog } from './raw-log.ts'
import { RejectedRecords, type LaneRejections } from './rejected-records.ts'
import { ASK_FURTHER, type LateReason, NOT_PERMITTED, type Router } from '../route/route.ts'
import { Split } from './oversize/split.ts'
import { type RoutedItems, WrittenEvents } from './written-events.ts'

/** Action for an event over the limit. */
export type OnOversize = 'truncate' | 'split' | 'drop' | 'dead_letter' | 'reject'

export type LatePolicy = 'dead_letter' | 'reject' | 'clamp' | 'divert'

export interface TranscodeOptions {
  readonly rawLog: boolean
  /** With `rawLog`: a JSON body may name its own group and stream. */
  readonly routeFromBody: boolean
  /** Whether `aws.log.group.names` and `aws.log.stream.names` name the destination; undefined: if the request says so. */
  readonly routeFromAttributes?: boolean | undefined
  /** Each event gets a unique id; only without `rawLog`. */
  readonly eventId: boolean
  /** Differences from the collector's event; undefined: nothing. */
  readonly shape?: MessageShape | undefined
  /** Documents of the embedded metric format are the whole message, if they are valid. */
  readonly emf?: boolean
  /** Maximum bytes of a message; `onOversize` decides about a longer one. */
  readonly maxMessageBytes: number
  readonly onOversize: OnOversize
  /** Maximum bytes of the events of one request; a larger one is refused. */
  readonly maxTextBytes: number
  /** Action for events that CloudWatch would refuse for their time. */
  readonly lateEvents: LatePolicy
}

/** The metadata of a request, and the parts of its form that its protocol decides. */
export type RequestForm = Pick<LogsRequest, 'bare' | 'namesDestination'> & Partial<Pick<LogsRequest, 'metadata'>>
const OTLP: RequestForm = {}

export interface Transcoded {
  readonly records: number
  /** Events in addition to one per record: a record that is split in three has two more. */
  readonly moreParts: number
  /** Records left out by `on_oversize: drop`; they are in `rejectedByLane`, too. */
  readonly dropped: number
  readonly rejected: Rejections
  /** The rejected records whose sender may write their destination, by destination and reason. */
  readonly rejectedByLane: readonly LaneRejections[]
  readonly routed: readonly RoutedItems[]
}

// Tags: ExportLogsServiceRequest and ResourceLogs, ScopeLogs of logs.proto. All three keep what they hold in these fields.
const RESOURCE_LOGS = (1 << 3) | 2
const OWNER = (1 << 3) | 2
const CHILDREN = (2 << 3) | 2

const TIMESTAMP = Buffer.from('{"timestamp":')
const MESSAGE = Buffer.from(',"message":"')
const ITEM_END = Buffer.from('"},')
/** Maximum records in one request: bounds the place and lane that are kept per record during the pass. */
const MAX_RECORDS = 500_000
/** No original time to keep: the event has its own. */
export const NOT_LATE = -1
/** No record of this resource has been routed yet: a request may hold thirty million empty resources. */
const NOT_ROUTED = -3
/** One for all events: a request may have half a million. */
const TOO_LARGE_DEATH: Death = { reason: 'too_large', error: 'its event is over max_event_bytes' }
/** A larger buffer for a line is released. */
const KEPT_LINE_BYTES = 1_048_576
const OPEN_OBJECT = 0x7b
/** Maximum bytes of an item around its message: both fragments, the longest timestamp, the end. */
const AROUND_BYTES = 64

export class Transcoder {
  readonly #options: TranscodeOptions
  readonly #router: Router
  readonly #reader = new ProtobufReader()
  readonly #record = new LogRecordFields()
  readonly #values = new AnyValueWriter(this.#reader)
  readonly #text: JsonText
  readonly #event: EventJson
  readonly #raw: RawLog
  readonly #emf: EmfBody | undefined
  /** An unescaped copy of a message, to look for a destination in it. */
  #line = Buffer.alloc(0)
  /** The message in field 1 that `#findOwner` found: the resource of a ResourceLogs, the scope of a ScopeLogs. */
  #ownerFrom = -1
  #ownerTo = 0
  /** The lane of this ResourceLogs' records: NOT_ROUTED until the first of them is routed. */
  #lane = NOT_ROUTED
  #detour: DivertedReason | undefined
  readonly #rejected = new RejectedRecords()
  #records = 0
  #moreParts = 0
  #droppedHere = 0
  /** The prefix of the ids of split events, unique to this transcoder. */
  readonly #splitId = randomBytes(8).toString('hex')
  readonly #split = new Split()
  #takenBack = 0
  #nowMs = 0
  #identity: Identity | undefined
  #bare = false
  readonly #events = new WrittenEvents()

  /** Events that were cut to the limit. */
  cut = 0
  /** Documents of the embedded metric format that were wrong, and written as plain logs. */
  invalidMetrics = 0
  /** Events that were split into parts. */
  split = 0
  /** Events over the limit that were left out. */
  dropped = 0
  /** Events whose time was changed, or that were diverted because of it. */
  late = 0
  /** Events sent to the overflow destination, by reason. */
  readonly diverted: Record<DivertedReason, number> = { destination_not_allowed: 0, destination_cap: 0 }

  constructor(router: Router, options: TranscodeOptions) {
    this.#router = router
    this.#options = options
    this.#text = new JsonText(options.maxTextBytes)
    this.#event = new EventJson(this.#reader, this.#values, options.maxTextBytes, options.eventId, options.shape)
    this.#emf = options.emf === true ? new EmfBody(this.#reader) : undefined
    this.#raw = new RawLog(this.#values)
  }

  /** Values that were nested too deep and replaced by a marker. */
  get tooDeep(): number {
    return this.#values.tooDeep
  }

  /** Invalid UTF-8 sequences that became U+FFFD. */
  get repaired(): number {
    return this.#text.repaired + this.#event.repaired
  }

  /**
   * @param bytes an ExportLogsServiceRequest; only read during the call
   * @param nowMs time for records without one, and reference for "too old" and "too new"
   * @param identity the sender, if it is restricted to log groups
   * @param form what the receiver's protocol asks for, and the metadata for names that use it
   * @throws MalformedProtobuf, TextTooLong; then nothing of the request is kept
   */
  transcode(bytes: Uint8Array, nowMs: number, identity?: Identity, form: RequestForm = OTLP): Transcoded {
    const reader = this.#reader
    reader.reset(bytes)
    this.#rejected.clear()
    this.#records = 0
    this.#moreParts = 0
    this.#droppedHere = 0
    this.#takenBack = 0
    this.#events.clear()
    this.#nowMs = nowMs
    this.#identity = identity
    this.#bare = this.#options.rawLog || form.bare === true
    this.#router.begin(identity, form.metadata, this.#options.routeFromAttributes ?? form.namesDestination === true)
    try {
      this.#resources(bytes.length)
      return {
        records: this.#records,
        moreParts: this.#moreParts,
        dropped: this.#droppedHere,
        rejected: this.#rejected.byReason,
        rejectedByLane: this.#rejected.rejectedByLane,
        routed: this.#events.routed(this.#text.bytes, this.#router.destinations),
      }
    } finally {
      this.#releaseBuffers()
    }
  }

  /** Releases buffers that grew for a giant request: three of them would take half the memory of a small pod. */
  #releaseBuffers(): void {
    this.#reader.release()
    this.#text.restart()
    this.#event.release()
    if (this.#line.length > KEPT_LINE_BYTES) this.#line = Buffer.alloc(0)
  }

  #resources(end: number): void {
    const reader = this.#reader
    while (reader.pos < end) {
      const at = reader.pos
      const tag = reader.tag()
      if (tag !== RESOURCE_LOGS) {
        if (tag >>> 3 === 1) throw new MalformedProtobuf(`resource_logs has wire type ${tag & 7}`, at)
        reader.skip(tag)
        continue
      }
      const length = reader.length()
      this.#resourceLogs(reader.pos, reader.pos + length)
      reader.end = end
    }
  }

  #resourceLogs(from: number, to: number): void {
    const reader = this.#reader
    this.#findOwner(from, to)
    const resourceFrom = this.#ownerFrom
    const resourceTo = this.#ownerTo
    this.#lane = NOT_ROUTED
    if (!this.#bare) this.#event.shareResource(resourceFrom, resourceTo)
    reader.pos = from
    while (reader.pos < to) {
      reader.end = to
      const tag = reader.tag()
      if (tag !== CHILDREN) {
        reader.skip(tag)
        continue
      }
      const length = reader.length()
      this.#scopeLogs(reader.pos, reader.pos + length, resourceFrom, resourceTo)
    }
  }

  #scopeLogs(from: number, to: number, resourceFrom: number, resourceTo: number): void {
    const reader = this.#reader
    this.#findOwner(from, to)
    if (!this.#bare) this.#event.shareScope(this.#ownerFrom, this.#ownerTo)
    const record = this.#record
    const router = this.#router
    const scopeFrom = this.#ownerFrom
    const scopeTo = this.#ownerTo
    let scopeLane = NOT_ROUTED
    let scopeDetour: DivertedReason | undefined
    reader.pos = from
    while (reader.pos < to) {
      reader.end = to
      const tag = reader.tag()
      if (tag !== CHILDREN) {
        reader.skip(tag)
        continue
      }
      const length = reader.length()
      const recordEnd = reader.pos + length
      record.read(reader, recordEnd)
      if (this.#lane === NOT_ROUTED) {
        this.#lane = router.resource(reader, Math.max(resourceFrom, 0), resourceTo, RESOURCE_ATTRIBUTES)
        this.#detour = router.detour
      }
      let lane = this.#lane
      let detour = this.#detour
      if (lane === ASK_FURTHER) {
        if (scopeLane === NOT_ROUTED) {
          scopeLane = router.scope(reader, Math.max(scopeFrom, 0), scopeTo, SCOPE_ATTRIBUTES)
          scopeDetour = router.detour
        }
        lane = scopeLane
        detour = scopeDetour
        if (lane === ASK_FURTHER) {
          const timeMs = router.timed ? this.#recordTime() : 0
          lane = router.record(reader, record.attributesFrom, record.attributesTo, RECORD_ATTRIBUTES, timeMs)
          detour = router.detour
        }
      }
      this.#writeItem(lane, detour)
      if (++this.#records > MAX_RECORDS) throw new TextTooLong(`over ${MAX_RECORDS} records`)
      reader.pos = recordEnd
    }
  }

  /** Finds the message in field 1 of the message in `[from, to)`; `#ownerFrom` is -1 if it is absent. */
  #findOwner(from: number, to: number): void {
    const reader = this.#reader
    this.#ownerFrom = -1
    this.#ownerTo = 0
    reader.pos = from
    reader.end = to
    while (reader.pos < to) {
      const at = reader.pos
      const tag = reader.tag()
      if (tag === OWNER) {
        const length = reader.length()
        this.#ownerFrom = reader.pos
        reader.pos = this.#ownerTo = this.#ownerFrom + length
      } else {
        if (tag >>> 3 <= 2 && tag !== CHILDREN)
          throw new MalformedProtobuf(`field ${tag >>> 3} has wire type ${tag & 7}`, at)
        reader.skip(tag)
      }
    }
  }

  #writeItem(lane: number, detour: DivertedReason | undefined): void {
    const record = this.#record
    let timestamp = this.#timestamp()
    let originalTime = NOT_LATE
    const late = lateness(timestamp, this.#nowMs)
    if (late !== undefined) {
      const { lateEvents } = this.#options
      if (lateEvents === 'reject') return this.#rejectLate(timestamp, late, lane)
      if (lateEvents !== 'dead_letter') originalTime = timestamp
      timestamp = this.#storedTime(timestamp, late)
    }
    // Only a body can name another destination.
    if (lane === NOT_PERMITTED && !this.#options.routeFromBody) return this.#rejectNotPermitted()
    const text = this.#text
    const start = text.pos
    this.#beginItem(timestamp)
    const messageStart = text.pos
    const emf = this.#writeEmf(messageStart)
    if (emf === 'valid') {
      // The whole message is written.
    } else if (this.#bare) {
      if (emf === 'invalid') this.#raw.wrapped(text, record)
      else this.#raw.write(text, record)
      if (text.counted === 0) {
        text.pos = start
        if (!this.#reject('empty', lane))
          this.#rejected.addSample('empty', 'its body is empty, and raw_log sends nothing else')
        return
      }
      if (this.#options.routeFromBody && text.bytes[messageStart] === OPEN_OBJECT) {
        const named = namedDestination(this.#copyLine(messageStart))
        if (named !== undefined) {
          lane = this.#router.named(named.group, named.stream, lane)
          detour = this.#router.detour
        }
      }
    } else this.#event.write(text, record, originalTime, this.#nowMs, emf === 'none')
    if (lane === NOT_PERMITTED) {
      this.#takeBack(start)
      return this.#rejectNotPermitted()
    }
    const oversize = text.counted > this.#options.maxMessageBytes
    if (oversize && this.#leaveOut(start, lane)) return
    if (detour !== undefined) this.diverted[detour]++
    if (late !== undefined) lane = this.#lateLane(lane, late)
    if (oversize) {
      const { onOversize } = this.#options
      if (onOversize === 'split') return this.#writeParts(start, messageStart, timestamp, lane)
      if (onOversize === 'truncate') this.#shorten(messageStart)
      else lane = this.#router.dead(lane, TOO_LARGE_DEATH)
    }
    this.#endItem(timestamp, lane)
  }

  /** Writes the body if it is a valid document of the embedded metric format, else nothing. */
  #writeEmf(messageStart: number): Emf {
    const record = this.#record
    if (this.#emf === undefined || !this.#emf.mayBe(record)) return 'none'
    const text = this.#text
    this.#raw.write(text, record)
    const emf = this.#emf.check(this.#copyLine(messageStart))
    if (emf === 'valid') return emf
    if (emf === 'invalid') this.invalidMetrics++
    this.#takeBack(messageStart)
    text.counted = 0
    return emf
  }

  /** Writes an item up to its message, which is counted from here on. */
  #beginItem(timestamp: number): void {
    const text = this.#text
    text.ensure(AROUND_BYTES)
    append(text, TIMESTAMP)
    text.decimal(timestamp)
    append(text, MESSAGE)
    text.counted = 0
  }

  #endItem(timestamp: number, lane: number): void {
    const text = this.#text
    text.ensure(AROUND_BYTES)
    append(text, ITEM_END)
    const { maxTextBytes } = this.#options
    if (text.pos > maxTextBytes) throw new TextTooLong(`over ${maxTextBytes} bytes`)
    this.#events.add(text.pos, timestamp, text.counted + EVENT_OVERHEAD_BYTES, lane, this.#records)
  }

  /** Removes an event over the limit, if such events are not stored. @returns Returns false if it is kept */
  #leaveOut(start: number, lane: number): boolean {
    const { onOversize } = this.#options
    if (onOversize !== 'reject' && onOversize !== 'drop') return false
    const size = this.#text.counted
    this.#takeBack(start)
    if (onOversize === 'drop') {
      this.dropped++
      this.#droppedHere++
      this.#rejected.drop(this.#router.destinations[lane]?.destination.key ?? '')
    } else if (!this.#reject('too_large', lane)) this.#rejected.addSample('too_large', this.#tooLarge(size))
    return true
  }

  /** Replaces the event at `start` by its parts, each an event of the same time. */
  #writeParts(start: number, messageStart: number, timestamp: number, lane: number): void {
    const text = this.#text
    const message = this.#copyLine(messageStart)
    this.#takeBack(start)
    const split = this.#split
    const isWhole = !this.#bare || isJson(message)
    split.begin(message, isWhole, this.#options.maxMessageBytes, `${this.#splitId}-${++this.split}`)
    if (this.#records + this.#moreParts + split.parts > MAX_RECORDS)
      throw new TextTooLong(`over ${MAX_RECORDS} events, with the parts of long ones`)
    for (let part = 0; part < split.parts; part++) {
      this.#beginItem(timestamp)
      split.write(text)
      this.#endItem(timestamp, lane)
    }
    this.#moreParts += split.parts - 1
    split.end()
  }

  #lateLane(lane: number, late: LateReason): number {
    const { lateEvents } = this.#options
    if (lateEvents === 'dead_letter') return this.#router.dead(lane, LATE_DEATHS[late])
    this.late++
    return lateEvents === 'divert' ? this.#router.late() : lane
  }

  #rejectNotPermitted(): void {
    if (this.#reject('not_permitted', NOT_PERMITTED)) return
    this.#rejected.addSample(
      'not_permitted',
      `${this.#identity?.name} may not write the log group ${this.#router.denied.group}`,
    )
  }

  #rejectLate(timestamp: number, late: LateReason, lane: number): void {
    if (!this.#reject(late, lane)) this.#rejected.addSample(late, describeLate(timestamp, late))
  }

  #tooLarge(size: number): string {
    return `its event has ${size} bytes, over max_event_bytes ${this.#options.maxMessageBytes}`
  }

  /** ms since the epoch: the record's time, else its observed time, else its arrival time. */
  #timestamp(): number {
    const record = this.#record
    if (record.timeHigh !== 0 || record.timeLow !== 0) return nanosToMillis(record.timeHigh, record.timeLow)
    if (record.observedHigh !== 0 || record.observedLow !== 0)
      return nanosToMillis(record.observedHigh, record.observedLow)
    return this.#nowMs
  }

  #recordTime(): number {
    const timestamp = this.#timestamp()
    return this.#storedTime(timestamp, lateness(timestamp, this.#nowMs))
  }

  /** The time under which an event is stored: its own, unless it is late and stored under another. */
  #storedTime(timestamp: number, late: LateReason | undefined): number {
    const { lateEvents } = this.#options
    if (late === undefined || lateEvents === 'dead_letter' || lateEvents === 'reject') return timestamp
    return lateEvents === 'clamp' ? nearestTime(late, this.#nowMs) : this.#nowMs
  }

  /** Shortens the message at `messageStart` to the limit. */
  #shorten(messageStart: number): void {
    const text = this.#text
    const end = unescapeJson(text.bytes, messageStart, text.pos, text.bytes, messageStart)
    const message = text.bytes.subarray(messageStart, end)
    const shorter = cutMessage(message, this.#options.maxMessageBytes, !this.#bare || isJson(message))
    this.#takeBack(messageStart)
    text.counted = 0
    text.utf8(new DataView(shorter.buffer, shorter.byteOffset, shorter.length), 0, shorter.length, ONCE)
    this.cut++
  }

  /** Removes everything written since `start`. Bounded, because many records may each be written with a giant resource. */
  #takeBack(start: number): void {
    const text = this.#text
    this.#takenBack += text.pos - start
    text.pos = start
    const { maxTextBytes } = this.#options
    if (this.#takenBack > maxTextBytes) throw new TextTooLong(`over ${maxTextBytes} bytes that are not sent`)
  }

  /** The message written since `messageStart`, unescaped. Valid until the next call. */
  #copyLine(messageStart: number): Buffer {
    const { bytes, pos, counted } = this.#text
    if (this.#line.length < counted) this.#line = Buffer.allocUnsafeSlow(Math.max(counted, 1_024))
    return this.#line.subarray(0, unescapeJson(bytes, messageStart, pos, this.#line, 0))
  }

  /**
   * Counts the record as rejected.
   * @param place NOT_PERMITTED has no ledger
   * @returns Returns false if a sample must add the reason first
   */
  #reject(reason: RejectedReason, place: number): boolean {
    return this.#rejected.add(reason, this.#router.destinations[place]?.destination.key)
  }
}

/** There is room for `bytes`. */
function append(text: JsonText, bytes: Buffer): void {
  for (let i = 0; i < bytes.length; i++) text.bytes[text.pos++] = bytes[i] as number
}
