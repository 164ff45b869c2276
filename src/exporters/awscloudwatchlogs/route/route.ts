// Hot path; bench: test/bench/transcode.ts
//
// Finds the destination of a record. Names without placeholders cost nothing; those that the resource fills cost one scan of
// its attributes per ResourceLogs; only placeholders that the resource leaves empty are looked up per scope and per record.

import type { Identity } from '../../../component/authenticator.ts'
import type { LogsRequest } from '../../../component/consumer.ts'
import type { RejectedReason } from '../../../accounting/outcome.ts'
import type { Death } from '../../../delivery/contract/lane-items.ts'
import type { ProtobufReader } from '../../../wire/protobuf-reader.ts'
import type { Destination, DestinationGate, DivertedReason } from './destination.ts'
import { findAttributes, FoundValues, scalarText } from './attributes.ts'
import type { Entities } from './entity.ts'
import { Permission } from './permission.ts'
import { PlaceholderValues } from './placeholder-values.ts'
import { fillTemplate, legalName, type NameKind, type Template } from './template.ts'

/** Returned by `resource` if the destination depends on the scope or the record, and by `scope` if on the record. */
export const ASK_FURTHER = -1
/** Replaces a destination that the sender may not write: a request may name half a million, and none gets an object. */
export const NOT_PERMITTED = -2

/** The attributes by which a client names a destination: semantic conventions of OpenTelemetry, a string or a list of one. */
const OWN_NAMES = [Buffer.from('aws.log.group.names'), Buffer.from('aws.log.stream.names')]

/** Rejection reasons that depend only on an event's time. */
export type LateReason = Extract<RejectedReason, 'too_old' | 'too_new'>

/** Why a late event is a dead letter. */
export interface LateDeath extends Death {
  readonly reason: LateReason
}

/** One per destination, and one more for each reason why its events are not sent. */
export interface RoutedTo {
  readonly destination: Destination
  /** If set, the events become dead letters of the destination. */
  readonly dead: Death | undefined
  /** Its events have this entity. */
  readonly entity: string | undefined
}

const GROUP = 0
const STREAM = 1

export class Router {
  readonly #gate: DestinationGate
  readonly #group: Template
  readonly #stream: Template
  readonly #values: PlaceholderValues
  /** Destination of the previous record, whose values the next one usually shares. */
  #previousPlace = ASK_FURTHER
  #previousDetour: DivertedReason | undefined
  /** Names in the attributes of the resource, if the request may name its destination. */
  readonly #foundNames = new FoundValues(OWN_NAMES.length)
  #readsNames = false
  #ownGroup: string | undefined
  #ownStream: string | undefined
  /** By destination and entity. */
  readonly #places = new Map<string, number>()
  /** Undefined without the option. */
  readonly #entities: Entities | undefined
  #entity: string | undefined
  /** Places of dead letters, by reason and place. */
  readonly #deadPlaces = new Map<RejectedReason, Map<number, number>>()
  readonly #permission = new Permission()
  /** Destinations of this request; `resource` and `record` return places in it. */
  readonly destinations: RoutedTo[] = []
  /** Reason, if the last result was the overflow destination. */
  detour: DivertedReason | undefined
  /** The refused destination of the last NOT_PERMITTED result. One object: a request may be refused half a million times. */
  readonly denied = { group: '', stream: '' }
  #nowMs = 0

  /** @param entities undefined: events have none */
  constructor(group: Template, stream: Template, gate: DestinationGate, entities?: Entities) {
    this.#entities = entities
    this.#group = group
    this.#stream = stream
    this.#gate = gate
    this.#values = new PlaceholderValues([group, stream])
  }

  /** True if `record` needs the event's time. */
  get timed(): boolean {
    return this.#values.timed
  }

  /**
   * @param identity the sender's identity, whose rules apply before those of the exporter
   * @param metadata of the request
   * @param readsNames whether `aws.log.group.names` and `aws.log.stream.names` of a resource replace the templates
   */
  begin(identity: Identity | undefined, metadata: LogsRequest['metadata'], readsNames: boolean): void {
    this.#readsNames = readsNames
    this.#ownGroup = undefined
    this.#ownStream = undefined
    this.#values.ignore(GROUP, false)
    this.#values.ignore(STREAM, false)
    // Not the wall clock: setting it must not extend the hour of new destinations.
    this.#nowMs = performance.now()
    this.#permission.begin(identity)
    this.#values.beginRequest(metadata)
    this.destinations.length = 0
    this.#places.clear()
    this.#deadPlaces.clear()
  }

  /** @returns Returns a place in `destinations`, NOT_PERMITTED or ASK_FURTHER */
  resource(reader: ProtobufReader, from: number, to: number, tag: number): number {
    this.#entity = this.#entities?.of(reader, from, to, tag, this.#nowMs)
    if (this.#readsNames) this.#readNames(reader, from, to, tag)
    this.#values.beginResource(reader, from, to, tag)
    this.#forgetRecord()
    return this.#values.complete ? this.#fill() : ASK_FURTHER
  }

  /** @returns Returns a place in `destinations`, NOT_PERMITTED or ASK_FURTHER */
  scope(reader: ProtobufReader, from: number, to: number, tag: number): number {
    this.#values.beginScope(reader, from, to, tag)
    this.#forgetRecord()
    return this.#values.complete ? this.#fill() : ASK_FURTHER
  }

  /**
   * @param timeMs time under which the event is stored, ms since the epoch; any number if not `timed`
   * @returns Returns a place in `destinations`, or NOT_PERMITTED
   */
  record(reader: ProtobufReader, from: number, to: number, tag: number, timeMs: number): number {
    const same = this.#values.findRecord(reader, from, to, tag, timeMs)
    if (same && this.#previousPlace !== ASK_FURTHER) {
      this.detour = this.#previousDetour
      return this.#previousPlace
    }
    this.#values.readRecord(reader)
    const place = this.#fill()
    this.#previousPlace = place
    this.#previousDetour = this.detour
    return place
  }

  #forgetRecord(): void {
    this.#previousPlace = ASK_FURTHER
    this.#values.forgetRecord()
  }

  /** The place for a body that names its destination (`route_from_body`); the stream defaults to the template's. */
  named(group: string, stream: string | undefined, otherwise: number): number {
    const fallback = this.destinations[otherwise]?.destination.stream ?? this.denied.stream
    return this.#place(legalName('group', group), stream === undefined ? fallback : legalName('stream', stream))
  }

  /** The place for events that are too old or too new for their destination. */
  late(): number {
    return this.#target(this.#gate.late)
  }

  /** The place for dead letters of the destination at `place`. */
  dead(place: number, death: Death): number {
    let places = this.#deadPlaces.get(death.reason)
    if (places === undefined) this.#deadPlaces.set(death.reason, (places = new Map<number, number>()))
    const known = places.get(place)
    if (known !== undefined) return known
    const target = this.destinations[place]
    const dead = target === undefined ? place : this.destinations.push({ ...target, dead: death }) - 1
    places.set(place, dead)
    return dead
  }

  #fill(): number {
    const group = this.#ownGroup ?? fillTemplate(this.#group, this.#values.of(GROUP))
    return this.#place(group, this.#ownStream ?? fillTemplate(this.#stream, this.#values.of(STREAM)))
  }

  #readNames(reader: ProtobufReader, from: number, to: number, tag: number): void {
    const found = this.#foundNames
    found.clear()
    findAttributes(reader, from, to, tag, OWN_NAMES, found)
    this.#ownGroup = this.#readName(reader, GROUP, 'group')
    this.#ownStream = this.#readName(reader, STREAM, 'stream')
  }

  /** @param template its place, which is that of the attribute in OWN_NAMES too */
  #readName(reader: ProtobufReader, template: number, kind: NameKind): string | undefined {
    const from = this.#foundNames.from[template] as number
    const text = from < 0 ? undefined : scalarText(reader, from, this.#foundNames.to[template] as number, true)
    this.#values.ignore(template, Boolean(text))
    return text ? legalName(kind, text) : undefined
  }

  #place(group: string, stream: string): number {
    if (!this.#permission.allows(group)) {
      this.detour = undefined
      this.denied.group = group
      this.denied.stream = stream
      return NOT_PERMITTED
    }
    const admitted = this.#gate.admit(group, stream, this.#nowMs)
    this.detour = typeof admitted === 'string' ? admitted : undefined
    return this.#target(typeof admitted === 'string' ? this.#gate.overflow : admitted)
  }

  #target(destination: Destination): number {
    const entity = this.#entity
    const key = entity === undefined ? destination.key : `${destination.key}:${entity}`
    const known = this.#places.get(key)
    if (known !== undefined) return known
    this.#places.set(key, this.destinations.length)
    return this.destinations.push({ destination, dead: undefined, entity }) - 1
  }
}
