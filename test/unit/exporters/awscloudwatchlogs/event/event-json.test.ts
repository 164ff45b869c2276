import { describe, expect, test } from 'vitest'
import { inLists, logsRequest, type RecordFields, recordsRequest, type Value } from '../../../../fakes/logs-request.ts'
import { eventsOf, messageOf, NOW_MS, NOW_NANOS, storedByLane, transcoder } from './transcode-request.ts'

const recordJson = (record: RecordFields) => messageOf(recordsRequest(record))
const attributeJson = (value: Value) =>
  /^\{"attributes":\{"k":(.*)\}\}$/s.exec(recordJson({ attributes: { k: value } }))?.[1]

test('a full record reads as the Go exporter writes it, byte for byte', () => {
  const request = logsRequest({
    resource: { host: 'abc123', node: 5n },
    scopes: [
      {
        name: 'test-scope',
        version: '1.0.0',
        attributes: { 'scope-attr': 'value' },
        records: [
          {
            time: NOW_NANOS,
            severityNumber: 5,
            severityText: 'debug',
            body: 'hello world',
            attributes: { key1: 1n, key2: 'attr2' },
            dropped: 4,
            flags: 1,
            traceId: Buffer.from('0102030405060708090a0b0c0d0e0f10', 'hex'),
            spanId: Buffer.from('0102030405060708', 'hex'),
          },
        ],
      },
    ],
  })
  expect(messageOf(request)).toBe(
    '{"body":"hello world","severity_number":5,"severity_text":"debug","dropped_attributes_count":4,"flags":1,' +
      '"trace_id":"0102030405060708090a0b0c0d0e0f10","span_id":"0102030405060708",' +
      '"attributes":{"key1":1,"key2":"attr2"},' +
      '"scope":{"name":"test-scope","version":"1.0.0","attributes":{"scope-attr":"value"}},' +
      '"resource":{"host":"abc123","node":5}}',
  )
})

describe('every type of value', () => {
  test.each<[string, Value, string]>([
    ['a text', 'say "hi"\\\n\t\u0001é€😀\u2028', JSON.stringify('say "hi"\\\n\t\u0001é€😀\u2028')],
    ['an empty text', '', '""'],
    ['true', true, 'true'],
    ['false', false, 'false'],
    ['0', 0n, '0'],
    ['the largest int64', 2n ** 63n - 1n, '9223372036854775807'],
    ['the smallest int64', -(2n ** 63n), '-9223372036854775808'],
    ['a double', 1.5, '1.5'],
    ['a whole double', 3, '3'],
    ['a tiny double', 5e-324, '5e-324'],
    ['a huge double', 1.7976931348623157e308, '1.7976931348623157e+308'],
    ['minus zero', -0, '-0'],
    ['NaN', Number.NaN, '"NaN"'],
    ['infinity', Number.POSITIVE_INFINITY, '"Infinity"'],
    ['minus infinity', Number.NEGATIVE_INFINITY, '"-Infinity"'],
    ['bytes', Uint8Array.of(0, 255, 62), '"AP8+"'],
    ['no bytes', new Uint8Array(0), '""'],
    ['bytes of over a kilobyte', new Uint8Array(1_500), `"${'A'.repeat(2_000)}"`],
    ['the empty value', null, 'null'],
    ['a list', ['a', 1n, null, [true]], '["a",1,null,[true]]'],
    ['an empty list', [], '[]'],
    ['a map', { kvlist: { a: 1n, b: { kvlist: { c: 'd' } } } }, '{"a":1,"b":{"c":"d"}}'],
    ['an empty map', { kvlist: {} }, '{}'],
    [
      'a key twice',
      {
        kvlist: [
          ['a', 1n],
          ['a', 2n],
        ],
      },
      '{"a":1,"a":2}',
    ],
    ['a key to escape', { kvlist: { '"\\\n': 1n } }, '{"\\"\\\\\\n":1}'],
    ['a key without a value', { kvlist: [['a', undefined]] }, '{"a":null}'],
    ['a oneof written twice', { oneof: [['list'], 7n, 'last'] }, '"last"'],
    ['the same, the other way round', { oneof: ['first', 1.5, false] }, 'false'],
  ])('%s', (_, value, json) => {
    expect(attributeJson(value)).toBe(json)
    // The same value as a body; the empty one is no body at all.
    expect(recordJson({ body: value })).toBe(value === null ? '{}' : `{"body":${json}}`)
  })

  test('a reader takes the last value of a repeated key, as the collector does', () => {
    const message = recordJson({
      attributes: [
        ['a', 1n],
        ['b', 2n],
        ['a', 3n],
      ],
    })
    expect(JSON.parse(message)).toEqual({ attributes: { a: 3, b: 2 } })
  })
})

describe('absent fields are left out', () => {
  test.each<[string, RecordFields, string]>([
    ['nothing at all', {}, '{}'],
    ['a body of ""', { body: '' }, '{"body":""}'],
    ['a body that is the empty value', { body: null }, '{}'],
    ['zeros and empty texts', { severityNumber: 0, severityText: '', dropped: 0, flags: 0, eventName: '' }, '{}'],
    ['an empty set of attributes', { attributes: {} }, '{}'],
    ['ids of zeros', { traceId: new Uint8Array(16), spanId: new Uint8Array(8) }, '{}'],
    ['ids of a wrong length', { traceId: Uint8Array.of(1), spanId: new Uint8Array(16).fill(1) }, '{}'],
    ['a severity beyond the known', { severityNumber: 2_000_000_000 }, '{"severity_number":2000000000}'],
    ['a severity below 0', { severityNumber: -1 }, '{"severity_number":-1}'],
    ['all flags', { flags: 0xffff_ffff }, '{"flags":4294967295}'],
    ['all dropped', { dropped: 0xffff_ffff }, '{"dropped_attributes_count":4294967295}'],
    ['an event name', { eventName: 'device.app"lifecycle' }, '{"event_name":"device.app\\"lifecycle"}'],
  ])('%s', (_, record, json) => expect(recordJson(record)).toBe(json))
})

describe('scope and resource', () => {
  const record: RecordFields = { body: 'x' }
  test.each([
    ['a scope without a name keeps its version', { version: '2' }, '{"body":"x","scope":{"version":"2"}}'],
    ['and its attributes', { attributes: { a: true } }, '{"body":"x","scope":{"attributes":{"a":true}}}'],
    ['a name alone', { name: 'n' }, '{"body":"x","scope":{"name":"n"}}'],
    ['an empty scope is left out', { name: '', version: '' }, '{"body":"x"}'],
  ])('%s', (_, scope, json) => {
    expect(messageOf(logsRequest({ scopes: [{ ...scope, records: [record] }] }))).toBe(json)
  })

  test('an empty resource is left out', () => {
    expect(messageOf(logsRequest({ resource: {}, scopes: [{ records: [record] }] }))).toBe('{"body":"x"}')
  })

  test('each record has its own', () => {
    const request = logsRequest(
      { resource: { r: 1n }, scopes: [{ name: 'a', records: [record, record] }, { records: [record] }] },
      { scopes: [{ name: 'b', records: [record] }] },
    )
    expect(eventsOf(request).map(({ message }) => message)).toEqual([
      '{"body":"x","scope":{"name":"a"},"resource":{"r":1}}',
      '{"body":"x","scope":{"name":"a"},"resource":{"r":1}}',
      '{"body":"x","resource":{"r":1}}',
      '{"body":"x","scope":{"name":"b"}}',
    ])
  })

  test('an event of a resource alone has no comma before it', () => {
    expect(messageOf(logsRequest({ resource: { r: 1n }, scopes: [{ records: [{}] }] }))).toBe('{"resource":{"r":1}}')
  })
})

describe('the time of an event', () => {
  const MS = 1_000_000n
  test.each<[string, RecordFields, number]>([
    ['is the record’s', { time: NOW_NANOS - 5n * MS, observed: NOW_NANOS }, NOW_MS - 5],
    ['cut, not rounded, to milliseconds', { time: NOW_NANOS - 1n }, NOW_MS - 1],
    ['else when it was observed', { time: 0n, observed: NOW_NANOS - 7n * MS }, NOW_MS - 7],
    ['else when it came', {}, NOW_MS],
  ])('%s', (_, record, timestamp) => {
    expect(eventsOf(recordsRequest(record)).map((event) => event.timestamp)).toEqual([timestamp])
  })
})

describe('nesting', () => {
  // A body or an attribute's value is level 1, an element of its list level 2: as everywhere in the project.
  const marker = '"[nested deeper than 64 values]"'

  test('64 levels are written', () => {
    expect(recordJson({ body: inLists('x', 63) })).toBe(`{"body":${'['.repeat(63)}"x"${']'.repeat(63)}}`)
  })

  test('the 65th becomes a marker, is counted, and the record is kept', () => {
    const deep = transcoder()
    const lanes = storedByLane(deep, recordsRequest({ body: inLists('x', 64), attributes: { ok: true } }))
    const json = `{"body":${'['.repeat(64)}${marker}${']'.repeat(64)},"attributes":{"ok":true}}`
    expect([...lanes.values()].flat().map(({ message }) => message)).toEqual([json])
    expect(deep.tooDeep).toBe(1)
  })

  test('a thousand levels become one marker too', () => {
    const message = recordJson({ attributes: { k: inLists(1n, 1_000) } })
    expect(message).toContain(marker)
    expect(() => JSON.parse(message) as unknown).not.toThrow()
  })

  test('maps nest as lists do', () => {
    let value: Value = 'x'
    for (let i = 0; i < 64; i++) value = { kvlist: { k: value } }
    expect(recordJson({ body: value })).toContain(marker)
  })
})

test('with event_id each event has a unique id, which counts toward its size', () => {
  const request = logsRequest({
    resource: { host: 'a' },
    scopes: [{ name: 's', records: [{ body: 'x' }, {}, { attributes: { k: 'v' } }] }],
  })
  const setup = { eventId: true }
  const one = transcoder(setup)
  const requests = [one, one, transcoder(setup)].map((each) => [...storedByLane(each, request).values()].flat())
  const ids = requests.flat().map(({ message }) => (JSON.parse(message) as Record<string, string>)['event.id'])
  expect(new Set(ids).size).toBe(9)
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{16}-\d+$/)
  for (const { counted, message } of requests.flat()) expect(counted).toBe(Buffer.byteLength(message) + 26)
  const withoutIds = (requests[0] ?? []).map(({ message }) => message.replace(/"event\.id":"[^"]*",/, ''))
  expect(withoutIds).toEqual(eventsOf(request).map(({ message }) => message))
})
