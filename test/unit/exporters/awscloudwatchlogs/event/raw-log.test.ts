import { describe, expect, test } from 'vitest'
import { logsRequest, recordsRequest, type Value } from '../../../../fakes/logs-request.ts'
import { eventsOf, messageOf, NOW_MS, rejectedBy, routedOf, transcoder } from './transcode-request.ts'

const RAW = { rawLog: true } as const

describe('raw_log sends the body alone', () => {
  test.each<[string, Value, string]>([
    ['a text, as it is', 'say "hi"\\\n\t\u0001é€😀', 'say "hi"\\\n\t\u0001é€😀'],
    ['JSON text, as it is', '{"a": "b"}', '{"a": "b"}'],
    ['true', true, 'true'],
    ['an int', -(2n ** 63n), '-9223372036854775808'],
    ['a double', 0.1, '0.1'],
    ['NaN, bare', Number.NaN, 'NaN'],
    ['infinity, bare', Number.NEGATIVE_INFINITY, '-Infinity'],
    ['bytes as base64, bare', Uint8Array.of(0, 255, 62), 'AP8+'],
    ['a list as JSON', ['a"b', null, 1n, Number.NaN], '["a\\"b",null,1,"NaN"]'],
    ['a map as JSON', { kvlist: { a: { kvlist: { b: 'c' } } } }, '{"a":{"b":"c"}}'],
    ['an empty list', [], '[]'],
  ])('%s', (_, body, message) => {
    const request = logsRequest({
      resource: { r: 1n },
      scopes: [{ name: 's', records: [{ body, severityNumber: 9 }] }],
    })
    expect(messageOf(request, RAW)).toBe(message)
  })

  test.each<[string, Value | undefined]>([
    ['no body', undefined],
    ['an empty text', ''],
    ['no bytes', new Uint8Array(0)],
    ['the empty value', null],
  ])('%s is rejected as empty, and the records around it stay', (_, body) => {
    const request = recordsRequest({ body: 'before' }, body === undefined ? {} : { body }, { body: 'after' })
    expect(eventsOf(request, RAW).map(({ message, record }) => [message, record])).toEqual([
      ['before', 0],
      ['after', 2],
    ])
    expect(rejectedBy(transcoder(RAW).transcode(request, NOW_MS).rejected)).toEqual([
      '1 empty: its body is empty, and raw_log sends nothing else',
    ])
  })
})

describe('route_from_body', () => {
  const setup = { rawLog: true, routeFromBody: true, allowedGroups: ['g', '/ok/*'] } as const
  const lanesOf = (body: Value, more: object = {}) => [
    ...routedOf(recordsRequest({ body }), { ...setup, ...more }).keys(),
  ]

  test.each<[string, Value, string]>([
    ['the names of embedded metric format', '{"_aws":{"LogGroupName":"/ok/a","LogStreamName":"x"}}', '/ok/a:x'],
    ['a group without a stream goes to the template’s', '{"_aws":{"LogGroupName":"/ok/a"}}', '/ok/a:s'],
    ['an empty stream is none', '{"_aws":{"LogGroupName":"/ok/a","LogStreamName":""}}', '/ok/a:s'],
    ['log_group_name at the top', '{"log_group_name":"/ok/b","log_stream_name":"y"}', '/ok/b:y'],
    ['_aws before it', '{"_aws":{"LogGroupName":"/ok/a"},"log_group_name":"/ok/b"}', '/ok/a:s'],
    ['_aws without a group does not count', '{"_aws":{"LogStreamName":"z"},"log_group_name":"/ok/b"}', '/ok/b:s'],
    ['_aws with an empty group neither', '{"_aws":{"LogGroupName":""},"log_group_name":"/ok/b"}', '/ok/b:s'],
    ['a map that is not text', { kvlist: { log_group_name: '/ok/b' } }, '/ok/b:s'],
    ['characters a group may not have', '{"log_group_name":"/ok/a b"}', '/ok/a_b:s'],
    ['escapes in a name', '{"log_group_name":"\\u002fok/a"}', '/ok/a:s'],
    ['a name that is no text', '{"log_group_name":7}', 'g:s'],
    ['an empty name', '{"log_group_name":""}', 'g:s'],
    ['_aws that is null', '{"_aws":null}', 'g:s'],
    ['a list', '[{"log_group_name":"/ok/a"}]', 'g:s'],
    ['what only looks like JSON', '{"log_group_name":"/ok/a"', 'g:s'],
    ['plain text', 'log_group_name=/ok/a', 'g:s'],
    ['a name inherited by every object', '{"__proto__":{"log_group_name":"/ok/a"}}', 'g:s'],
  ])('%s', (_, body, lane) => expect(lanesOf(body)).toEqual([lane]))

  test('a group that is not allowed goes to the overflow destination, counted', () => {
    const gated = transcoder(setup)
    const request = recordsRequest({ body: '{"log_group_name":"/secret"}' }, { body: 'plain' })
    const routed = gated.transcode(request, NOW_MS).routed
    expect(routed.map(({ destination, items }) => [destination.key, items.count])).toEqual(
      expect.arrayContaining([
        ['overflow-group:overflow-stream', 1],
        ['g:s', 1],
      ]),
    )
    expect(gated.diverted).toEqual({ destination_not_allowed: 1, destination_cap: 0 })
  })

  test('is off by default', () => {
    expect(lanesOf('{"log_group_name":"/ok/b"}', { routeFromBody: false })).toEqual(['g:s'])
  })
})
