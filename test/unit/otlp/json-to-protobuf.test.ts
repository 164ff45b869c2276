import { describe, expect, test } from 'vitest'
import { countRecords } from '../../../src/otlp/check.ts'
import { MalformedJson } from '../../../src/otlp/json-reader.ts'
import { jsonToProtobuf } from '../../../src/otlp/json-to-protobuf.ts'
import { decodeLogs, type AnyValue, type LogRecord } from '../../../src/otlp/logs.ts'
import { ProtobufWriter } from '../../../src/wire/protobuf-writer.ts'

function map(json: string | Uint8Array): Uint8Array {
  const writer = new ProtobufWriter(16)
  const bytes = typeof json === 'string' ? Buffer.from(json) : json
  jsonToProtobuf(bytes, writer)
  expect(writer.view().length).toBeLessThanOrEqual(bytes.length)
  return Uint8Array.from(writer.view())
}

/** The record that `{"resourceLogs":[{"scopeLogs":[{"logRecords":[ … ]}]}]}` becomes. */
function record(json: string): LogRecord | undefined {
  const bytes = map(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[${json}]}]}]}`)
  return decodeLogs(bytes)[0]?.scopeLogs[0]?.logRecords[0]
}

const body = (json: string): AnyValue | undefined => record(`{"body":${json}}`)?.body

function refusal(json: string | Uint8Array): string {
  try {
    map(json)
  } catch (error) {
    if (error instanceof MalformedJson) return error.message
    throw error
  }
  return 'not refused'
}

const refusedRecord = (json: string): string =>
  refusal(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[{}, ${json}]}]}]}`).replace(
    '$.resourceLogs[0].scopeLogs[0].logRecords[1]',
    '<record>',
  )

test('the example of the OTLP specification', () => {
  const bytes = map(`{
    "resourceLogs": [{
      "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "my.service"}}]},
      "scopeLogs": [{
        "scope": {"name": "my.library", "version": "1.0.0",
          "attributes": [{"key": "my.scope.attribute", "value": {"stringValue": "some scope attribute"}}]},
        "logRecords": [{
          "timeUnixNano": "1544712660300000000", "observedTimeUnixNano": "1544712660300000000",
          "severityNumber": 10, "severityText": "Information",
          "traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": "eee19b7ec3c1b174",
          "body": {"stringValue": "Example log record"},
          "attributes": [
            {"key": "string.attribute", "value": {"stringValue": "some string"}},
            {"key": "boolean.attribute", "value": {"boolValue": true}},
            {"key": "int.attribute", "value": {"intValue": "10"}},
            {"key": "double.attribute", "value": {"doubleValue": 637.704}},
            {"key": "array.attribute", "value": {"arrayValue": {"values": [{"stringValue": "many"}, {"stringValue": "values"}]}}},
            {"key": "map.attribute", "value": {"kvlistValue": {"values": [{"key": "some.map.key", "value": {"stringValue": "some value"}}]}}}
          ]
        }]
      }]
    }]
  }`)
  const [resourceLogs] = decodeLogs(bytes)
  expect(resourceLogs?.resource.attributes).toEqual(new Map([['service.name', 'my.service']]))
  expect(resourceLogs?.scopeLogs[0]?.scope).toMatchObject({ name: 'my.library', version: '1.0.0' })
  expect(resourceLogs?.scopeLogs[0]?.logRecords[0]).toMatchObject({
    timeUnixNano: 1_544_712_660_300_000_000n,
    observedTimeUnixNano: 1_544_712_660_300_000_000n,
    severityNumber: 10,
    severityText: 'Information',
    traceId: Uint8Array.from(Buffer.from('5b8efff798038103d269b633813fc60c', 'hex')),
    spanId: Uint8Array.from(Buffer.from('eee19b7ec3c1b174', 'hex')),
    body: 'Example log record',
    attributes: new Map<string, AnyValue>([
      ['string.attribute', 'some string'],
      ['boolean.attribute', true],
      ['int.attribute', 10n],
      ['double.attribute', 637.704],
      ['array.attribute', ['many', 'values']],
      ['map.attribute', new Map([['some.map.key', 'some value']])],
    ]),
  })
})

test.each(['{}', ' {\r\n\t} ', '{"resourceLogs":[]}', '{"resourceLogs":null}', '{"unknown":[{"a":[1,-2.5e3,null]}]}'])(
  'a request without a record: %s',
  (json) => expect(countRecords(map(json))).toBe(0),
)

describe('values', () => {
  const cases: [string, AnyValue][] = [
    ['{"stringValue":""}', ''],
    ['{"stringValue":"a\\u00e9\\ud83d\\ude00\\n\\/\\"\\\\"}', 'aé😀\n/"\\'],
    ['{"stringValue":"😀 as it is"}', '😀 as it is'],
    ['{"stringValue":"\\ud800 alone"}', '\ufffd alone'],
    ['{"stringValue":"\\u0000"}', '\0'],
    ['{"boolValue":false}', false],
    ['{"intValue":0}', 0n],
    ['{"intValue":"9223372036854775807"}', 2n ** 63n - 1n],
    ['{"intValue":9223372036854775807}', 2n ** 63n - 1n],
    ['{"intValue":-9223372036854775808}', -(2n ** 63n)],
    ['{"intValue":9223372036854775808}', 2 ** 63],
    ['{"intValue":1.5e+300}', 1.5e300],
    ['{"intValue":-1e19}', -1e19],
    ['{"intValue":9007199254740993}', 9_007_199_254_740_993n],
    ['{"intValue":1e3}', 1000n],
    ['{"intValue":"2.0"}', 2n],
    ['{"doubleValue":-0.0}', -0],
    ['{"doubleValue":"1.5"}', 1.5],
    ['{"doubleValue":"NaN"}', Number.NaN],
    ['{"doubleValue":"-Infinity"}', Number.NEGATIVE_INFINITY],
    ['{"bytesValue":"AP8="}', Uint8Array.of(0, 255)],
    ['{"bytesValue":"-_8"}', Uint8Array.of(0xfb, 0xff)],
    ['{"bytesValue":"\\/\\/8="}', Uint8Array.of(255, 255)],
    ['{"stringValue":null}', null],
    ['{}', null],
    ['{"arrayValue":{}}', []],
    ['{"arrayValue":{"values":[{},{"intValue":1}]}}', [null, 1n]],
    ['{"kvlistValue":{"values":[{"key":"__proto__","value":{"boolValue":true}}]}}', new Map([['__proto__', true]])],
    ['{"kvlistValue":{"values":[{"value":{}}]}}', new Map([['', null]])],
  ]
  test.each(cases)('%s', (json, expected) => expect(body(json)).toEqual(expected))
})

describe('fields of a record', () => {
  const cases: [string, Partial<LogRecord>][] = [
    ['{"timeUnixNano":1700000000123456789}', { timeUnixNano: 1_700_000_000_123_456_789n }],
    ['{"timeUnixNano":"18446744073709551615"}', { timeUnixNano: 2n ** 64n - 1n }],
    ['{"severityNumber":24}', { severityNumber: 24 }],
    ['{"severityNumber":"SEVERITY_NUMBER_INFO"}', { severityNumber: 9 }],
    ['{"severityNumber":"SEVERITY_NUMBER_FATAL4"}', { severityNumber: 24 }],
    ['{"severityNumber":"SEVERITY_NUMBER_UNSPECIFIED"}', { severityNumber: 0 }],
    ['{"severityNumber":"17"}', { severityNumber: 17 }],
    ['{"severityNumber":-1}', { severityNumber: -1 }],
    ['{"flags":4294967295,"droppedAttributesCount":"7"}', { flags: 0xffff_ffff, droppedAttributesCount: 7 }],
    ['{"eventName":"e","eventName2":{"deep":[[]]},"\\u0073everityText":"x"}', { eventName: 'e', severityText: 'x' }],
    ['{"traceId":"","spanId":null}', { traceId: new Uint8Array(0), spanId: new Uint8Array(0) }],
  ]
  test.each(cases)('%s', (json, expected) => expect(record(json)).toMatchObject(expected))
})

describe('refusals and their messages', () => {
  const bodies: [string, string][] = [
    ['', '$: expected a value at byte 0, where the body ends'],
    ['[]', '$: expected an object, not a list'],
    ['{', '$: expected a name in quotes at byte 1, where the body ends'],
    ['{"a":1,}', '$: expected a name in quotes at byte 7, where there is "}"'],
    ['{"a" 1}', '$: expected ":" at byte 5, where there is "1"'],
    ['{"a":[1 2]}', '$: expected "," or "]" at byte 8, where there is "2"'],
    ['{"a":[1}', '$: expected "," or "]" at byte 7, where there is "}"'],
    ['{"a":01}', '$: a number starts with 0 before byte 7'],
    ['{"a":1.}', '$: expected a digit at byte 7, where there is "}"'],
    ['{"a":-}', '$: expected a digit at byte 6, where there is "}"'],
    ['{"a":tru}', '$: expected true at byte 5, where there is "t"'],
    ['{"a":"\\x"}', '$: the string at byte 6 has an escape that JSON does not have'],
    ['{"a":{"\\x":1}}', '$: the string at byte 7 has an escape that JSON does not have'],
    ['{"a":"', '$: expected the closing quote of a string at byte 6, where the body ends'],
    [
      '{"a":"\n"}',
      '$: expected an escape: control characters are written as \\n or \\u0000 in a string at byte 6, where there is "\\n"',
    ],
    ['{} {}', '$: expected the end of the body at byte 3, where there is "{"'],
    ['{"a":'.padEnd(200_000, '['), '$: nested deeper than 65536 levels'],
    ['{"resourceLogs":{}}', '$.resourceLogs: expected a list, not an object'],
    ['{"resourceLogs":[null]}', '$.resourceLogs[0]: expected an object, not null'],
    [
      '{"resource_logs":[]}',
      '$: "resource_logs" is not a field of OTLP/JSON, which spells it "resourceLogs": write "resourceLogs"',
    ],
    [
      '{"resourceLogs":[{},{"scopeLogs":[{"log_records":[{}]}]}]}',
      '$.resourceLogs[1].scopeLogs[0]: "log_records" is not a field of OTLP/JSON, which spells it "logRecords": write "logRecords"',
    ],
  ]
  test.each(bodies)('%.40s', (json, message) => expect(refusal(json)).toBe(message))

  const records: [string, string][] = [
    ['{"timeUnixNano":true}', '<record>.timeUnixNano: expected a number, not true or false'],
    ['{"timeUnixNano":"now"}', '<record>.timeUnixNano: "now" is not an integer'],
    ['{"timeUnixNano":1.5}', '<record>.timeUnixNano: "1.5" is not an integer'],
    ['{"timeUnixNano":-1}', '<record>.timeUnixNano: "-1" is not between 0 and 18446744073709551615'],
    [
      '{"timeUnixNano":18446744073709551616}',
      '<record>.timeUnixNano: "18446744073709551616" is not between 0 and 18446744073709551615',
    ],
    ['{"severityNumber":"INFO"}', '<record>.severityNumber: "INFO" is not an integer'],
    ['{"severityText":5}', '<record>.severityText: expected a string, not a number'],
    ['{"flags":4294967296}', '<record>.flags: "4294967296" is not between 0 and 4294967295'],
    ['{"body":"hello"}', '<record>.body: expected an object, not a string'],
    ['{"body":{"boolValue":"true"}}', '<record>.body.boolValue: expected true or false, not a string'],
    ['{"body":{"doubleValue":1e999}}', '<record>.body.doubleValue: "1e999" is too large for a double'],
    [
      '{"body":{"doubleValue":"one"}}',
      '<record>.body.doubleValue: "one" is not a number: write one, or "NaN", "Infinity" or "-Infinity"',
    ],
    ['{"body":{"bytesValue":"***"}}', '<record>.body.bytesValue: "***" is not base64'],
    [
      '{"body":{"arrayValue":{"values":[{},{"intValue":""}]}}}',
      '<record>.body.arrayValue.values[1].intValue: "" is not an integer',
    ],
    [
      '{"traceId":"AAECAwQFBgcICQoLDA0ODw=="}',
      '<record>.traceId: "AAECAwQFBgcICQoLDA0ODw==" is not hexadecimal: OTLP/JSON writes ids as 32 or 16 hex digits, not in base64',
    ],
    [
      '{"attributes":[{"key":"a","value":{"string_value":"b"}}]}',
      '<record>.attributes[0].value: "string_value" is not a field of OTLP/JSON, which spells it "stringValue": write "stringValue"',
    ],
  ]
  test.each(records)('%s', (json, message) => expect(refusedRecord(json)).toBe(message))

  const digits = '9'.repeat(1_000_000)
  test.each([
    ['timeUnixNano', digits, 'timeUnixNano'],
    ['timeUnixNano', `"${digits}"`, 'timeUnixNano'],
    ['timeUnixNano', `1e${digits}`, 'timeUnixNano'],
    ['observedTimeUnixNano', `0.${digits}`, 'observedTimeUnixNano'],
    ['severityNumber', `"${digits}"`, 'severityNumber'],
    ['flags', `-${digits}`, 'flags'],
    ['droppedAttributesCount', digits, 'droppedAttributesCount'],
    ['body', `{"intValue":${digits}}`, 'body.intValue'],
    ['body', `{"intValue":"${digits}"}`, 'body.intValue'],
    ['body', `{"intValue":"\\u0039${digits}"}`, 'body.intValue'],
    ['body', `{"doubleValue":${digits}}`, 'body.doubleValue'],
    ['body', `{"doubleValue":"${digits}"}`, 'body.doubleValue'],
  ])('%s of a million digits is refused unread', (name, value, path) => {
    const message = refusedRecord(`{"${name}":${value}}`)
    expect(message).toMatch(new RegExp(`^<record>\\.${path}: "[-0-9eu.\\\\]+…" has 100\\d\\d\\d\\d characters: `))
    expect(message).toMatch(/: a number has at most 1100 characters, and a 64-bit integer 20$/)
  })

  test('an unknown field of a million digits is stepped over', () => {
    expect(record(`{"x":${digits},"severityText":"a"}`)?.severityText).toBe('a')
  })
})

test('a value nested deeper than the limit keeps its kind and loses its content', () => {
  const nested = (depth: number) =>
    '{"arrayValue":{"values":['.repeat(depth) + '{"boolValue":true}' + ']}}'.repeat(depth)
  const innermost = (value: AnyValue | undefined): AnyValue | undefined =>
    Array.isArray(value) ? innermost((value as readonly AnyValue[])[0]) : value
  expect(innermost(body(nested(63)))).toBe(true)
  expect(innermost(body(nested(64)))).toBe('[nested deeper than 64 values]')
  expect(innermost(body(nested(10_000)))).toBe('[nested deeper than 64 values]')
})

test('every truncation and every changed byte of a body is mapped or refused, and what is mapped is valid protobuf', () => {
  const json = Buffer.from(
    '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"17","severityNumber":9,"body":{"kvlistValue":' +
      '{"values":[{"key":"k\\n","value":{"doubleValue":-1.5e1}}]}},"traceId":"0aFF","x":[null,{}]}]}]}]}',
  )
  const seen = { mapped: 0, refused: 0 }
  const attempt = (input: Uint8Array) => {
    if (refusal(input) === 'not refused') {
      expect(countRecords(map(input))).toBeGreaterThanOrEqual(0)
      seen.mapped++
    } else seen.refused++
  }
  for (let length = 0; length < json.length; length++) attempt(json.subarray(0, length))
  for (let at = 0; at < json.length; at++) {
    for (const byte of [0, 0x20, 0x22, 0x2c, 0x31, 0x5b, 0x5c, 0x7d, 0xff]) {
      const changed = Buffer.from(json)
      changed[at] = byte
      attempt(changed)
    }
  }
  expect(seen.mapped).toBeGreaterThan(100)
  expect(seen.refused).toBeGreaterThan(1000)
})

describe('64-bit integers that are written as other numbers', () => {
  test.each([
    ['1.79e+18', 1_790_000_000_000_000_000n],
    ['1.7637000001234568e18', 1_763_700_000_123_456_800n],
    ['1763700000000000001.0', 1_763_700_000_000_000_001n],
    ['1763700000000000001.000E0', 1_763_700_000_000_000_001n],
    ['17637000000000000010e-1', 1_763_700_000_000_000_001n],
    ['"1.79e18"', 1_790_000_000_000_000_000n],
    ['"00001763700000000000001"', 1_763_700_000_000_000_001n],
    ['1.8446744073709551615e19', 2n ** 64n - 1n],
    ['0e999999999999', 0n],
    ['0.0', 0n],
    ['-0', 0n],
  ])('a time of %s is exact', (json, nanos) => {
    expect(record(`{"timeUnixNano":${json},"observedTimeUnixNano":${json}}`)).toMatchObject({
      timeUnixNano: nanos,
      observedTimeUnixNano: nanos,
    })
  })

  test.each([
    ['9.223372036854775807e18', 2n ** 63n - 1n],
    ['-9.223372036854775808e18', -(2n ** 63n)],
    ['"9.007199254740993e15"', 9_007_199_254_740_993n],
    ['9007199254740993', 9_007_199_254_740_993n],
    // No int64: the double that a sender in JavaScript had.
    ['9.223372036854775808e18', 2 ** 63],
    ['1e19', 1e19],
    ['1.5e300', 1.5e300],
  ])('an intValue of %s is %s', (json, value) => expect(body(`{"intValue":${json}}`)).toBe(value))

  test.each([
    ['1.7637000001234568901e18', '"1.7637000001234568901e18" is not an integer'],
    ['1e-1', '"1e-1" is not an integer'],
    ['1.8446744073709551616e19', '"1.8446744073709551616e19" is not between 0 and 18446744073709551615'],
    ['1e999999999999', '"1e999999999999" is not between 0 and 18446744073709551615'],
    ['-1e1', '"-1e1" is not between 0 and 18446744073709551615'],
  ])('a time of %s is refused', (json, problem) =>
    expect(refusedRecord(`{"timeUnixNano":${json}}`)).toBe(`<record>.timeUnixNano: ${problem}`),
  )
})

describe('a body in which nothing is OTLP', () => {
  const EXPECTED =
    'this is /v1/logs of OTLP/JSON and expects {"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"…"}}]}]}]}'
  const warning = (json: string) => jsonToProtobuf(Buffer.from(json), new ProtobufWriter())
  const records = (json: string) => `{"resourceLogs":[{"scopeLogs":[{"logRecords":[${json}]}]}]}`

  test.each([
    ['{"message":"hello"}', '"message" at $ is not a field of it'],
    ['{"resourceSpans":[{"scopeSpans":[]}]}', '"resourceSpans" holds traces'],
    ['{"resource_spans":[]}', '"resource_spans" holds traces'],
    ['{"resourceMetrics":[]}', '"resourceMetrics" holds metrics'],
    ['{"resourceLogs":[],"x":1}', '"x" at $ is not a field of it'],
    ['{"resourceLogs":[{"message":"a"}]}', '"message" at $.resourceLogs[0] is not a field of it'],
    [
      '{"resourceLogs":[{},{"scopeLogs":[{"logs":[1]}]}]}',
      '"logs" at $.resourceLogs[1].scopeLogs[0] is not a field of it',
    ],
  ])('%s', (json, reason) => expect(warning(json)).toBe(`no log records were found: ${reason}; ${EXPECTED}`))

  test('a name of any length is cut', () => {
    const json = `{"${'k'.repeat(10_000)}":1}`
    expect(warning(json)).toContain(`no log records were found: "${'k'.repeat(64)}…" at $ is not a field of it; `)
  })

  test('records without an OTLP field are counted, separate from those with some', () => {
    expect(warning(records('{"x":1,"severityText":"a"},{"message":"a"},{"msg":"b"},{}'))).toBe(
      `2 of 4 log records are empty: "message" at $.resourceLogs[0].scopeLogs[0].logRecords[1] is not a field of a log record; ${EXPECTED}`,
    )
  })

  test.each([
    '{}',
    '{"resourceLogs":[]}',
    records(''),
    records('{}'),
    records('{"x":1,"body":{}}'),
    '{"resourceLogs":null}',
  ])('no warning about %s', (json) => expect(warning(json)).toBe(''))
})

describe('values as long as a request', () => {
  const long = 'ü'.repeat(100_000)

  test('a text with escapes all over', () => {
    const escaped = JSON.stringify(`${long}"\\/\b\f\n\r\t😀`).slice(1, -1)
    expect(body(`{"stringValue":"\\u0041${escaped}\\ud83d\\ude00\\ud83d\\u0041\\ude00"}`)).toBe(
      `A${long}"\\/\b\f\n\r\t😀😀\ufffdA\ufffd`,
    )
  })

  test.each(['base64', 'base64url'] as const)('bytes in %s, with and without escapes', (coding) => {
    for (let size = 0; size < 70; size++) {
      const bytes = Buffer.from(Array.from({ length: size }, (_, i) => (i * 37 + size) & 255))
      const text = bytes.toString(coding)
      for (const written of [text, text.replaceAll('/', '\\/'), text.replace(/=+$/, '')])
        expect(body(`{"bytesValue":"${written}"}`)).toEqual(Uint8Array.from(bytes))
    }
  })

  test('bytes that are no base64 past their first megabyte', () => {
    expect(refusedRecord(`{"body":{"bytesValue":"${'A'.repeat(1_000_000)}*"}}`)).toBe(
      `<record>.body.bytesValue: "${'A'.repeat(64)}…" is not base64`,
    )
    expect(refusedRecord('{"body":{"bytesValue":"A=A="}}')).toBe('<record>.body.bytesValue: "A=A=" is not base64')
  })

  test('an id in hexadecimal, with escapes', () => {
    expect(record('{"spanId":"\\u0030aFf"}')?.spanId).toEqual(Uint8Array.of(0x0a, 0xff))
    expect(refusedRecord('{"spanId":"0g"}')).toContain('"0g" is not hexadecimal')
    expect(refusedRecord('{"spanId":"000"}')).toContain('"000" is not hexadecimal')
  })
})
