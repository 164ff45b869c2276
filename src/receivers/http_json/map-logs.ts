// Maps the body of POST /logs to an ExportLogsServiceRequest, bytes to bytes. No value becomes an object: a body may have
// millions of records.

import type { Identity } from '../../component/authenticator.ts'
import { Glob, matchesAny } from '../../component/glob.ts'
import { JsonProblem, JsonReader, MalformedJson } from '../../otlp/json-reader.ts'
import { unescapeJson } from '../../wire/json-unescape.ts'
import type { ProtobufWriter } from '../../wire/protobuf-writer.ts'
import { type FieldName, InvalidLog, NotPermitted } from './invalid-log.ts'
import { LEVELS, MAX_LEVEL_BYTES } from './levels.ts'
import { groupProblem, MAX_NAME_LENGTH, streamProblem } from './names.ts'

const FIELDS: readonly FieldName[] = ['log_group', 'log_stream', 'log_message', 'level']
const GROUP = 0
const STREAM = 1
const MESSAGE = 2
const LEVEL = 3
/** Not in the record. */
const ABSENT = -1

const NEWLINE = 0x0a
/** Bytes of an escape such as \u0041. */
const ESCAPE_BYTES = 6

const GROUP_KEY = 'aws.log.group.names'
const STREAM_KEY = 'aws.log.stream.names'

// Shared by all mappings, as a mapping never yields.
const reader = new JsonReader()
/** Offsets of the values of the record being read, by field, and whether they have escapes. */
const from = new Int32Array(FIELDS.length)
const to = new Int32Array(FIELDS.length)
const escaped = new Uint8Array(FIELDS.length)

/**
 * Maps one object, a list of objects, or objects in lines (NDJSON), all or nothing.
 * @param lines whether the body is NDJSON by its content type; without it a list is accepted, too
 * @param identity the sender, if it may write certain groups only
 * @param writer reset first; holds the request afterwards, at most 1.3 times as long as `json`
 * @throws MalformedJson, InvalidLog or NotPermitted, and nothing else, for any bytes
 */
export function mapLogs(
  json: Uint8Array,
  lines: boolean,
  identity: Identity | undefined,
  writer: ProtobufWriter,
): void {
  writer.reset()
  reader.reset(json)
  const mapping = new Mapping(writer, identity)
  try {
    mapping.body(lines)
  } catch (error) {
    if (error instanceof JsonProblem) throw new MalformedJson(mapping.place(), error.message)
    throw error
  } finally {
    reader.release()
  }
}

class Mapping {
  readonly #writer: ProtobufWriter
  readonly #identity: Identity | undefined
  readonly #allowed: readonly Glob[]
  /** The form of the body: what a place in it is called. */
  #form: 'object' | 'list' | 'lines' = 'object'
  #records = 0
  /** Offsets of the names of the previous record; the next one usually has the same. */
  #groupFrom = ABSENT
  #groupTo = 0
  #streamFrom = ABSENT
  #streamTo = 0
  #levelFrom = ABSENT
  #levelTo = 0
  #severity = 0
  /** Open messages of the writer: ResourceLogs and ScopeLogs. */
  #resourceLogs = 0
  #scopeLogs = 0

  constructor(writer: ProtobufWriter, identity: Identity | undefined) {
    this.#writer = writer
    this.#identity = identity
    this.#allowed = (identity?.allowedGroups ?? []).map((pattern) => new Glob(pattern))
  }

  body(lines: boolean): void {
    if (reader.ended())
      throw new InvalidLog(
        undefined,
        undefined,
        'the body is empty',
        'write an object, a list of objects, or one object a line',
      )
    const kind = reader.kind()
    if (lines || kind === 'an object') this.#lines(lines)
    else if (kind === 'a list') this.#list()
    else
      throw new InvalidLog(
        undefined,
        undefined,
        `the body is ${kind}`,
        'write an object, a list of objects, or one object a line',
      )
    this.#endResource()
  }

  /** The place of the record being read, for errors. */
  place(): string {
    if (this.#form === 'object') return '$'
    return this.#form === 'list' ? `[${this.#records}]` : `line ${this.#line()}`
  }

  #line(): number {
    let line = 1
    const { bytes } = reader
    for (let at = 0; at < reader.pos && at < bytes.length; at++) if (bytes[at] === NEWLINE) line++
    return line
  }

  #list(): void {
    this.#form = 'list'
    if (!reader.enter('a list'))
      throw new InvalidLog(undefined, undefined, 'the list is empty', 'write at least one object in it')
    do this.#record()
    while (reader.another('a list'))
    reader.finish()
  }

  /** One object, or several in lines. */
  #lines(byContentType: boolean): void {
    if (byContentType) this.#form = 'lines'
    for (;;) {
      this.#record()
      const end = reader.pos
      if (reader.ended()) return
      this.#form = 'lines'
      if (!hasNewline(end, reader.pos)) throw new JsonProblem(`expected a new line after the object at byte ${end}`)
    }
  }

  #record(): void {
    const kind = reader.kind()
    if (kind !== 'an object') throw this.#invalid(undefined, `is ${kind}`, `write an object with ${FIELDS.join(', ')}`)
    from.fill(ABSENT)
    if (reader.enter('an object')) {
      do this.#member()
      while (reader.another('an object'))
    }
    for (let field = 0; field < FIELDS.length; field++) {
      if (from[field] === ABSENT)
        throw this.#invalid(FIELDS[field], 'is missing', `write it: all of ${FIELDS.join(', ')} are required`)
    }
    const hasSameGroup = same(GROUP, this.#groupFrom, this.#groupTo)
    const hasSameStream = same(STREAM, this.#streamFrom, this.#streamTo)
    this.#check(hasSameGroup, hasSameStream)
    this.#write(hasSameGroup && hasSameStream)
    this.#records++
  }

  #member(): void {
    reader.key()
    const field = fieldOf()
    if (field === ABSENT)
      throw this.#invalid(
        undefined,
        `has the unknown field ${JSON.stringify(excerpt())}`,
        `write only ${FIELDS.join(', ')}`,
      )
    const name = FIELDS[field] as FieldName
    if (from[field] !== ABSENT) throw this.#invalid(name, 'is written twice', 'write it once')
    const kind = reader.kind()
    if (kind !== 'a string') throw this.#invalid(name, `is ${kind}`, 'write a string')
    reader.string()
    from[field] = reader.from
    to[field] = reader.to
    escaped[field] = reader.escaped ? 1 : 0
  }

  #check(hasSameGroup: boolean, hasSameStream: boolean): void {
    if (from[MESSAGE] === to[MESSAGE])
      throw this.#invalid(
        'log_message',
        'is empty, and CloudWatch takes no empty event',
        'write at least one character',
      )
    if (!hasSameGroup) {
      const group = this.#name('log_group', GROUP, groupProblem)
      if (this.#identity !== undefined && !matchesAny(this.#allowed, group))
        throw new NotPermitted(`${this.place()}: ${this.#identity.name} may not write the log group ${group}`)
    }
    if (!hasSameStream) this.#name('log_stream', STREAM, streamProblem)
    if (!same(LEVEL, this.#levelFrom, this.#levelTo)) {
      const length = (to[LEVEL] as number) - (from[LEVEL] as number)
      const severity = length <= MAX_LEVEL_BYTES * ESCAPE_BYTES ? LEVELS.get(textOf(LEVEL).toUpperCase()) : undefined
      if (severity === undefined)
        throw this.#invalid(
          'level',
          `is ${JSON.stringify(textOf(LEVEL, MAX_EXCERPT))}`,
          `write one of ${[...LEVELS.keys()].join(', ')}`,
        )
      this.#severity = severity
      this.#levelFrom = from[LEVEL] as number
      this.#levelTo = to[LEVEL] as number
    }
  }

  #name(name: FieldName, field: number, problemOf: (text: string) => string | undefined): string {
    const length = (to[field] as number) - (from[field] as number)
    if (length === 0) throw this.#invalid(name, 'is empty', `write 1 to ${MAX_NAME_LENGTH} characters`)
    const text = length > MAX_NAME_LENGTH * ESCAPE_BYTES ? undefined : textOf(field)
    if (text === undefined || text.length > MAX_NAME_LENGTH) {
      const size = text === undefined ? `${length} bytes` : `${text.length} characters`
      throw this.#invalid(name, `has ${size}`, `write 1 to ${MAX_NAME_LENGTH} characters`)
    }
    const problem = problemOf(text)
    if (problem !== undefined) throw this.#invalid(name, `is ${JSON.stringify(shortened(text))}, which ${problem}`, '')
    return text
  }

  #write(hasSameNames: boolean): void {
    const writer = this.#writer
    if (!hasSameNames) {
      this.#endResource()
      this.#beginResource()
    }
    const record = writer.begin(2)
    writer.uint32(2, this.#severity)
    this.#string(3, LEVEL)
    const body = writer.begin(5)
    this.#string(1, MESSAGE)
    writer.end(body)
    writer.end(record)
  }

  /** ResourceLogs{resource{attributes}, scope_logs{…}} */
  #beginResource(): void {
    const writer = this.#writer
    this.#groupFrom = from[GROUP] as number
    this.#groupTo = to[GROUP] as number
    this.#streamFrom = from[STREAM] as number
    this.#streamTo = to[STREAM] as number
    this.#resourceLogs = writer.begin(1)
    const resource = writer.begin(1)
    this.#attribute(GROUP_KEY, GROUP)
    this.#attribute(STREAM_KEY, STREAM)
    writer.end(resource)
    this.#scopeLogs = writer.begin(2)
  }

  #endResource(): void {
    if (this.#groupFrom === ABSENT) return
    this.#writer.end(this.#scopeLogs)
    this.#writer.end(this.#resourceLogs)
  }

  /** KeyValue{key, AnyValue{array_value{string_value}}}: the semantic conventions have a list. */
  #attribute(key: string, field: number): void {
    const writer = this.#writer
    const attribute = writer.begin(1)
    writer.string(1, key)
    const value = writer.begin(2)
    const list = writer.begin(5)
    const item = writer.begin(1)
    this.#string(1, field)
    writer.end(item)
    writer.end(list)
    writer.end(value)
    writer.end(attribute)
  }

  #string(number: number, field: number): void {
    const writer = this.#writer
    const start = from[field] as number
    const end = to[field] as number
    if (escaped[field] === 0) return writer.slice(number, reader.bytes, start, end)
    const begun = writer.begin(number)
    const room = writer.room(end - start)
    writer.position = unescapeJson(reader.bytes, start, end, room, writer.position)
    writer.end(begun)
  }

  #index(): number | undefined {
    return this.#form === 'object' ? undefined : this.#records
  }

  #invalid(field: FieldName | undefined, problem: string, advice: string): InvalidLog {
    const place = this.place()
    const where = place === '$' ? '' : place
    return new InvalidLog(this.#index(), field, problem, advice, where)
  }
}

/** Whether the value of `field` equals `bytes[otherFrom..otherTo)`. */
function same(field: number, otherFrom: number, otherTo: number): boolean {
  if (otherFrom === ABSENT) return false
  const { bytes } = reader
  const start = from[field] as number
  const length = (to[field] as number) - start
  if (length !== otherTo - otherFrom) return false
  for (let i = 0; i < length; i++) if (bytes[start + i] !== bytes[otherFrom + i]) return false
  return true
}

/** The field of the last name; ABSENT if it is unknown. */
function fieldOf(): number {
  const length = reader.to - reader.from
  if (reader.escaped)
    return length > MAX_EXCERPT * ESCAPE_BYTES ? ABSENT : FIELDS.findIndex((name) => name === reader.text())
  const { bytes } = reader
  for (let field = 0; field < FIELDS.length; field++) {
    const name = FIELDS[field] as string
    if (name.length !== length) continue
    let at = 0
    while (at < length && name.charCodeAt(at) === bytes[reader.from + at]) at++
    if (at === length) return field
  }
  return ABSENT
}

function hasNewline(start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (reader.bytes[at] === NEWLINE) return true
  return false
}

/** @param maxBytes of the text that are decoded; an escape at the end may be cut */
function textOf(field: number, maxBytes = Number.POSITIVE_INFINITY): string {
  const start = from[field] as number
  const end = to[field] as number
  if (end - start > maxBytes) return `${reader.bytes.toString('utf8', start, start + maxBytes)}…`
  if (escaped[field] === 0) return reader.bytes.toString('utf8', start, end)
  return JSON.parse(reader.bytes.toString('utf8', start - 1, end + 1)) as string
}

/** Maximum characters of a sender's text in an error. */
const MAX_EXCERPT = 64

function excerpt(): string {
  return shortened(reader.bytes.toString('utf8', reader.from, Math.min(reader.to, reader.from + MAX_EXCERPT + 1)))
}

function shortened(text: string): string {
  return text.length > MAX_EXCERPT ? `${text.slice(0, MAX_EXCERPT).toWellFormed()}…` : text
}
