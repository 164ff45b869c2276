import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TextTooLong } from '../../../../../../src/wire/json-text.ts'
import { recordsRequest, type Value } from '../../../../../fakes/logs-request.ts'
import { eventsOf, NOW_MS, rejectedBy, type Setup, transcoder } from '../transcode-request.ts'

interface Part {
  readonly 'event.split': {
    readonly id: string
    readonly part: number
    readonly parts: number
    readonly member?: string
  }
  readonly text?: string
  readonly [member: string]: unknown
}

/** The message that the parts of a record are, and the parts. */
function joined(
  body: Value,
  limit: number,
  setup: Setup = {},
): { readonly whole: string; readonly parts: readonly Part[] } {
  const events = eventsOf(recordsRequest({ body, severityText: 'INFO' }), {
    onOversize: 'split',
    maxMessageBytes: limit,
    ...setup,
  })
  for (const { message, counted } of events) {
    expect(Buffer.byteLength(message)).toBeLessThanOrEqual(limit)
    expect(counted).toBe(Buffer.byteLength(message) + 26)
    expect(message.isWellFormed()).toBe(true)
  }
  const parts = events.map(({ message }) => JSON.parse(message) as Part)
  const ids = new Set(parts.map((part) => part['event.split'].id))
  expect(ids.size).toBe(1)
  expect(parts.map((part) => part['event.split'].part)).toEqual(parts.map((_, at) => at + 1))
  for (const part of parts) expect(part['event.split'].parts).toBe(parts.length)
  return { whole: parts.map((part) => part[part['event.split'].member ?? 'text'] as string).join(''), parts }
}

describe('a split event', () => {
  test('repeats all members, and its longest string is in pieces', () => {
    const { whole, parts } = joined('x'.repeat(1_000), 400)
    expect(whole).toBe('x'.repeat(1_000))
    for (const part of parts) expect(part).toMatchObject({ severity_text: 'INFO', 'event.split': { member: 'body' } })
  })

  test('of text without JSON is pieces of the text, each in JSON', () => {
    const text = 'line "one"\nline \u0007 two 😀'.repeat(100)
    const { whole, parts } = joined(text, 300, { rawLog: true })
    expect(whole).toBe(text)
    expect(Object.keys(parts[0] ?? {})).toEqual(['event.split', 'text'])
  })

  test('whose size is in many values is pieces of its JSON', () => {
    const { whole } = joined({ kvlist: Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`k${i}`, 'v'])) }, 300)
    expect(JSON.parse(whole)).toMatchObject({ severity_text: 'INFO', body: { k0: 'v', k299: 'v' } })
  })

  test('of a raw JSON object repeats its small members', () => {
    const body = JSON.stringify({ id: 7, message: 'é"\\'.repeat(300), tail: [1, { message: 'z'.repeat(20) }] })
    const { whole, parts } = joined(body, 500, { rawLog: true })
    expect(whole).toBe('é"\\'.repeat(300))
    for (const part of parts) expect(part).toMatchObject({ id: 7, tail: [1, { message: 'z'.repeat(20) }] })
  })

  test.each(['[1,2]', '"text"', '{}', '{"a":1}', '{"a":""}'])(
    'of raw JSON %s in a long body is joined again',
    (json) => {
      const body = `${json.slice(0, -1)}${' '.repeat(1_000)}${json.slice(-1)}`
      expect(joined(body, 300, { rawLog: true }).whole).toBe(body)
    },
  )

  test('is never cut inside a character or an escape', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', minLength: 300, maxLength: 3_000 }),
        fc.integer({ min: 256, max: 900 }),
        fc.boolean(),
        (text, limit, rawLog) => {
          if (Buffer.byteLength(JSON.stringify(text)) > limit + 40) {
            const events = eventsOf(recordsRequest({ body: text }), {
              onOversize: 'split',
              maxMessageBytes: limit,
              rawLog,
            })
            if (events.length > 1) {
              const { whole, parts } = joined(text, limit, { rawLog })
              const member = parts[0]?.['event.split'].member
              if (rawLog || member === 'body') expect(whole).toBe(text)
              else expect(JSON.parse(whole)).toMatchObject({ body: text })
            }
          }
        },
      ),
      { numRuns: 300 },
    )
  })

  test('has the escapes of a raw body as they were written', () => {
    const body = `{"m":"${'\\ud83d\\ude00\\u00e9\\n'.repeat(100)}"}`
    expect(joined(body, 300, { rawLog: true }).whole).toBe('😀é\n'.repeat(100))
  })

  test('counts its further parts, and shares its id with no other', () => {
    const under = transcoder({ onOversize: 'split', maxMessageBytes: 300 })
    const long = { body: 'x'.repeat(500) }
    const { records, moreParts, routed } = under.transcode(recordsRequest(long, { body: 'short' }, long), NOW_MS)
    expect([records, moreParts, routed[0]?.items.count]).toEqual([3, 4, 7])
    expect([...(routed[0]?.records ?? [])]).toEqual([0, 0, 0, 1, 2, 2, 2])
    expect(under.split).toBe(2)
  })

  test('with more parts than a request may have records refuses the request', () => {
    const under = transcoder({ onOversize: 'split', maxMessageBytes: 256, maxTextBytes: 2 ** 30 })
    const long = { body: 'x'.repeat(60_000_000) }
    expect(() => under.transcode(recordsRequest(long, long), NOW_MS)).toThrow(TextTooLong)
  })
})

describe('an event over the limit', () => {
  const request = recordsRequest({ body: 'a' }, { body: 'x'.repeat(500) }, { body: 'b' })

  test('is left out and counted with drop', () => {
    const under = transcoder({ onOversize: 'drop', maxMessageBytes: 300 })
    const { records, dropped, rejected, rejectedByLane, routed } = under.transcode(request, NOW_MS)
    expect([records, dropped, routed[0]?.items.count]).toEqual([3, 1, 2])
    expect(rejectedBy(rejected)).toEqual([])
    expect(rejectedByLane).toEqual([{ lane: 'g:s', reason: 'oversize', count: 1 }])
  })

  test('is a whole dead letter with dead_letter', () => {
    const { routed } = transcoder({ onOversize: 'dead_letter', maxMessageBytes: 300 }).transcode(request, NOW_MS)
    expect(routed.map(({ dead, items }) => [dead?.reason, items.count])).toEqual([
      [undefined, 2],
      ['too_large', 1],
    ])
  })

  test('of a sender that may not write the group is only that', () => {
    const body = JSON.stringify({ log_group_name: '/other', message: 'x'.repeat(500) })
    const under = transcoder({ onOversize: 'drop', maxMessageBytes: 300, rawLog: true, routeFromBody: true })
    const { dropped, rejected } = under.transcode(recordsRequest({ body }), NOW_MS, {
      name: 'n',
      allowedGroups: ['/own'],
    })
    expect([dropped, ...rejected.byReason.keys()]).toEqual([0, 'not_permitted'])
  })
})
