import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  fieldProblem,
  type MessageOptions,
  messageShape,
} from '../../../../../../src/exporters/awscloudwatchlogs/event/message/message-shape.ts'
import { logsRequest, recordsRequest, type RecordFields, type Value } from '../../../../../fakes/logs-request.ts'
import { eventsOf, messageOf, NOW_MS } from '../transcode-request.ts'

const DEFAULTS: MessageOptions = { merge_body: false, attributes: 'nested', trace_id: 'hex', sequence: false }

const setup = (options: Partial<MessageOptions>) => ({ shape: messageShape({ ...DEFAULTS, ...options }) })

const TRACE = Uint8Array.from({ length: 16 }, (_, i) => i * 16 + 15)
const FULL: RecordFields = {
  body: 'hi',
  severityNumber: 9,
  severityText: 'INFO',
  dropped: 1,
  flags: 1,
  traceId: TRACE,
  spanId: TRACE.subarray(0, 8),
  eventName: 'e',
  attributes: { 'order.id': 17n, body: 'b', 'attributes.body': 'c', map: { kvlist: { x: 1n } } },
}
const REQUEST = logsRequest({
  resource: { 'service.name': 'shop', 'k8s.pod.uid': 'u', 'k8s.pod.name': 'p' },
  scopes: [{ name: 'lib', version: '1', attributes: { s: true }, records: [FULL] }],
})

/** The message as an object, which holds that no name is written twice. */
function shaped(request: Uint8Array, options: Partial<MessageOptions>): Record<string, unknown> {
  const text = messageOf(request, setup(options))
  const message = JSON.parse(text) as Record<string, unknown>
  // Escapes are shorter once parsed.
  if (!text.includes('\\')) expect(JSON.stringify(message)).toHaveLength(text.replaceAll(/(?<=[:,{]) +/g, '').length)
  return message
}

const withBody = (body: Value, attributes = {}) => recordsRequest({ body, severityText: 'INFO', attributes })

test('without an option there is no shape', () => {
  expect(messageShape(DEFAULTS)).toBeUndefined()
  expect(messageShape({ ...DEFAULTS, exclude: [] })).toBeUndefined()
})

describe('flat attributes', () => {
  test('stand at the top, and reserved names have a prefix', () => {
    expect(shaped(REQUEST, { attributes: 'flat' })).toEqual({
      body: 'hi',
      severity_number: 9,
      severity_text: 'INFO',
      dropped_attributes_count: 1,
      flags: 1,
      trace_id: '0f1f2f3f4f5f6f7f8f9fafbfcfdfefff',
      span_id: '0f1f2f3f4f5f6f7f',
      event_name: 'e',
      'order.id': 17,
      'attributes.body': 'b',
      'attributes.attributes.body': 'c',
      map: { x: 1 },
      'scope.name': 'lib',
      'scope.version': '1',
      'scope.attributes.s': true,
      'resource.service.name': 'shop',
      'resource.k8s.pod.uid': 'u',
      'resource.k8s.pod.name': 'p',
    })
  })

  test('of a record that has only attributes, and of one that has nothing', () => {
    expect(messageOf(recordsRequest({ attributes: { a: 1n, b: null } }), setup({ attributes: 'flat' }))).toBe(
      '{"a":1,"b":null}',
    )
    expect(messageOf(recordsRequest({}), setup({ attributes: 'flat' }))).toBe('{}')
  })
})

describe('a merged body', () => {
  test.each<[string, Value]>([
    ['a map', { kvlist: { user: 'u', n: 1n, body: 'x', 'body.y': 2n } }],
    ['JSON in a string', ' {"user":"u", "n" : 1,\n"body":"x","body.y":2} '],
    ['JSON with escaped names', '{"us\\u0065r":"u","n":1,"bod\\u0079":"x","body\\u002ey":2}'],
  ])('that is %s is at the top, and reserved names have a prefix', (_, body) => {
    expect(shaped(withBody(body), { merge_body: true })).toEqual({
      user: 'u',
      n: 1,
      'body.body': 'x',
      'body.body.y': 2,
      severity_text: 'INFO',
    })
  })

  test.each<[string, Value, unknown]>([
    ['text', 'text', 'text'],
    ['JSON without an end', '{"a":1', '{"a":1'],
    ['JSON and more', '{"a":1} x', '{"a":1} x'],
    ['JSON with a control character', '{"a":"\u0001"}', '{"a":"\u0001"}'],
    ['a JSON list', '[1]', '[1]'],
    ['a JSON string', '"s"', '"s"'],
    ['a list', [1n], [1]],
    ['a number', 7n, 7],
    ['an empty text', '', ''],
  ])('that is %s is one member', (_, body, member) => {
    expect(shaped(withBody(body), { merge_body: true })).toEqual({ body: member, severity_text: 'INFO' })
  })

  test('that is an empty object leaves nothing', () => {
    expect(shaped(withBody('{}'), { merge_body: true })).toEqual({ severity_text: 'INFO' })
    expect(shaped(withBody({ kvlist: {} }), { merge_body: true })).toEqual({ severity_text: 'INFO' })
  })

  test('keeps any JSON object as it was', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ noUnicodeString: false })), (object) => {
        const written = JSON.parse(
          messageOf(recordsRequest({ body: JSON.stringify(object) }), setup({ merge_body: true })),
        ) as object
        // JSON.parse made of JSON.stringify what the sender meant: -0 is 0, and a lone surrogate is an escape.
        const sent = JSON.parse(JSON.stringify(object)) as Record<string, unknown>
        for (const [name, value] of Object.entries(written))
          expect(sent[name in sent ? name : name.slice('body.'.length)]).toEqual(value)
        expect(Object.keys(written)).toHaveLength(Object.keys(sent).length)
      }),
      { numRuns: 300 },
    )
  })

  test('of JSON nested 60,000 levels deep, and of a million members, makes no object per value', () => {
    const deep = `{"a":${'['.repeat(60_000)}${']'.repeat(60_000)}}`
    expect(messageOf(recordsRequest({ body: deep }), setup({ merge_body: true }))).toBe(deep)
    const wide = `{${Array.from({ length: 100_000 }, (_, i) => `"${i}":1`).join(',')}}`
    expect(messageOf(recordsRequest({ body: wide }), setup({ merge_body: true }))).toBe(wide)
  })
})

describe('include and exclude', () => {
  test.each<[Partial<MessageOptions>, object]>([
    [{ include: ['body'] }, { body: 'hi' }],
    [
      { include: ['resource.k8s.*', 'attributes.order.id'] },
      { attributes: { 'order.id': 17 }, resource: { 'k8s.pod.uid': 'u', 'k8s.pod.name': 'p' } },
    ],
    [
      { include: ['resource', 'trace_id'], exclude: ['resource.k8s.*'] },
      { trace_id: '0f1f2f3f4f5f6f7f8f9fafbfcfdfefff', resource: { 'service.name': 'shop' } },
    ],
    [{ include: ['severity_text'], exclude: ['severity_text'] }, {}],
    [{ include: ['resource.none'] }, {}],
    [
      { include: ['attributes', 'scope'], exclude: ['attributes.*'], attributes: 'flat' },
      { 'scope.name': 'lib', 'scope.version': '1', 'scope.attributes.s': true },
    ],
    [
      {
        exclude: [
          'body',
          'severity_number',
          'dropped_attributes_count',
          'flags',
          'trace_id',
          'span_id',
          'event_name',
          'attributes',
          'scope',
          'resource',
        ],
      },
      { severity_text: 'INFO' },
    ],
  ])('%j', (options, event) => expect(shaped(REQUEST, options)).toEqual(event))

  test.each(['', 'bodies', 'attributes.', 'attributes.a*b', 'resource.*.x', 'scope.name', 'body.x'])(
    '%j is no field',
    (path) =>
      expect(fieldProblem(path)).toContain(
        `${JSON.stringify(path)} is not a field of an event: write body, severity_number`,
      ),
  )

  test.each(['body', 'attributes', 'attributes.*', 'resource.k8s.*', 'attributes.a.b'])('%j is a field', (path) =>
    expect(fieldProblem(path)).toBeUndefined(),
  )
})

test('a trace id has the form of X-Ray', () => {
  expect(shaped(REQUEST, { trace_id: 'xray' })).toMatchObject({ trace_id: '1-0f1f2f3f-4f5f6f7f8f9fafbfcfdfefff' })
})

test('sequence numbers increase over events of one millisecond, and begin at the time of receipt', () => {
  const events = eventsOf(recordsRequest({ body: 'a' }, { body: 'b' }, {}), setup({ sequence: true }))
  const numbers = events.map(({ message }) => (JSON.parse(message) as { sequence: number }).sequence)
  expect(numbers).toEqual([0, 1, 2].map((more) => NOW_MS * 1_000 + more))
})
