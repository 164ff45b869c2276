// Hot path; bench: test/bench/transcode.ts
//
// Which destination a record goes to. Names with no placeholder cost nothing; those that the resource fills cost one look
// through its attributes for each ResourceLogs; only a placeholder that the resource leaves empty is looked up per record.

import type { Identity } from '../../../component/authenticator.ts'
import type { RejectedReason } from '../../../accounting/outcome.ts'
import type { ProtobufReader } from '../../../wire/protobuf-reader.ts'
import type { Destination, DestinationGate, DivertedReason } from './destination.ts'
import { findAttributes, FoundValues, scalarText } from './attributes.ts'
import { Permission } from './permission.ts'
import { fillTemplate, legalName, type Template } from './template.ts'

/** Returned by `resource` when records have to be asked. */
export const ASK_RECORDS = -1
/** In place of a destination that the sender may not write: a request may name half a million of them, and none is made. */
export const NOT_PERMITTED = -2

/** Of the reasons for which records are rejected, those that time alone decides. */
export type LateReason = Extract<RejectedReason, 'too_old' | 'too_new'>

/** One for each destination, and one more for each reason why events of it are not sent. */
export interface RoutedTo {
  readonly destination: Destination
  /** Undefined for what is sent; else it becomes a dead letter of that destination. */
  readonly dead: LateReason | undefined
}

export class Router {
  readonly #gate: DestinationGate
  readonly #group: Template
  readonly #stream: Template
  /** Attribute names asked for, each once, as UTF-8. */
  readonly #names: readonly Uint8Array[]
  /** For each placeholder, the places in `#names` of what may fill it. */
  readonly #groupChoices: readonly (readonly number[])[]
  readonly #streamChoices: readonly (readonly number[])[]
  readonly #fromResource: (string | undefined)[]
  readonly #fromRecord: (string | undefined)[]
  readonly #found: FoundValues
  /** Of the record before, and where it went: neighbors mostly name the same. */
  readonly #foundBefore: FoundValues
  #placeBefore = ASK_RECORDS
  #detourBefore: DivertedReason | undefined
  readonly #groupValues: (string | undefined)[]
  readonly #streamValues: (string | undefined)[]
  readonly #places = new Map<string, number>()
  /** Places of dead letters, by place and reason. */
  readonly #deadPlaces = new Map<number, number>()
  readonly #permission = new Permission()
  /** Destinations of this request; what `resource` and `record` return are places in it. */
  readonly destinations: RoutedTo[] = []
  /** Of the last answer: why it is the overflow destination. */
  detour: DivertedReason | undefined
  /** Of the last answer that was NOT_PERMITTED: what it would have been. */
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
    this.#foundBefore = new FoundValues(names.length)
    this.#groupValues = group.attributes.map(() => undefined)
    this.#streamValues = stream.attributes.map(() => undefined)
  }

  /** @param identity the sender's, whose own rules hold before those of the exporter */
  begin(identity: Identity | undefined): void {
    // A wall clock that is set must not lengthen the hour of new destinations.
    this.#nowMs = performance.now()
    this.#permission.begin(identity)
    this.destinations.length = 0
    this.#places.clear()
    this.#deadPlaces.clear()
    this.#placeBefore = ASK_RECORDS
  }

  /** @returns a place in `destinations`, NOT_PERMITTED, or ASK_RECORDS */
  resource(reader: ProtobufReader, from: number, to: number, tag: number): number {
    if (this.#names.length === 0) return this.#fill()
    this.#fromRecord.fill(undefined)
    this.#placeBefore = ASK_RECORDS
    this.#find(reader, from, to, tag)
    this.#read(reader, this.#fromResource)
    return this.#complete(this.#groupChoices) && this.#complete(this.#streamChoices) ? this.#fill() : ASK_RECORDS
  }

  /** @returns a place in `destinations`, or NOT_PERMITTED */
  record(reader: ProtobufReader, from: number, to: number, tag: number): number {
    if (from >= 0) this.#find(reader, from, to, tag)
    else this.#found.clear()
    if (this.#placeBefore !== ASK_RECORDS && this.#found.equals(this.#foundBefore, reader.bytes)) {
      this.detour = this.#detourBefore
      return this.#placeBefore
    }
    this.#read(reader, this.#fromRecord)
    const place = this.#fill()
    this.#foundBefore.copy(this.#found)
    this.#placeBefore = place
    this.#detourBefore = this.detour
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

  /** For a body that names its own destination (`route_from_body`); a stream it does not name is the template's. */
  named(group: string, stream: string | undefined, otherwise: number): number {
    const fallback = this.destinations[otherwise]?.destination.stream ?? this.denied.stream
    return this.#place(legalName('group', group), stream === undefined ? fallback : legalName('stream', stream))
  }

  /** For events that are too old or too new for their own destination. */
  late(): number {
    return this.#target(this.#gate.late)
  }

  /** For events of the destination at `place` that it will never take. */
  dead(place: number, reason: LateReason): number {
    const key = 2 * place + (reason === 'too_old' ? 0 : 1)
    const known = this.#deadPlaces.get(key)
    if (known !== undefined) return known
    const target = this.destinations[place]?.destination
    const dead = target === undefined ? place : this.#target(target, reason)
    this.#deadPlaces.set(key, dead)
    return dead
  }

  #fill(): number {
    this.#choose(this.#groupChoices, this.#groupValues)
    this.#choose(this.#streamChoices, this.#streamValues)
    return this.#place(fillTemplate(this.#group, this.#groupValues), fillTemplate(this.#stream, this.#streamValues))
  }

  #choose(choices: readonly (readonly number[])[], values: (string | undefined)[]): void {
    for (let i = 0; i < choices.length; i++) values[i] = this.#value(choices[i] as readonly number[])
  }

  #complete(choices: readonly (readonly number[])[]): boolean {
    for (const choice of choices) if (this.#value(choice) === undefined) return false
    return true
  }

  /** All that a resource may say comes before anything a record says: else one placeholder would decide for another. */
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

  #target(destination: Destination, dead?: LateReason): number {
    // No name has a space at its end.
    const key = dead === undefined ? destination.key : `${destination.key} ${dead}`
    const known = this.#places.get(key)
    if (known !== undefined) return known
    this.#places.set(key, this.destinations.length)
    return this.destinations.push({ destination, dead }) - 1
  }
}
