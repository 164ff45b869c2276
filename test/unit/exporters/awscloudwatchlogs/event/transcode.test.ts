import { describe, expect, test } from 'vitest'
import { NOTHING_REJECTED } from '../../../../../src/accounting/rejections.ts'
import { TextTooLong } from '../../../../../src/wire/json-text.ts'
import { MalformedProtobuf } from '../../../../../src/wire/protobuf-reader.ts'
import { logsRequest, type RecordFields, recordsRequest } from '../../../../fakes/logs-request.ts'
import { eventsOf, messageOf, NOW_MS, NOW_NANOS, rejectedBy, storedByLane, transcoder } from './transcode-request.ts'

const MS = 1_000_000n
const DAY = 86_400_000n * MS
const HOUR = 3_600_000n * MS

describe('a request without records', () => {
  test.each([
    ['no bytes', new Uint8Array(0)],
    ['an empty resource', logsRequest({ scopes: [] })],
    ['an empty scope', logsRequest({ scopes: [{ records: [] }] })],
    ['fields of a later version', Buffer.from('12024142', 'hex')],
  ])('%s is taken, and is nothing', (_, request) => {
    expect(transcoder().transcode(request, NOW_MS)).toEqual({
      records: 0,
      moreParts: 0,
      dropped: 0,
      rejected: NOTHING_REJECTED,
      rejectedByLane: [],
      routed: [],
    })
  })
})

describe('times CloudWatch would not take', () => {
  const at = (time: bigint): RecordFields => ({ time, body: 'x' })
  test.each<[string, bigint, string | undefined]>([
    ['14 days ago', NOW_NANOS - 14n * DAY, undefined],
    ['14 days and a millisecond ago', NOW_NANOS - 14n * DAY - MS, 'too_old'],
    ['1970', 1n, 'too_old'],
    ['2 hours ahead', NOW_NANOS + 2n * HOUR, undefined],
    ['2 hours and a millisecond ahead', NOW_NANOS + 2n * HOUR + MS, 'too_new'],
    ['the year 2554', 2n ** 64n - 1n, 'too_new'],
  ])('%s', (_, time, reason) => {
    const { rejected } = transcoder().transcode(recordsRequest(at(time)), NOW_MS)
    expect([...rejected.byReason.keys()]).toEqual(reason === undefined ? [] : [reason])
  })

  test('only those are rejected, with the time of one of them', () => {
    const scope = (...records: RecordFields[]) => ({ scopes: [{ records }] })
    const request = logsRequest(
      scope(at(NOW_NANOS), at(NOW_NANOS - 20n * DAY)),
      scope(at(NOW_NANOS + DAY), at(NOW_NANOS)),
    )
    const { records, rejected, rejectedByLane, routed } = transcoder().transcode(request, NOW_MS)
    expect(records).toBe(4)
    expect(rejectedBy(rejected)).toEqual([
      '1 too_old: its time 2025-12-13T03:04:05.000Z is more than 14 days ago',
      '1 too_new: its time 2026-01-03T03:04:05.000Z is more than 2 hours ahead',
    ])
    expect(rejectedByLane).toEqual([
      { lane: 'g:s', reason: 'too_old', count: 1 },
      { lane: 'g:s', reason: 'too_new', count: 1 },
    ])
    expect(routed.map((lane) => [...lane.records])).toEqual([[0, 3]])
  })
})

test('rejections of one request do not appear in the next', () => {
  const reused = transcoder()
  expect(reused.transcode(recordsRequest({ time: 1n }), NOW_MS).rejected.count).toBe(1)
  expect(reused.transcode(recordsRequest({ body: 'x' }), NOW_MS)).toMatchObject({
    rejected: NOTHING_REJECTED,
    rejectedByLane: [],
  })
})

describe('an event over the limit', () => {
  const long = recordsRequest({ body: 'before' }, { body: 'x'.repeat(5_000) }, { body: 'after' })

  test('is cut to it and stays JSON; the others are as they were', () => {
    const limited = transcoder({ maxMessageBytes: 1_000 })
    const events = [...storedByLane(limited, long).values()].flat()
    expect(events.map(({ message }) => JSON.parse(message) as unknown)).toEqual([
      { body: 'before' },
      { body: expect.stringMatching(/^x{900,}\[cut \d+ bytes\]$/) as string },
      { body: 'after' },
    ])
    for (const { counted, message } of events) expect(counted).toBe(Buffer.byteLength(message) + 26)
    expect(limited.cut).toBe(1)
  })

  test('is rejected instead with on_oversize: reject', () => {
    const limited = transcoder({ maxMessageBytes: 1_000, onOversize: 'reject' })
    const { rejected, routed } = limited.transcode(long, NOW_MS)
    expect(rejectedBy(rejected)).toEqual(['1 too_large: its event has 5011 bytes, over max_event_bytes 1000'])
    expect(routed.map((lane) => [...lane.records])).toEqual([[0, 2]])
    expect(limited.cut).toBe(0)
  })

  test('is not cut at exactly the limit', () => {
    const fits = transcoder({ maxMessageBytes: 1_000 })
    const [exact] = [...storedByLane(fits, recordsRequest({ body: 'x'.repeat(1_000 - 11) })).values()].flat()
    expect([exact?.counted, fits.cut]).toEqual([1_026, 0])
  })

  test('is measured as CloudWatch counts it, not as it is escaped', () => {
    // 400 quotes are 800 bytes of the event and 1,600 of the request.
    const message = messageOf(recordsRequest({ body: '"'.repeat(400) }), { maxMessageBytes: 900, onOversize: 'reject' })
    expect(JSON.parse(message)).toEqual({ body: '"'.repeat(400) })
  })

  test('of raw text is cut as text, of raw JSON as JSON', () => {
    const raw = { rawLog: true, maxMessageBytes: 300 } as const
    expect(messageOf(recordsRequest({ body: `{not json ${'😀'.repeat(200)}` }), raw)).toMatch(
      /^\{not json (😀)+\[cut \d+ bytes\]$/u,
    )
    const json = messageOf(recordsRequest({ body: JSON.stringify({ a: 'x'.repeat(500), n: 1 }) }), raw)
    expect(JSON.parse(json)).toEqual({ a: expect.stringMatching(/^x+\[cut \d+ bytes\]$/) as string, n: 1 })
  })

  test('at CloudWatch’s own limit is cut to no more than that', () => {
    const [event] = eventsOf(recordsRequest({ body: '€'.repeat(2_000_000) }))
    expect(event?.counted).toBeLessThanOrEqual(1_048_576)
    expect(event?.counted).toBeGreaterThan(1_048_500)
  })
})

describe('text that is not UTF-8', () => {
  const bad = { utf8: Buffer.from('61ff62eda08063', 'hex') } // a, FF, b, half a surrogate pair, c
  const repairedText = 'a\uFFFDb\uFFFD\uFFFD\uFFFDc'

  test('is repaired wherever it stands, and counted', () => {
    const repairing = transcoder()
    const request = logsRequest({
      resource: { r: bad },
      scopes: [
        {
          name: bad,
          records: [{ body: bad, severityText: bad, eventName: bad, attributes: [[bad, bad]] }],
        },
      ],
    })
    const [event] = [...storedByLane(repairing, request).values()].flat()
    expect(JSON.parse(event?.message ?? '')).toEqual({
      body: repairedText,
      severity_text: repairedText,
      event_name: repairedText,
      attributes: { [repairedText]: repairedText },
      scope: { name: repairedText },
      resource: { r: repairedText },
    })
    expect(event?.counted).toBe(Buffer.byteLength(event?.message ?? '') + 26)
    // Four bad sequences in each of seven texts.
    expect(repairing.repaired).toBe(28)
  })

  test('is repaired in a raw body too', () => {
    const repairing = transcoder({ rawLog: true })
    const [event] = [...storedByLane(repairing, recordsRequest({ body: bad })).values()].flat()
    expect([event?.message, repairing.repaired]).toEqual([repairedText, 4])
  })
})

test('the scopes of a resource all have it in their events, each beside its own', () => {
  const records = [{ body: 'x' }]
  const request = logsRequest(
    { resource: { r: 1n }, scopes: [{ records }, { name: 'a', records }, { records: [] }, { records }] },
    { scopes: [{ name: 'b', records }, { records }] },
    { resource: { r: 2n }, scopes: [{ name: 'c', records }] },
  )
  expect(eventsOf(request).map(({ message }) => message)).toEqual([
    '{"body":"x","resource":{"r":1}}',
    '{"body":"x","scope":{"name":"a"},"resource":{"r":1}}',
    '{"body":"x","resource":{"r":1}}',
    '{"body":"x","scope":{"name":"b"}}',
    '{"body":"x"}',
    '{"body":"x","scope":{"name":"c"},"resource":{"r":2}}',
  ])
})

test.each([0, 1, 2, 3, 49_151, 49_152, 49_153, 98_304, 150_000])('%i bytes are written as one base64', (size) => {
  const bytes = Buffer.alloc(size, 'any')
  expect(JSON.parse(messageOf(recordsRequest({ body: bytes })))).toEqual({ body: bytes.toString('base64') })
})

describe('limits of one request', () => {
  test('over 500,000 records are refused', () => {
    // The smallest record there is: a tag and a length of 0.
    const records = (count: number) => {
      const inner = Buffer.concat(Array.from({ length: count }, () => Buffer.from('1200', 'hex')))
      const wrap = (tag: number, bytes: Buffer) => Buffer.concat([Buffer.of(tag), varint(bytes.length), bytes])
      return wrap(0x0a, wrap(0x12, inner))
    }
    const empties = transcoder({ rawLog: true })
    expect(empties.transcode(records(500_000), NOW_MS).records).toBe(500_000)
    expect(() => empties.transcode(records(500_001), NOW_MS)).toThrow(TextTooLong)
  })

  test('events over the limit of total text are refused, and the next request is not', () => {
    const bounded = transcoder({ maxTextBytes: 10_000 })
    const many = recordsRequest(...Array.from({ length: 100 }, () => ({ body: 'x'.repeat(200) })))
    expect(() => bounded.transcode(many, NOW_MS)).toThrow(TextTooLong)
    expect(bounded.transcode(recordsRequest({ body: 'x' }), NOW_MS).records).toBe(1)
  })

  test('more records than its initial tables hold keep their order', () => {
    const count = 5_000
    const request = recordsRequest(...Array.from({ length: count }, (_, i) => ({ body: BigInt(i) })))
    const bodies = eventsOf(request).map(({ message }) => message)
    expect(bodies).toEqual(Array.from({ length: count }, (_, i) => `{"body":${i}}`))
  })
})

describe('malformed bytes', () => {
  const good = logsRequest({ resource: { a: 'b' }, scopes: [{ records: [{ body: 'x', attributes: { k: [1n] } }] }] })

  test.each([
    ['resource_logs as a varint', Buffer.from('0801', 'hex')],
    ['scope_logs as a varint', Buffer.from('0a021001', 'hex')],
    ['log_records as a varint', Buffer.from('0a0412021001', 'hex')],
    ['a body with a wrong wire type', Buffer.from('0a08120612042a020801', 'hex')],
  ])('%s are refused', (_, bytes) => expect(() => transcoder().transcode(bytes, NOW_MS)).toThrow(MalformedProtobuf))

  test('leave nothing in the next request', () => {
    const reused = transcoder()
    const once = storedByLane(transcoder(), good)
    for (let cut = 1; cut < good.length; cut++) {
      try {
        reused.transcode(good.subarray(0, cut), NOW_MS)
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedProtobuf)
      }
      expect(storedByLane(reused, good)).toEqual(once)
    }
  })
})

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80)
  return Buffer.from([...bytes, rest])
}

test('a resource is not rendered for scopes without records, however many there are', () => {
  const resource = { key: 'x'.repeat(200_000) }
  const empty = Array.from({ length: 100_000 }, () => ({ records: [] }))
  const scopes = [...empty, { records: [{ body: 'the one' }] }]
  // Rendered for each it would be 20 GB of text, which no test waits for.
  expect(eventsOf(logsRequest({ resource, scopes })).map(({ message }) => JSON.parse(message) as object)).toEqual([
    { body: 'the one', resource },
  ])
})

test.each(['truncate', 'split', 'drop', 'dead_letter', 'reject'] as const)(
  'on_oversize: %s does not write a giant resource for each of very many records',
  (onOversize) => {
    const resource = { key: 'x'.repeat(2_000_000) }
    const records = Array.from({ length: 200_000 }, () => ({ body: 'x' }))
    const bytes = logsRequest({ resource, scopes: [{ records }] })
    // Written for each it would be 400 GB of text, which no test waits for.
    const written = () => transcoder({ onOversize, maxTextBytes: 32 * 1_048_576 }).transcode(bytes, NOW_MS)
    expect(written).toThrow(TextTooLong)
  },
)
