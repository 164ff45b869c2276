// Hot path; bench: test/bench/transcode.ts
//
// Finds the destination of a record. Names without placeholders cost nothing; those that the resource fills cost one scan of
// its attributes per ResourceLogs; only placeholders that the resource leaves empty are looked up per record.

import type { Identity } from '../../../component/authenticator.ts'
import type { RejectedReason } from '../../../accounting/outcome.ts'
import type { Death } from '../../../delivery/contract/lane-items.ts'
import type { ProtobufReader } from '../../../wire/protobuf-reader.ts'
import type { Destination, DestinationGate, DivertedReason } from './destination.ts'
import { findAttributes, firstText, FoundValues, scalarText } from './attributes.ts'
import { Permission } from './permission.ts'
import { fillTemplate, legalName, type Template } from './template.ts'

/** Returned by `resource` if the destination depends on the record. */
export const ASK_RECORDS = -1
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
}

export class Router {
  readonly #gate: DestinationGate
  readonly #group: Template
  readonly #stream: Template
  /** The attribute names of all placeholders, without duplicates, as UTF-8. */
  readonly #names: readonly Uint8Array[]
  /** For each placeholder, the places in `#names` of the attributes that may fill it. */
  readonly #groupChoices: readonly (readonly number[])[]
  readonly #streamChoices: readonly (readonly number[])[]
  readonly #fromResource: (string | undefined)[]
  readonly #fromRecord: (string | undefined)[]
  readonly #found: FoundValues
  /** Values and destination of the previous record, which the next one usually shares. */
  readonly #previousFound: FoundValues
  #previousPlace = ASK_RECORDS
  #previousDetour: DivertedReason | undefined
  /** Names in the attributes of the resource, if the request may name its destination. */
  readonly #foundNames = new FoundValues(OWN_NAMES.length)
  #readsNames = false
  #ownGroup: string | undefined
  #ownStream: string | undefined
  readonly #groupValues: (string | undefined)[]
  readonly #streamValues: (string | undefined)[]
  readonly #places = new Map<string, number>()
  /** Places of dead letters, by reason and place. */
  readonly #deadPlaces: Readonly<Record<LateReason, Map<number, number>>> = { too_old: new Map(), too_new: new Map() }
  readonly #permission = new Permission()
  /** Destinations of this request; `resource` and `record` return places in it. */
  readonly destinations: RoutedTo[] = []
  /** Reason, if the last result was the overflow destination. */
  detour: DivertedReason | undefined
  /** The refused destination of the last NOT_PERMITTED result. */
  denied: { readonly group: string; readonly stream: string } = { group: '', stream: '' }
  #nowMs = 0

  constructor(group: Template, stream: Template, gate: DestinationGate) {
    this.#group = group
    this.#stream = stream
    this.#gate = gate
    const names = [...new Set([...group.attributes, ...stream.attributes].flat())]
    this.#names = names.map((name) => Buffer.from(name))
    const choices = (template: Template) => template.attributes.map((keys) => keys.map((key) => names.indexOf(key)))
    this.#groupChoices = choices(group)
    this.#streamChoices = choices(stream)
    this.#fromResource = names.map(() => undefined)
    this.#fromRecord = names.map(() => undefined)
    this.#found = new FoundValues(names.length)
    this.#previousFound = new FoundValues(names.length)
    this.#groupValues = group.attributes.map(() => undefined)
    this.#streamValues = stream.attributes.map(() => undefined)
  }

  /**
   * @param identity the sender's identity, whose rules apply before those of the exporter
   * @param readsNames whether `aws.log.group.names` and `aws.log.stream.names` of a resource replace the templates
   */
  begin(identity: Identity | undefined, readsNames: boolean): void {
    this.#readsNames = readsNames
    this.#ownGroup = undefined
    this.#ownStream = undefined
    // Not the wall clock: setting it must not extend the hour of new destinations.
    this.#nowMs = performance.now()
    this.#permission.begin(identity)
    this.destinations.length = 0
    this.#places.clear()
    this.#deadPlaces.too_old.clear()
    this.#deadPlaces.too_new.clear()
    this.#previousPlace = ASK_RECORDS
  }

  /** @returns Returns a place in `destinations`, NOT_PERMITTED or ASK_RECORDS */
  resource(reader: ProtobufReader, from: number, to: number, tag: number): number {
    if (this.#readsNames) this.#readNames(reader, from, to, tag)
    if (this.#names.length === 0) return this.#fill()
    this.#fromRecord.fill(undefined)
    this.#previousPlace = ASK_RECORDS
    this.#find(reader, from, to, tag)
    this.#read(reader, this.#fromResource)
    const isComplete =
      (this.#ownGroup !== undefined || this.#complete(this.#groupChoices)) &&
      (this.#ownStream !== undefined || this.#complete(this.#streamChoices))
    return isComplete ? this.#fill() : ASK_RECORDS
  }

  /** @returns Returns a place in `destinations`, or NOT_PERMITTED */
  record(reader: ProtobufReader, from: number, to: number, tag: number): number {
    if (from >= 0) this.#find(reader, from, to, tag)
    else this.#found.clear()
    if (this.#previousPlace !== ASK_RECORDS && this.#found.equals(this.#previousFound, reader.bytes)) {
      this.detour = this.#previousDetour
      return this.#previousPlace
    }
    this.#read(reader, this.#fromRecord)
    const place = this.#fill()
    this.#previousFound.copy(this.#found)
    this.#previousPlace = place
    this.#previousDetour = this.detour
    return place
  }

  #find(reader: ProtobufReader, from: number, to: number, tag: number): void {
    this.#found.clear()
    findAttributes(reader, from, to, tag, this.#names, this.#found)
  }

  #read(reader: ProtobufReader, texts: (string | undefined)[]): void {
    const { from, to } = this.#found
    for (let name = 0; name < texts.length; name++)
      texts[name] =
        (from[name] as number) < 0 ? undefined : scalarText(reader, from[name] as number, to[name] as number)
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
  dead(place: number, death: LateDeath): number {
    const places = this.#deadPlaces[death.reason]
    const known = places.get(place)
    if (known !== undefined) return known
    const target = this.destinations[place]?.destination
    const dead = target === undefined ? place : this.destinations.push({ destination: target, dead: death }) - 1
    places.set(place, dead)
    return dead
  }

  #fill(): number {
    this.#choose(this.#groupChoices, this.#groupValues)
    this.#choose(this.#streamChoices, this.#streamValues)
    return this.#place(
      this.#ownGroup ?? fillTemplate(this.#group, this.#groupValues),
      this.#ownStream ?? fillTemplate(this.#stream, this.#streamValues),
    )
  }

  #readNames(reader: ProtobufReader, from: number, to: number, tag: number): void {
    const found = this.#foundNames
    found.clear()
    findAttributes(reader, from, to, tag, OWN_NAMES, found)
    const group = firstText(reader, found.from[0] as number, found.to[0] as number)
    const stream = firstText(reader, found.from[1] as number, found.to[1] as number)
    this.#ownGroup = group ? legalName('group', group) : undefined
    this.#ownStream = stream ? legalName('stream', stream) : undefined
  }

  #choose(choices: readonly (readonly number[])[], values: (string | undefined)[]): void {
    for (let i = 0; i < choices.length; i++) values[i] = this.#value(choices[i] as readonly number[])
  }

  #complete(choices: readonly (readonly number[])[]): boolean {
    for (const choice of choices) if (this.#value(choice) === undefined) return false
    return true
  }

  /** Values of the resource take precedence over all values of the record: otherwise placeholders would affect each other. */
  #value(choice: readonly number[]): string | undefined {
    for (const name of choice) if (this.#fromResource[name]) return this.#fromResource[name]
    for (const name of choice) if (this.#fromRecord[name]) return this.#fromRecord[name]
    return undefined
  }

  #place(group: string, stream: string): number {
    if (!this.#permission.allows(group)) {
      this.detour = undefined
      this.denied = { group, stream }
      return NOT_PERMITTED
    }
    const admitted = this.#gate.admit(group, stream, this.#nowMs)
    this.detour = typeof admitted === 'string' ? admitted : undefined
    return this.#target(typeof admitted === 'string' ? this.#gate.overflow : admitted)
  }

  #target(destination: Destination): number {
    const known = this.#places.get(destination.key)
    if (known !== undefined) return known
    this.#places.set(destination.key, this.destinations.length)
    return this.destinations.push({ destination, dead: undefined }) - 1
  }
}
