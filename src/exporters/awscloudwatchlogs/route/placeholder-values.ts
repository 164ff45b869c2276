// Hot path; bench: test/bench/transcode.ts
//
// The values of the placeholders of both names, level by level: the request's metadata, then the attributes of a resource, of
// a scope and of a record, and the event's time. A level is read only if the levels above it leave a placeholder undecided.

import type { LogsRequest } from '../../../component/consumer.ts'
import type { ProtobufReader } from '../../../wire/protobuf-reader.ts'
import { MAX_NAME_LENGTH } from '../limits.ts'
import { findAttributes, FoundValues, scalarText } from './attributes.ts'
import type { LetterCase } from './placeholder.ts'
import { formatTime, type TimeFormat } from './time-format.ts'
import type { Template } from './template.ts'

/** Lists of names in the semantic conventions of OpenTelemetry; a placeholder uses their first entry. */
const LISTS: ReadonlySet<string> = new Set(['aws.log.group.names', 'aws.log.stream.names'])
const NO_TIME = -1

/** An alternative of a placeholder, with places in the columns of values instead of names. */
interface Choice {
  /** Places of attribute names; empty for other sources. */
  readonly names: readonly number[]
  /** Place of the metadata name; -1 for other sources. */
  readonly metadata: number
  readonly time: TimeFormat | undefined
  readonly text: string | undefined
  readonly letterCase: LetterCase | undefined
}

export class PlaceholderValues {
  /** The attribute names of all placeholders, without duplicates, as UTF-8. */
  readonly #names: readonly Uint8Array[]
  readonly #isList: readonly boolean[]
  readonly #metadataNames: readonly string[]
  readonly #choices: readonly (readonly (readonly Choice[])[])[]
  /** By template and placeholder, reused. */
  readonly #values: (string | undefined)[][]
  readonly #metadata: (string | undefined)[]
  readonly #resource: (string | undefined)[]
  readonly #scope: (string | undefined)[]
  readonly #record: (string | undefined)[]
  readonly #found: FoundValues
  /** The values of the previous record, which the next one usually shares. */
  readonly #previousFound: FoundValues
  /** The smallest step of all time formats, ms; 0 if names have no time. */
  readonly #stepMs: number
  /** False if only the time is missing: attributes of records are not searched then. */
  #needsAttributes = false
  #step = NO_TIME
  #timeMs = 0
  /** By template: true if something else names it, so that its placeholders need no values. */
  readonly #ignored: boolean[]

  constructor(templates: readonly Template[]) {
    const alternatives = templates.flatMap(({ placeholders }) => placeholders.flat())
    const names = [...new Set(alternatives.flatMap((one) => (one.from === 'attribute' ? one.names : [])))]
    this.#names = names.map((name) => Buffer.from(name))
    this.#isList = names.map((name) => LISTS.has(name))
    this.#metadataNames = [...new Set(alternatives.flatMap((one) => (one.from === 'metadata' ? one.name : [])))]
    this.#choices = templates.map(({ placeholders }) =>
      placeholders.map((placeholder) =>
        placeholder.map((one) => ({
          names: one.from === 'attribute' ? one.names.map((name) => names.indexOf(name)) : [],
          metadata: one.from === 'metadata' ? this.#metadataNames.indexOf(one.name) : -1,
          time: one.from === 'time' ? one.format : undefined,
          text: one.from === 'text' ? one.text : undefined,
          letterCase: 'letterCase' in one ? one.letterCase : undefined,
        })),
      ),
    )
    const steps = alternatives.flatMap((one) => (one.from === 'time' ? one.format.stepMs : []))
    this.#stepMs = steps.length === 0 ? 0 : Math.min(...steps)
    this.#ignored = templates.map(() => false)
    this.#values = templates.map(({ placeholders }) => placeholders.map(() => undefined))
    this.#metadata = this.#metadataNames.map(() => undefined)
    this.#resource = names.map(() => undefined)
    this.#scope = names.map(() => undefined)
    this.#record = names.map(() => undefined)
    this.#found = new FoundValues(names.length)
    this.#previousFound = new FoundValues(names.length)
  }

  /** True if the names depend on the event's time. */
  get timed(): boolean {
    return this.#stepMs > 0
  }

  beginRequest(metadata: LogsRequest['metadata']): void {
    for (let i = 0; i < this.#metadata.length; i++)
      this.#metadata[i] = metadata?.get(this.#metadataNames[i] as string)?.[0]?.slice(0, MAX_NAME_LENGTH)
  }

  /** Says whether a template is not used. @param template its place in the constructor's list */
  ignore(template: number, ignored: boolean): void {
    this.#ignored[template] = ignored
  }

  beginResource(reader: ProtobufReader, from: number, to: number, tag: number): void {
    if (this.#names.length === 0) return
    this.#scope.fill(undefined)
    this.#record.fill(undefined)
    this.#find(reader, from, to, tag)
    this.#read(reader, this.#resource)
  }

  beginScope(reader: ProtobufReader, from: number, to: number, tag: number): void {
    if (this.#names.length === 0) return
    this.#record.fill(undefined)
    this.#find(reader, from, to, tag)
    this.#read(reader, this.#scope)
  }

  /** Finds the values of a record. @returns Returns true if they equal those of the record before */
  findRecord(reader: ProtobufReader, from: number, to: number, tag: number, timeMs: number): boolean {
    if (from >= 0 && this.#needsAttributes) this.#find(reader, from, to, tag)
    else this.#found.clear()
    const step = this.#stepMs === 0 ? 0 : Math.floor(timeMs / this.#stepMs)
    const same = step === this.#step && this.#found.equals(this.#previousFound, reader.bytes)
    this.#step = step
    this.#timeMs = timeMs
    return same
  }

  /** Reads the values that `findRecord` found. */
  readRecord(reader: ProtobufReader): void {
    this.#read(reader, this.#record)
    this.#previousFound.copy(this.#found)
  }

  /** Forgets the previous record. */
  forgetRecord(): void {
    this.#step = NO_TIME
  }

  #find(reader: ProtobufReader, from: number, to: number, tag: number): void {
    this.#found.clear()
    findAttributes(reader, from, to, tag, this.#names, this.#found)
  }

  #read(reader: ProtobufReader, texts: (string | undefined)[]): void {
    const { from, to } = this.#found
    for (let name = 0; name < texts.length; name++)
      texts[name] =
        (from[name] as number) < 0
          ? undefined
          : scalarText(reader, from[name] as number, to[name] as number, this.#isList[name] === true)
  }

  /** Whether nothing below the levels read so far can change a name. */
  get complete(): boolean {
    let complete = true
    this.#needsAttributes = false
    for (let template = 0; template < this.#choices.length; template++) {
      if (this.#ignored[template] === true) continue
      for (const choices of this.#choices[template] as readonly (readonly Choice[])[]) {
        const open = this.#firstOpen(choices)
        if (open === undefined) continue
        complete = false
        if (open.time === undefined) this.#needsAttributes = true
      }
    }
    return complete
  }

  /** The first alternative whose value may be in a level that is not read yet; undefined if the value is known. */
  #firstOpen(choices: readonly Choice[]): Choice | undefined {
    for (const choice of choices) {
      if (choice.text !== undefined) return undefined
      if (choice.time !== undefined) return choice
      if (choice.metadata >= 0) {
        if (this.#metadata[choice.metadata]) return undefined
      } else return this.#attribute(choice.names) === undefined ? choice : undefined
    }
    return undefined
  }

  /** The values of a template's placeholders. Valid until the next call. @param template its place in the constructor's list */
  of(template: number): readonly (string | undefined)[] {
    const values = this.#values[template] as (string | undefined)[]
    const placeholders = this.#choices[template] as readonly (readonly Choice[])[]
    for (let i = 0; i < placeholders.length; i++) values[i] = this.#value(placeholders[i] as readonly Choice[])
    return values
  }

  #value(choices: readonly Choice[]): string | undefined {
    for (const choice of choices) {
      if (choice.text !== undefined) return choice.text
      if (choice.time !== undefined) return formatTime(choice.time, this.#timeMs)
      const value = choice.metadata >= 0 ? this.#metadata[choice.metadata] : this.#attribute(choice.names)
      if (!value) continue
      if (choice.letterCase === undefined) return value
      return choice.letterCase === 'lower' ? value.toLowerCase() : value.toUpperCase()
    }
    return undefined
  }

  /** Values of the resource take precedence over all values of the record: otherwise placeholders would affect each other. */
  #attribute(names: readonly number[]): string | undefined {
    for (const name of names) if (this.#resource[name]) return this.#resource[name]
    for (const name of names) if (this.#scope[name]) return this.#scope[name]
    for (const name of names) if (this.#record[name]) return this.#record[name]
    return undefined
  }
}
