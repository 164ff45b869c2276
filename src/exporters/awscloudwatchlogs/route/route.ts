// Hot path; bench: test/bench/transcode.ts
//
// Which destination a record goes to. Names with no placeholder cost nothing; those that the resource fills cost one look
// through its attributes for each ResourceLogs; only a placeholder that the resource leaves empty is looked up per record.

import type { Identity } from '../../../component/authenticator.ts'
import type { RejectedReason } from '../../../accounting/outcome.ts'
import type { ProtobufReader } from '../../../wire/protobuf-reader.ts'
import { type Destination, destination, type DestinationGate, type DivertedReason } from './destination.ts'
import { findAttributes } from './attributes.ts'
import { Permission } from './permission.ts'
import { fillTemplate, legalName, type Template } from './template.ts'

/** Returned by `resource` when records have to be asked. */
export const ASK_RECORDS = -1

/** Of the reasons for which records are rejected, those that time alone decides. */
export type LateReason = Extract<RejectedReason, 'too_old' | 'too_new'>

/** One for each destination, and one more for each reason why events of it are not sent. */
export interface RoutedTo {
  readonly destination: Destination
  /** Undefined for what is sent; else it becomes a dead letter of that destination. */
  readonly dead: LateReason | undefined
}

/** Why a record does not go where it would: it goes to the overflow destination, or, not permitted, nowhere. */
export type Detour = DivertedReason | 'not_permitted'

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
  readonly #places = new Map<string, number>()
  readonly #permission = new Permission()
  /** Destinations of this request; what `resource` and `record` return are places in it. */
  readonly destinations: RoutedTo[] = []
  /** Of the last answer, which is the overflow destination, or the record's own where that is not permitted. */
  detour: Detour | undefined
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
  }

  /** @param identity the sender's, whose own rules hold before those of the exporter */
  begin(nowMs: number, identity: Identity | undefined): void {
    this.#nowMs = nowMs
    this.#permission.begin(identity)
    this.destinations.length = 0
    this.#places.clear()
  }

  /** @returns a place in `destinations`, or ASK_RECORDS */
  resource(reader: ProtobufReader, from: number, to: number, tag: number): number {
    if (this.#names.length === 0) return this.#place(fillTemplate(this.#group, []), fillTemplate(this.#stream, []))
    this.#fromResource.fill(undefined)
    this.#fromRecord.fill(undefined)
    findAttributes(reader, from, to, tag, this.#names, this.#fromResource)
    const complete = [...this.#groupChoices, ...this.#streamChoices].every(
      (choice) => this.#value(choice) !== undefined,
    )
    return complete ? this.#fill() : ASK_RECORDS
  }

  record(reader: ProtobufReader, from: number, to: number, tag: number): number {
    this.#fromRecord.fill(undefined)
    if (from >= 0) findAttributes(reader, from, to, tag, this.#names, this.#fromRecord)
    return this.#fill()
  }

  /** For a body that names its own destination (`route_from_body`); a stream it does not name is the template's. */
  named(group: string, stream: string | undefined, otherwise: number): number {
    const fallback = this.destinations[otherwise]?.destination.stream ?? ''
    return this.#place(legalName('group', group), stream === undefined ? fallback : legalName('stream', stream))
  }

  /** For events that are too old or too new for their own destination. */
  late(): number {
    return this.#target(this.#gate.late)
  }

  /** For events of the destination at `place` that it will never take. */
  dead(place: number, reason: LateReason): number {
    const target = this.destinations[place]?.destination
    return target === undefined ? place : this.#target(target, reason)
  }

  #fill(): number {
    return this.#place(
      fillTemplate(
        this.#group,
        this.#groupChoices.map((choice) => this.#value(choice)),
      ),
      fillTemplate(
        this.#stream,
        this.#streamChoices.map((choice) => this.#value(choice)),
      ),
    )
  }

  /** All that a resource may say comes before anything a record says: else one placeholder would decide for another. */
  #value(choice: readonly number[]): string | undefined {
    for (const name of choice) if (this.#fromResource[name]) return this.#fromResource[name]
    for (const name of choice) if (this.#fromRecord[name]) return this.#fromRecord[name]
    return undefined
  }

  #place(group: string, stream: string): number {
    if (!this.#permission.allows(group)) {
      this.detour = 'not_permitted'
      return this.#target(destination(group, stream))
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
