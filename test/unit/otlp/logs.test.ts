import { expect, test } from 'vitest'
import { decodeLogs, TOO_DEEP, type AnyValue, type LogRecord } from '../../../src/otlp/logs.ts'
import { MalformedProtobuf } from '../../../src/wire/protobuf-reader.ts'
import { ProtobufWriter } from '../../../src/wire/protobuf-writer.ts'

type Write = (writer: ProtobufWriter) => void

function inside(writer: ProtobufWriter, field: number, write: Write): void {
  const start = writer.begin(field)
  write(writer)
  writer.end(start)
}

function request(write: Write): Uint8Array {
  const writer = new ProtobufWriter()
  inside(writer, 1, write)
  return writer.view()
}

function decodeRecord(write: Write): LogRecord | undefined {
  const bytes = request((w) => inside(w, 2, (w) => inside(w, 2, write)))
  return decodeLogs(bytes)[0]?.scopeLogs[0]?.logRecords[0]
}

function decodeBody(write: Write): AnyValue | undefined {
  return decodeRecord((w) => inside(w, 5, write))?.body
}

test('every field of a request is decoded', () => {
  const bytes = request((w) => {
    inside(w, 1, (w) => {
      inside(w, 1, (w) => {
        w.string(1, 'service.name')
        inside(w, 2, (w) => w.string(1, 'shop'))
      })
      w.uint32(2, 3)
    })
    inside(w, 2, (w) => {
      inside(w, 1, (w) => {
        w.string(1, 'scope')
        w.string(2, '1.2')
        inside(w, 3, (w) => w.string(1, 'empty'))
        w.uint32(4, 4)
      })
      inside(w, 2, (w) => {
        w.fixed64(1, 1_700_000_000_123_456_789n)
        w.uint32(2, 9)
        w.string(3, 'INFO')
        inside(w, 5, (w) => w.string(1, 'grüße'))
        w.uint32(7, 5)
        w.fixed32(8, 0xffff_ffff)
        w.bytes(9, Uint8Array.of(1))
        w.bytes(10, Uint8Array.of(2))
        w.fixed64(11, 2n ** 64n - 1n)
        w.string(12, 'event')
      })
      w.string(3, 'scope-schema')
    })
    w.string(3, 'resource-schema')
    w.string(99, 'unknown')
  })
  expect(decodeLogs(bytes)).toEqual([
    {
      resource: { attributes: new Map([['service.name', 'shop']]), droppedAttributesCount: 3 },
      scopeLogs: [
        {
          scope: { name: 'scope', version: '1.2', attributes: new Map([['empty', null]]), droppedAttributesCount: 4 },
          logRecords: [
            {
              timeUnixNano: 1_700_000_000_123_456_789n,
              observedTimeUnixNano: 2n ** 64n - 1n,
              severityNumber: 9,
              severityText: 'INFO',
              body: 'grüße',
              attributes: new Map(),
              droppedAttributesCount: 5,
              flags: 0xffff_ffff,
              traceId: Uint8Array.of(1),
              spanId: Uint8Array.of(2),
              eventName: 'event',
            },
          ],
          schemaUrl: 'scope-schema',
        },
      ],
      schemaUrl: 'resource-schema',
    },
  ])
})

const values: [string, Write, AnyValue][] = [
  ['no value', () => {}, null],
  ['the empty text', (w) => w.string(1, ''), ''],
  ['false', (w) => w.bool(2, false), false],
  ['the least int64', (w) => w.int64(3, -(2n ** 63n)), -(2n ** 63n)],
  ['the largest int64', (w) => w.int64(3, 2n ** 63n - 1n), 2n ** 63n - 1n],
  ['NaN', (w) => w.double(4, Number.NaN), Number.NaN],
  ['minus zero', (w) => w.double(4, -0), -0],
  ['bytes', (w) => w.bytes(7, Uint8Array.of(0, 255)), Uint8Array.of(0, 255)],
  ['text that is not UTF-8', (w) => w.bytes(1, Uint8Array.of(0x61, 0xff)), 'a\ufffd'],
  [
    'a list',
    (w) =>
      inside(w, 5, (w) => {
        inside(w, 1, (w) => w.int64(3, 1n))
        inside(w, 1, () => {})
      }),
    [1n, null],
  ],
  [
    'a map whose key comes twice: the last value counts',
    (w) =>
      inside(w, 6, (w) => {
        for (const text of ['first', 'last']) {
          inside(w, 1, (w) => {
            w.string(1, '__proto__')
            inside(w, 2, (w) => w.string(1, text))
          })
        }
      }),
    new Map([['__proto__', 'last']]),
  ],
]
test.each(values)('%s is decoded', (_, write, expected) => {
  expect(decodeBody(write)).toEqual(expected)
  expect('first' in {}).toBe(false)
})

test('a value nested too deep is replaced, and its siblings are kept', () => {
  const list =
    (depth: number): Write =>
    (w) =>
      inside(w, 5, (w) => {
        inside(w, 1, depth === 1 ? (w) => w.string(1, 'innermost') : list(depth - 1))
        inside(w, 1, (w) => w.string(1, 'beside'))
      })
  const flattened = (value: AnyValue | undefined): unknown[] =>
    Array.isArray(value) ? value.flatMap((element: AnyValue) => flattened(element)) : [value]
  expect(flattened(decodeBody(list(63)))).toEqual(['innermost', ...Array<string>(63).fill('beside')])
  expect(flattened(decodeBody(list(64)))).toEqual([TOO_DEEP, TOO_DEEP, ...Array<string>(63).fill('beside')])
})

test('malformed bytes are refused whole', () => {
  expect(() => decodeLogs(Uint8Array.of(0x0a, 0x05))).toThrow(MalformedProtobuf)
  expect(() => decodeRecord((w) => w.string(1, '12345678'))).toThrow('LogRecord.timeUnixNano has wire type 2, not 1')
})
