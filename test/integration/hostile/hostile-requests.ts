// Requests that are cheap to send and were expensive to take: each is one piece of a few bytes, over and over.
//
//   for (const { name, build } of PROTOBUF) build(64 * MEBIBYTE)      about that many bytes, never more

export const MEBIBYTE = 1024 * 1024
/** More records than a request may hold. */
const MANY_RECORDS = 490_000

export interface Hostile {
  readonly name: string
  /** The request is OTLP/JSON; else it is protobuf. */
  readonly json?: true
  /** @param size bytes, at most; a request that needs no more to be hostile has fewer */
  readonly build: (size: number) => Buffer
}

// --- protobuf: fields by number, as LEN values ---

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80)
  bytes.push(rest)
  return Buffer.from(bytes)
}

function field(number: number, ...content: readonly (Buffer | string)[]): Buffer {
  const bytes = content.map((part) => Buffer.from(part))
  const length = bytes.reduce((sum, part) => sum + part.length, 0)
  return Buffer.concat([varint((number << 3) | 2), varint(length), ...bytes])
}

/** A piece, as often as it fits. */
function fill(size: number, piece: Buffer, most = Infinity): Buffer {
  return Buffer.alloc(Math.min(Math.floor(size / piece.length), most) * piece.length, piece)
}

const hex = (digits: string) => Buffer.from(digits.replaceAll(' ', ''), 'hex')
const attribute = (number: number, key: string, value: Buffer | string) =>
  field(number, field(1, key), field(2, field(1, value)))

/** Room for the messages around a content. */
const AROUND = 128
const scope = (...records: readonly Buffer[]) => field(1, field(2, ...records))
const record = (...fields: readonly Buffer[]) => scope(field(2, ...fields))
const body = (...value: readonly Buffer[]) => record(field(5, ...value))
const list = (size: number, piece: Buffer) => body(field(5, fill(size - AROUND, piece)))
const map = (size: number, piece: Buffer) => body(field(6, fill(size - AROUND, piece)))

/** A value inside lists inside lists. */
function deep(levels: number, innermost: Buffer): Buffer {
  // From the inside, prepending: `field` around `field` would copy it all at each level.
  const heads: Buffer[] = []
  let length = innermost.length
  for (let level = 0; level < levels; level++) {
    const values = Buffer.concat([hex('0a'), varint(length)])
    const array = Buffer.concat([hex('2a'), varint(length + values.length)])
    heads.push(array, values)
    length += values.length + array.length
  }
  // The list inside comes behind the one around it.
  const ordered: Buffer[] = []
  for (let level = levels - 1; level >= 0; level--)
    ordered.push(heads[2 * level] as Buffer, heads[2 * level + 1] as Buffer)
  return Buffer.concat([...ordered, innermost])
}

/** Records that each name a group of their own in `service.name`. */
function groups(size: number, nameLength: number): Buffer {
  const one = (name: string) => field(2, attribute(6, 'service.name', name))
  const name = (i: number) => i.toString(36).padStart(nameLength, 'g')
  const count = Math.min(MANY_RECORDS, Math.floor((size - AROUND) / one(name(0)).length))
  return scope(Buffer.concat(Array.from({ length: count }, (_, i) => one(name(i)))))
}

const OLD = hex('12 09 09 0100000000000000')
const NEW = hex('12 09 09 ffffffffffffff7f')
const times = (size: number, piece: Buffer) => scope(fill(size - AROUND, piece, MANY_RECORDS))

export const PROTOBUF: readonly Hostile[] = [
  { name: 'a list of empty strings', build: (size) => list(size, hex('0a 02 0a00')) },
  { name: 'a list of empty values', build: (size) => list(size, hex('0a 00')) },
  { name: 'a list of integers of ten bytes', build: (size) => list(size, hex('0a 0b 18 ffffffffffffffffff01')) },
  { name: 'a list of doubles', build: (size) => list(size, hex('0a 09 21 9a9999999999b93f')) },
  { name: 'a list of lists', build: (size) => list(size, hex('0a 02 2a00')) },
  { name: 'a list of values nested 60 deep', build: (size) => list(size, field(1, deep(30, hex('0a00')))) },
  { name: 'a value nested 100,000 deep', build: (size) => body(deep(Math.min(100_000, size / 16), hex('0a0178'))) },
  { name: 'a map of nothing', build: (size) => map(size, hex('0a 00')) },
  { name: 'a map of one key, over and over', build: (size) => map(size, attribute(1, 'k', '')) },
  { name: 'attributes without a key', build: (size) => record(fill(size - AROUND, hex('32 00'))) },
  { name: 'attributes of one key', build: (size) => record(fill(size - AROUND, attribute(6, 'service.name', 'x'))) },
  { name: 'a body written over and over', build: (size) => record(fill(size - AROUND, hex('2a 03 0a0178'))) },
  { name: 'a value written over and over', build: (size) => body(fill(size - AROUND, hex('10 01'))) },
  { name: 'fields that OTLP does not have', build: (size) => record(fill(size - AROUND, hex('f80601'))) },
  { name: 'half a million records without a field', build: (size) => scope(fill(size, hex('12 00'), MANY_RECORDS)) },
  { name: 'more records than a request may hold', build: (size) => scope(fill(size - AROUND, hex('12 00'))) },
  { name: 'resources without a field', build: (size) => fill(size, hex('0a 00')) },
  { name: 'scopes without a field', build: (size) => field(1, fill(size - AROUND, hex('12 00'))) },
  { name: 'records that are too old', build: (size) => times(size, OLD) },
  { name: 'records that are too new', build: (size) => times(size, NEW) },
  { name: 'records too old and too new in turn', build: (size) => times(size, Buffer.concat([OLD, NEW])) },
  { name: 'a group for each record', build: (size) => groups(size, 6) },
  { name: 'a long group for each record', build: (size) => groups(size, 600) },
  {
    name: 'a group whose name is the request',
    build: (size) =>
      field(1, field(1, attribute(1, 'service.name', Buffer.alloc(size - AROUND, 'ü'))), field(2, field(2))),
  },
  {
    name: 'a scope for each record, beside a resource that is written over and over',
    build(size) {
      const value = field(2, fill(size / 2 - AROUND, hex('10 01')))
      const scopes = fill(size / 2 - AROUND, field(2, field(2)), MANY_RECORDS)
      return field(1, field(1, field(1, field(1, 'k'), value)), scopes)
    },
  },
  {
    name: 'a resource of 900 KB, and many records',
    build: (size) =>
      field(
        1,
        field(1, attribute(1, 'k', Buffer.alloc(Math.min(size / 4, 900_000), 'x'))),
        field(2, fill(size / 2, hex('12 00'), 100_000)),
      ),
  },
  { name: 'one text of the whole request', build: (size) => body(field(1, Buffer.alloc(size - AROUND, 'x'))) },
  { name: 'one text of quotes', build: (size) => body(field(1, Buffer.alloc(size - AROUND, '"'))) },
  { name: 'one text that is not UTF-8', build: (size) => body(field(1, Buffer.alloc(size - AROUND, 0xff))) },
  { name: 'texts of 70 bytes', build: (size) => list(size, field(1, field(1, 'x'.repeat(70)))) },
  { name: 'one bytes value of the whole request', build: (size) => body(field(7, Buffer.alloc(size - AROUND, 0xab))) },
  { name: 'one key of the whole request', build: (size) => record(attribute(6, 'k'.repeat(size - AROUND), 'v')) },
  { name: 'a trace id of the whole request', build: (size) => record(field(9, Buffer.alloc(size - AROUND, 7))) },
]

// --- JSON ---

/** A request with `content` between two texts; `piece` as often as it fits. */
function json(before: string, piece: string, after: string, separator = ','): (size: number) => Buffer {
  return (size) => {
    const room = size - before.length - after.length - piece.length
    return Buffer.concat([
      Buffer.from(before),
      fill(room, Buffer.from(`${piece}${separator}`)),
      Buffer.from(`${piece}${after}`),
    ])
  }
}

const RECORDS = '{"resourceLogs":[{"scopeLogs":[{"logRecords":['
const END_RECORDS = ']}]}]}'
const inRecord = (before: string, piece: string, after: string, separator?: string) =>
  json(`${RECORDS}{${before}`, piece, `${after}}${END_RECORDS}`, separator)
const inBody = (before: string, piece: string, after: string, separator?: string) =>
  inRecord(`"body":{${before}`, piece, `${after}}`, separator)
const LIST = '"arrayValue":{"values":['
const nestedText = (levels: number) =>
  inBody(`${LIST}{`.repeat(levels) + '"stringValue":"', 'xxxxxxxx', `"${'}]}'.repeat(levels)}`, '')

const JSON_BODIES: readonly Hostile[] = [
  { name: 'JSON: a list of empty strings', build: inBody(LIST, '{"stringValue":""}', ']}') },
  { name: 'JSON: a list of empty values', build: inBody(LIST, '{}', ']}') },
  { name: 'JSON: a list of integers', build: inBody(LIST, '{"intValue":"-9223372036854775808"}', ']}') },
  { name: 'JSON: an intValue of millions of digits', build: inBody('"intValue":', '9', '', '') },
  { name: 'JSON: an intValue of millions of digits in a text', build: inBody('"intValue":"', '9', '"', '') },
  { name: 'JSON: a doubleValue of millions of digits', build: inBody('"doubleValue":0.', '9', '', '') },
  { name: 'JSON: a time of millions of digits', build: inRecord('"timeUnixNano":', '9', '', '') },
  { name: 'JSON: an exponent of millions of digits', build: inRecord('"timeUnixNano":1e', '9', '', '') },
  { name: 'JSON: a severity of millions of letters', build: inRecord('"severityNumber":"', 'S', '"', '') },
  { name: 'JSON: a text of escapes', build: inBody('"stringValue":"', '\\ud83d\\ude00', '"', '') },
  { name: 'JSON: a text inside 64 lists', build: nestedText(63) },
  { name: 'JSON: bytes in base64', build: inBody('"bytesValue":"', 'AAAA', '"', '') },
  { name: 'JSON: a trace id', build: inRecord('"traceId":"', 'ab', '"', '') },
  { name: 'JSON: one body after another', build: inRecord('', '"body":{"stringValue":"x"}', '') },
  { name: 'JSON: attributes', build: inRecord('"attributes":[', '{"key":"k","value":{}}', ']') },
  { name: 'JSON: fields that OTLP does not have', build: inRecord('', '"x":1', '') },
  { name: 'JSON: a field name of megabytes', build: inRecord('"', '\\u0061', '":1', '') },
  { name: 'JSON: lists in an unknown field', build: inRecord('"x":', '[', '1', '') },
  { name: 'JSON: resources without a field', build: json('{"resourceLogs":[', '{}', ']}') },
  { name: 'JSON: nothing of OTLP', build: json('{"message":"', 'x', '"}', '') },
  { name: 'JSON: lists and nothing else', build: json('', '[', '', '') },
  { name: 'JSON: a text that does not end', build: json('{"resourceLogs":"', 'x', '', '') },
]

export const JSON_REQUESTS: readonly Hostile[] = JSON_BODIES.map((request) => ({ ...request, json: true }))

// --- for raw_log: the body is a line of JSON ---

function line(before: string, piece: string, after: string, separator?: string): (size: number) => Buffer {
  const build = json(before, piece, after, separator)
  return (size) => body(field(1, build(size - AROUND)))
}

export const RAW_LINES: readonly Hostile[] = [
  { name: 'raw: a list of empty strings', build: line('{"a":[', '""', ']}') },
  { name: 'raw: a list of objects', build: line('{"a":[', '{}', ']}') },
  { name: 'raw: keys', build: line('{', '"k":1', '}') },
  { name: 'raw: one text', build: line('{"a":"', 'x', '"}', '') },
  { name: 'raw: one text of escapes', build: line('{"a":"', '\\u00e4', '"}', '') },
  { name: 'raw: texts of 70 bytes', build: line('[', `"${'x'.repeat(70)}"`, ']') },
  { name: 'raw: lists that do not end', build: line('', '[', '', '') },
  { name: 'raw: objects that do not end', build: line('', '{"a":', '', '') },
  { name: 'raw: no JSON', build: line('{', 'x', '', '') },
  { name: 'raw: a group of megabytes', build: line('{"log_group_name":"', '\\u0061', '"}', '') },
  { name: 'raw: groups over and over', build: line('{', '"_aws":{"LogGroupName":"/test/a"}', '}') },
  {
    name: 'raw: lines of objects',
    build: (size) => scope(fill(size - AROUND, field(2, field(5, field(1, '{"a":[{},{},{},{}]}'))), MANY_RECORDS)),
  },
]

/** Those that are about the times of records, or the groups that they name. */
export const TIMES = PROTOBUF.filter(({ name }) => /too (?:old|new)/.test(name))
export const GROUPS = PROTOBUF.filter(({ name }) => name.includes('group'))
