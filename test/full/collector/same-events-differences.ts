// What the Go collector and the daemon write differently, with what the page of differences says of it.
import { inLists } from '../../fakes/logs-request.ts'
import {
  type Around,
  at,
  type Case,
  different,
  EVERY_FIELD,
  GROUP,
  hex,
  RESOURCE,
  type Shown,
} from './same-events-case.ts'

// Cells of the page, in the column of the Go collector.
const NOT_FINITE = 'a NaN or an infinity drops the record and reports it as sent'
const SCOPE_WITHOUT_NAME = 'a scope without a name is dropped with its version and attributes'
const EVENT_NAME = '`event_name` is not written'
const WITHOUT_TIME = 'a record without a time gets the time of sending'
const OVER_256_KIB = 'an event over 256 KiB is cut at a byte, which breaks its JSON'
const ANY_ATTRIBUTE = 'only ten placeholders, from resource attributes; any other is an error at start'
const AS_GO_PRINTS = 'a double, a list or a map in a name is printed as by Go: `1e-07`, `[a b]`'
const EMPTY_SHORT_NAME = 'an empty attribute `ServiceName` hides `service.name` from `{ServiceName}`'
const NAMES_AS_THEY_ARE = 'names are sent unchanged'
const NAMED_BY_BODY = 'with `raw_log` a JSON body may name any group'
const EMPTY_BYTES = 'bytes of length 0 are `null`'
const NOT_UTF8 = 'each byte that is not UTF-8 becomes U+FFFD'
const DEEP = 'values are written at any depth'
const WRONG_ID = 'a trace or span id of a wrong length refuses the request with 400'

const BIG = 'x'.repeat(300_000)
const TOO_DEEP = inLists('too deep', 70)
const deep = (inner: string, lists: number): unknown => (lists === 0 ? inner : [deep(inner, lists - 1)])
const BROKEN = { utf8: hex('61e282ff62') } // a, two bytes of three, a byte that is never one, b
const NAMES_GROUP = '{"_aws":{"LogGroupName":"/named/by-body"},"latency":17}'

export const DIFFERENT: readonly Case[] = [
  different(
    'event name',
    [{ ...EVERY_FIELD, eventName: 'order.placed' }, { eventName: '' }],
    [
      {
        row: EVENT_NAME,
        exporter: 'events',
        go: shown(everyField({}), {}),
        here: shown(everyField({ event_name: 'order.placed' }), {}),
      },
    ],
  ),
  different(
    'scope without a name',
    [{ body: 'x' }],
    [
      {
        row: SCOPE_WITHOUT_NAME,
        exporter: 'events',
        go: shown({ body: 'x' }),
        here: shown({ body: 'x', scope: { version: '1.0.0', attributes: { a: 1 } } }),
      },
    ],
    { scope: { version: '1.0.0', attributes: { a: 1n } } },
  ),
  different(
    'observed alone',
    [{ body: 'x', time: 0n, observed: at(3) }],
    (['events', 'raw'] as const).map((exporter) => {
      const message = exporter === 'raw' ? 'x' : { body: 'x' }
      return {
        row: WITHOUT_TIME,
        exporter,
        go: [{ group: GROUP, at: 'now', message }],
        here: [{ group: GROUP, at: 3, message }],
      }
    }),
  ),
  different(
    'not finite',
    [{ body: Number.NaN }, { body: { kvlist: { n: Number.POSITIVE_INFINITY } } }, { body: Number.NEGATIVE_INFINITY }],
    [
      {
        row: NOT_FINITE,
        exporter: 'events',
        go: [],
        here: shown({ body: 'NaN' }, { body: { n: 'Infinity' } }, { body: '-Infinity' }),
      },
      {
        row: NOT_FINITE,
        exporter: 'raw',
        go: [
          { group: GROUP, at: 0, message: 'NaN' },
          { group: GROUP, at: 2, message: '-Infinity' },
        ],
        here: shown('NaN', { n: 'Infinity' }, '-Infinity'),
      },
    ],
  ),
  different(
    'bytes of length 0',
    [{ body: new Uint8Array() }, { body: 'x', attributes: { bytes: new Uint8Array() } }],
    [
      {
        row: EMPTY_BYTES,
        exporter: 'events',
        go: shown({ body: null }, { body: 'x', attributes: { bytes: null } }),
        here: shown({ body: '' }, { body: 'x', attributes: { bytes: '' } }),
      },
    ],
  ),
  different(
    'not UTF-8',
    [{ body: BROKEN }],
    [
      {
        row: NOT_UTF8,
        exporter: 'events',
        go: shown({ body: 'a\ufffd\ufffd\ufffdb' }),
        here: shown({ body: 'a\ufffd\ufffdb' }),
      },
      { row: NOT_UTF8, exporter: 'raw', go: shown('a\ufffd\ufffd\ufffdb'), here: shown('a\ufffd\ufffdb') },
    ],
  ),
  different(
    'nested deep',
    [{ body: TOO_DEEP }],
    [
      {
        row: DEEP,
        exporter: 'events',
        go: shown({ body: deep('too deep', 70) }),
        here: shown({ body: deep('[nested deeper than 64 values]', 64) }),
      },
      {
        row: DEEP,
        exporter: 'raw',
        go: shown(deep('too deep', 70)),
        here: shown(deep('[nested deeper than 64 values]', 64)),
      },
    ],
  ),
  different(
    'big',
    [{ body: BIG }],
    [
      {
        row: OVER_256_KIB,
        exporter: 'events',
        go: shown(`{"body":"${'x'.repeat(262_095)}[Truncated...]`),
        here: shown({ body: BIG }),
      },
      { row: OVER_256_KIB, exporter: 'raw', go: shown(`${'x'.repeat(262_104)}[Truncated...]`), here: shown(BIG) },
    ],
  ),
  different(
    'id of a wrong length',
    [{ body: 'x', traceId: hex('0102') }],
    [
      { row: WRONG_ID, exporter: 'events', go: [], here: shown({ body: 'x' }) },
      { row: WRONG_ID, exporter: 'raw', go: [], here: shown('x') },
    ],
  ),
  different(
    'body names a group',
    [{ body: NAMES_GROUP }],
    [
      {
        row: NAMED_BY_BODY,
        exporter: 'raw',
        go: [{ group: '/named/by-body', at: 0, message: JSON.parse(NAMES_GROUP) }],
        here: shown(JSON.parse(NAMES_GROUP)),
      },
    ],
  ),
  elsewhere('record names a group', ANY_ATTRIBUTE, 'prod/undefined', 'prod/record', {
    resource: { 'aws.ecs.cluster.name': 'prod' },
    attributes: { 'service.name': 'record' },
  }),
  elsewhere('small double in a name', AS_GO_PRINTS, 'prod/1e-07', 'prod/1e-7', {
    resource: { ...RESOURCE, 'service.name': 1e-7 },
  }),
  elsewhere('list in a name', AS_GO_PRINTS, undefined, 'prod/undefined', {
    resource: { ...RESOURCE, 'service.name': ['a', 'b'] },
  }),
  elsewhere('empty short name', EMPTY_SHORT_NAME, 'prod/undefined', 'prod/shop', {
    resource: { ...RESOURCE, ServiceName: '' },
  }),
  elsewhere('illegal name', NAMES_AS_THEY_ARE, undefined, 'prod/my_shop', {
    resource: { ...RESOURCE, 'service.name': 'my shop' },
  }),
]

/** What is written of `EVERY_FIELD`. */
function everyField(more: object): object {
  return {
    body: 'hello world',
    severity_number: 17,
    severity_text: 'ERROR',
    dropped_attributes_count: 4,
    flags: 257,
    trace_id: '0102030405060708090a0b0c0d0e0f10',
    span_id: 'f1f2f3f4f5f6f7f8',
    attributes: { 'a.first': 1, 'b.second': 'attr2' },
    ...more,
  }
}

/** One event that goes to another group; to none with Go, if that would be one that CloudWatch refuses. */
function elsewhere(
  name: string,
  row: string,
  go: string | undefined,
  here: string,
  { attributes, ...around }: Around & { readonly attributes?: Readonly<Record<string, string>> },
): Case {
  const record = { body: 'x', ...(attributes === undefined ? {} : { attributes }) }
  const differs = (['events', 'raw'] as const).map((exporter) => {
    const event = { at: 0, message: exporter === 'raw' ? 'x' : record }
    return { row, exporter, go: go === undefined ? [] : [{ ...event, group: go }], here: [{ ...event, group: here }] }
  })
  return different(name, [record], differs, around)
}

/** Events a millisecond apart. */
function shown(...messages: readonly unknown[]): Shown[] {
  return messages.map((message, at) => ({ group: GROUP, at, message }))
}
