// What the Go collector and the daemon write alike.
import { inLists, logsRequest, type Pairs, type Value } from '../../fakes/logs-request.ts'
import { at, type Case, EVERY_FIELD, hex, RESOURCE, same } from './same-events-case.ts'

/** Bodies, and values of attributes. */
const VALUES: readonly Value[] = [
  'text',
  true,
  false,
  0n,
  42n,
  9223372036854775807n,
  -9223372036854775808n,
  0,
  -0,
  1,
  0.1,
  -123456.789,
  1e20,
  1e21,
  1e-6,
  1e-7,
  5e-324,
  1.7976931348623157e308,
  Uint8Array.of(0, 127, 255),
  ['a', [1n, [0.5, null]], [], { kvlist: {} }],
  { kvlist: { a: [true, { kvlist: { b: 'x', c: null } }], d: { kvlist: { e: { kvlist: {} } } }, f: Uint8Array.of(1) } },
  inLists('not too deep', 60),
]

const EVERY_CONTROL = String.fromCharCode(...Array(0x20).keys())
const UNICODE = `${EVERY_CONTROL} "\\/ \u007f\u0085\u00a0 é e\u0301 日本語 שלום 👩‍👩‍👧 \u{10ffff} \ufeff\ufffd \\u003c <b>&amp;</b>`
/** Escaped by encoding/json alone. */
const LINE_ENDS = 'line\u2028paragraph\u2029end'

const TWICE: Pairs = [
  ['z', 1n],
  ['a', undefined],
  ['z', 'last'],
]

export const ALIKE: readonly Case[] = [
  same('text', [{ body: 'hello world' }, { body: '' }, { body: 'two\nlines' }, { body: '{"looks":"like JSON"}' }]),
  same(
    'a body of each kind',
    VALUES.map((body) => ({ body })),
  ),
  same(
    'an attribute of each kind',
    VALUES.map((value) => ({ body: 'x', attributes: { key: value } })),
  ),
  same('no body', [{}, { body: null }, { attributes: { key: 'value' } }]),
  same('bodies without anything in them', [{ body: { kvlist: {} } }, { body: [] }, { body: [null] }]),
  same('every field', [EVERY_FIELD], {
    scope: { name: 'test-scope', version: '1.0.0', attributes: { a: 1n, b: ['x'] } },
  }),
  same('fields that are 0', [
    {
      severityNumber: 0,
      severityText: '',
      dropped: 0,
      flags: 0,
      traceId: hex('00'.repeat(16)),
      spanId: hex('00'.repeat(8)),
    },
  ]),
  same('ids that are empty', [{ body: 'x', traceId: hex(''), spanId: hex('') }]),
  same('largest numbers', [{ severityNumber: 2147483647, dropped: 4294967295, flags: 4294967295 }]),
  same('a scope with a name alone', [{ body: 'x' }], { scope: { name: 'test-scope' } }),
  same('a scope that is empty', [{ body: 'x' }], { scope: { name: '', version: '' } }),
  same('no time at all', [{ body: 'x', time: 0n }]),
  same(
    'events of one time keep their order',
    ['c', 'a', 'b'].map((body) => ({ body, time: at(7) })),
  ),
  same(
    'events go by time',
    [2, 0, 1].map((ms) => ({ body: String(ms), time: at(ms) })),
  ),
  same(
    'unicode',
    [
      { body: UNICODE, severityText: UNICODE, attributes: { [UNICODE]: UNICODE } },
      { body: { kvlist: { [UNICODE]: UNICODE } } },
      { body: LINE_ENDS, attributes: { [LINE_ENDS]: LINE_ENDS } },
    ],
    {
      resource: { ...RESOURCE, text: UNICODE },
      scope: { name: UNICODE, version: UNICODE },
    },
  ),
  {
    name: 'keys in any order, some twice',
    stream: 'keys',
    records: 1,
    request: logsRequest({
      resource: [
        ['service.name', 'first'],
        ['service.instance.id', 'keys'],
        ['service.name', 'last'],
      ],
      scopes: [{ records: [{ time: at(0), body: { kvlist: TWICE }, attributes: TWICE }] }],
    }),
    unsorted: true,
  },
  {
    name: 'OTLP/JSON',
    stream: 'json',
    records: 1,
    request: JSON.stringify({
      resourceLogs: [
        {
          resource: { attributes: [{ key: 'service.instance.id', value: { stringValue: 'json' } }] },
          scopeLogs: [
            {
              scope: { name: 'test-scope' },
              logRecords: [
                {
                  timeUnixNano: String(at(0)),
                  severityNumber: 9,
                  traceId: '0102030405060708090a0b0c0d0e0f10',
                  body: {
                    kvlistValue: {
                      values: [
                        { key: 'n', value: { intValue: '17' } },
                        { key: 'o', value: {} },
                      ],
                    },
                  },
                  attributes: [
                    { key: 'a', value: { bytesValue: 'AP8=' } },
                    { key: 'b', value: { doubleValue: 0.5 } },
                    { key: 'c', value: { arrayValue: { values: [{ boolValue: true }] } } },
                  ],
                },
              ],
            },
          ],
        },
      ],
    }),
  },

  {
    name: 'no resource',
    stream: 'undefined',
    records: 1,
    request: logsRequest({ scopes: [{ records: [{ time: at(0), body: 'x' }] }] }),
  },
  same('an attribute of a name is missing', [{ body: 'x' }], { resource: { 'service.name': 'shop' } }),
  same('an attribute of a name is empty', [{ body: 'x' }], { resource: { ...RESOURCE, 'service.name': '' } }),
  same('attributes of names that are no texts', [{ body: 'x' }], {
    resource: { 'aws.ecs.cluster.name': true, 'service.name': 9223372036854775807n },
  }),
  same('a double in a name', [{ body: 'x' }], { resource: { ...RESOURCE, 'service.name': 0.5 } }),
  same('attributes with the short names', [{ body: 'x' }], {
    resource: {
      ...RESOURCE,
      'service.instance.id': 'hidden',
      ClusterName: 'by-short-name',
      InstanceId: 'attributes with the short names',
    },
  }),
]
