import { describe, expect, test } from 'vitest'
import { EmfCheck } from '../../../../../../src/exporters/awscloudwatchlogs/event/message/emf.ts'
import { recordsRequest, type Value } from '../../../../../fakes/logs-request.ts'
import { messageOf, NOW_MS, transcoder } from '../transcode-request.ts'

interface Parts {
  readonly metrics?: unknown
  readonly namespace?: unknown
  readonly dimensions?: unknown
  readonly timestamp?: unknown
}

function emf({ metrics = [{ Name: 'm' }], namespace = 'n', dimensions = [['d']], timestamp = 1 }: Parts = {}): object {
  const CloudWatchMetrics = [{ Namespace: namespace, Dimensions: dimensions, Metrics: metrics }]
  return { _aws: { Timestamp: timestamp, CloudWatchMetrics }, m: 1, d: 'x' }
}

const metrics = (count: number) => Array.from({ length: count }, (_, i) => ({ Name: `m${i}`, Unit: 'Count' }))
const check = (document: unknown) =>
  new EmfCheck().check(Buffer.from(typeof document === 'string' ? document : JSON.stringify(document)))

describe('a document of the embedded metric format', () => {
  test.each([
    ['one metric', emf()],
    ['100 metrics', emf({ metrics: metrics(100) })],
    ['no dimensions', emf({ dimensions: [] })],
    ['an empty set of dimensions', emf({ dimensions: [[]] })],
    ['no metrics', { _aws: { Timestamp: 1, CloudWatchMetrics: [] } }],
    ['names with escapes', JSON.stringify(emf()).replace('_aws', '\\u005faws')],
    ['other members', { a: [1, { _aws: 1 }], ...emf() }],
  ])('with %s is valid', (_, document) => expect(check(document)).toBe('valid'))

  test.each([
    ['101 metrics', emf({ metrics: metrics(101) })],
    [
      '101 metrics in two directives',
      {
        _aws: {
          Timestamp: 1,
          CloudWatchMetrics: [60, 41].map((count) => ({ Namespace: 'n', Metrics: metrics(count) })),
        },
      },
    ],
    ['no namespace', emf({ namespace: '' })],
    ['a number as namespace', emf({ namespace: 7 })],
    ['a text as time', emf({ timestamp: 'now' })],
    ['a metric without a name', emf({ metrics: [{ Unit: 'Count' }] })],
    ['an empty metric', emf({ metrics: [{}] })],
    ['a text as metric', emf({ metrics: ['m'] })],
    ['a map of metrics', emf({ metrics: { Name: 'm' } })],
    ['a text as dimensions', emf({ dimensions: ['d'] })],
    ['31 dimensions', emf({ dimensions: [Array.from({ length: 31 }, (_, i) => `${i}`)] })],
    ['a number as dimension', emf({ dimensions: [[1]] })],
    ['an empty directive', { _aws: { Timestamp: 1, CloudWatchMetrics: [{}] } }],
    ['a text as directives', { _aws: { Timestamp: 1, CloudWatchMetrics: 'x' } }],
  ])('with %s is wrong', (_, document) => expect(check(document)).toBe('invalid'))

  test.each([['text'], ['[1]'], ['{"_aws":1}'], ['{"_aws":{"LogGroupName":"g"}}'], ['{"a":1'], ['{}'], ['']])(
    '%s is none',
    (line) => expect(check(line)).toBe('none'),
  )
})

describe('a record with such a document', () => {
  const asMap = {
    kvlist: {
      _aws: {
        kvlist: {
          Timestamp: 1n,
          CloudWatchMetrics: [{ kvlist: { Namespace: 'n', Metrics: [{ kvlist: { Name: 'm' } }] } }],
        },
      },
      m: 1n,
    },
  } satisfies Value
  const text = JSON.stringify(emf(), undefined, 1)

  test('is the whole message, as text and as a map', () => {
    expect(messageOf(recordsRequest({ body: text, severityText: 'INFO' }), { emf: true })).toBe(text)
    expect(JSON.parse(messageOf(recordsRequest({ body: asMap, attributes: { a: 1n } }), { emf: true }))).toEqual({
      _aws: { Timestamp: 1, CloudWatchMetrics: [{ Namespace: 'n', Metrics: [{ Name: 'm' }] }] },
      m: 1,
    })
  })

  test('is a plain log without the option', () => {
    expect(JSON.parse(messageOf(recordsRequest({ body: text })))).toEqual({ body: text })
  })

  test.each([false, true])('is a plain log and counted if it is wrong (raw_log: %s)', (rawLog) => {
    const wrong = JSON.stringify(emf({ metrics: metrics(101) }))
    const under = transcoder({ emf: true, rawLog })
    const { routed } = under.transcode(recordsRequest({ body: wrong }), NOW_MS)
    const item = JSON.parse(
      Buffer.from(routed[0]?.items.bytes ?? [])
        .toString()
        .slice(0, -1),
    ) as { message: string }
    expect(JSON.parse(item.message)).toEqual({ body: wrong })
    expect(under.invalidMetrics).toBe(1)
  })

  test('does not change other records', () => {
    for (const body of ['{"_aws":1}', 'plain _aws', '{"a":1}', '']) {
      expect(JSON.parse(messageOf(recordsRequest({ body }), { emf: true }))).toEqual({ body })
    }
  })
})
