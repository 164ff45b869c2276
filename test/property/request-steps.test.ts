// No request makes a stage of its way look at more than 16 bytes, or make more than 16 objects, for each byte it has.
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TextTooLong } from '../../src/wire/json-text.ts'
import { MalformedProtobuf } from '../../src/wire/protobuf-reader.ts'
import { ProtobufWriter } from '../../src/wire/protobuf-writer.ts'
import { countRecords } from '../../src/otlp/check.ts'
import { MalformedJson } from '../../src/otlp/json-reader.ts'
import { jsonToProtobuf } from '../../src/otlp/json-to-protobuf.ts'
import { decodeBeginning } from '../../src/otlp/logs.ts'
import { cutMessage } from '../../src/exporters/awscloudwatchlogs/event/oversize/cut.ts'
import { isJson, namedDestination } from '../../src/exporters/awscloudwatchlogs/event/raw-json.ts'
import { logsRequest } from '../fakes/logs-request.ts'
import { JSON_REQUESTS, PROTOBUF, RAW_LINES } from '../integration/hostile/hostile-requests.ts'
import { NOW_MS, transcoder } from '../unit/exporters/awscloudwatchlogs/event/transcode-request.ts'
import { countSteps } from './count-steps.ts'
import { resources } from './logs-arbitrary.ts'

const MAX_STEPS_A_BYTE = 16
/** What a call makes once, whatever the request: the answer, buffers for it, error messages, code that is compiled. */
const MAX_STEPS_A_CALL = 8_192
const SIZE = 48 * 1024
const SHAPE_SIZE = 8_000

const IDENTITY = { name: 'small', allowedGroups: ['/only/*', '*x*y*z*'] }
const TRANSCODERS = [
  transcoder({ group: '/test/{service.name}', stream: '{k8s.pod.name}' }),
  transcoder({ group: '{a}', allowedGroups: ['/test/*', '*a*b*c*'], lateEvents: 'clamp' }),
  transcoder({ group: '{service.name}', lateEvents: 'dead_letter', maxNewAnHour: 3 }),
  transcoder({ rawLog: true, routeFromBody: true, allowedGroups: ['/ok/*'] }),
]

type Shape<Arbitrary> = Arbitrary extends fc.Arbitrary<infer T> ? T : never
type Stage = (bytes: Uint8Array) => void

const STAGES: Readonly<Record<string, Stage>> = {
  count: countRecords,
  ...Object.fromEntries(
    TRANSCODERS.map((harness, i): [string, Stage] => [
      `transcode ${i}`,
      (bytes) => void harness.transcode(bytes, NOW_MS),
    ]),
  ),
  'transcode for a tenant': (bytes) => void TRANSCODERS[2]?.transcode(bytes, NOW_MS, IDENTITY),
  // Stops at its own limits, which are within what a call may make.
  decode: (bytes) => {
    countRecords(bytes)
    decodeBeginning(bytes, { fields: 100, textBytes: 4_096 })
  },
}

const writer = new ProtobufWriter()
const map: Stage = (json) => void jsonToProtobuf(json, writer)

/** Malformed requests too end within the bound. */
function orRefused(stage: Stage): Stage {
  return (bytes) => {
    try {
      stage(bytes)
    } catch (error) {
      if (error instanceof MalformedProtobuf || error instanceof MalformedJson || error instanceof TextTooLong) return
      throw error
    }
  }
}

function expectFew(name: string, bytes: Uint8Array, stage: Stage): void {
  const steps = countSteps(bytes, orRefused(stage))
  const most = MAX_STEPS_A_BYTE * bytes.length + MAX_STEPS_A_CALL
  const found = `${name}: ${steps.bytes} bytes and ${Math.round(steps.objects)} objects of ${bytes.length} bytes`
  expect(steps.bytes + steps.objects, found).toBeLessThanOrEqual(most)
}

function expectFewInAll(bytes: Uint8Array): void {
  for (const [name, stage] of Object.entries(STAGES)) expectFew(name, bytes, stage)
}

describe('of requests that are hostile', () => {
  test.each(PROTOBUF.map(({ name, build }) => [name, build] as const))('%s', (_, build) => expectFewInAll(build(SIZE)))
  test.each(RAW_LINES.map(({ name, build }) => [name, build] as const))('%s', (_, build) => expectFewInAll(build(SIZE)))
  test.each(JSON_REQUESTS.map(({ name, build }) => [name, build] as const))('%s', (_, build) => {
    expectFew('map', build(SIZE), map)
    orRefused(map)(build(SIZE))
    expectFewInAll(Uint8Array.from(writer.view()))
  })
})

/** Pieces of protobuf that lead somewhere, over and over, inside messages that are there. */
const piece = fc.oneof(
  fc.constantFrom(
    '0a00',
    '1200',
    '0a020a00',
    '120232001200',
    '2a020a00',
    '2a032a010a',
    '32020a00',
    '320412021001',
    '1001',
  ),
  fc.constantFrom('0a0c0a0a0a010062051203', '09ffffffffffffffff', '4a00', '5a00', 'f80601', '1a00', '3a0028', '0b'),
  fc.uint8Array({ minLength: 1, maxLength: 24 }).map((bytes) => Buffer.from(bytes).toString('hex')),
)
const protobufShape = fc.record({
  pieces: fc.array(piece, { minLength: 1, maxLength: 4 }),
  /** Fields of the messages around them, from the inside. */
  inside: fc.array(fc.constantFrom(1, 2, 5, 6, 7), { maxLength: 8 }),
})

function protobufOf({ pieces, inside }: Shape<typeof protobufShape>): Uint8Array {
  const once = Buffer.from(pieces.join(''), 'hex')
  let bytes: Uint8Array = Buffer.alloc(Math.floor(SHAPE_SIZE / once.length) * once.length, once)
  for (const field of inside) {
    const outer = new ProtobufWriter()
    outer.bytes(field, bytes)
    bytes = Uint8Array.from(outer.view())
  }
  return bytes
}

/** The same of JSON. */
const jsonPiece = fc.oneof(
  fc.constantFrom(
    '{}',
    '[]',
    '""',
    '"\\u00e4"',
    '1e9',
    '-0.5',
    'null',
    'true',
    '{"body":{}}',
    '"key":"k"',
    '"a":1',
    ',',
  ),
  fc.constantFrom('{"stringValue":""}', '{"intValue":"7"}', '{"arrayValue":{"values":[]}}', '{"key":"k","value":{}}'),
  fc.constantFrom(
    '{"resource":{"attributes":[]}}',
    '{"timeUnixNano":"1"}',
    '"x":[[[]]]',
    '"resource_logs":1',
    '9',
    '[',
  ),
  fc.json({ maxDepth: 3 }),
  fc.string({ maxLength: 12 }),
)
const jsonAround = fc.constantFrom<readonly [string, string]>(
  ['', ''],
  ['{', '}'],
  ['{"resourceLogs":[', ']}'],
  ['{"resourceLogs":[{"scopeLogs":[', ']}]}'],
  ['{"resourceLogs":[{"scopeLogs":[{"logRecords":[', ']}]}]}'],
  ['{"resourceLogs":[{"scopeLogs":[{"logRecords":[{', '}]}]}]}'],
  ['{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"arrayValue":{"values":[', ']}}}]}]}]}'],
  ['{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"attributes":[', ']}]}]}]}'],
)
const jsonShape = fc.record({ around: jsonAround, piece: jsonPiece, separator: fc.constantFrom(',', '') })

function jsonOf({ around: [before, after], piece, separator }: Shape<typeof jsonShape>): Buffer {
  const times = Math.ceil(SHAPE_SIZE / (piece.length + separator.length + 1))
  return Buffer.from(before + Array.from({ length: times }, () => piece).join(separator) + after)
}

describe('of any request', () => {
  test('in protobuf, of repeated pieces', () => {
    fc.assert(
      fc.property(protobufShape, (shape) => expectFewInAll(protobufOf(shape))),
      { numRuns: 100 },
    )
  })

  test('in protobuf, valid', () => {
    fc.assert(
      fc.property(resources, (valid) => expectFewInAll(logsRequest(...Array.from({ length: 20 }, () => valid).flat()))),
      { numRuns: 40 },
    )
  })

  test('in JSON', () => {
    fc.assert(
      fc.property(jsonShape, (shape) => {
        const bytes = jsonOf(shape)
        expectFew('map', bytes, map)
        orRefused(map)(bytes)
        expectFewInAll(Uint8Array.from(writer.view()))
      }),
      { numRuns: 100 },
    )
  })

  test('and of any message that is cut, or asked for the group it names', () => {
    fc.assert(
      fc.property(jsonShape, fc.integer({ min: 256, max: 4_000 }), (shape, limit) => {
        const bytes = jsonOf(shape)
        expectFew('is JSON', bytes, (line) => void isJson(line as Buffer))
        expectFew('names', bytes, (line) => void namedDestination(line as Buffer))
        const valid = isJson(bytes)
        expectFew('cut', bytes, (line) => void cutMessage(line as Buffer, limit, valid))
      }),
      { numRuns: 200 },
    )
  })
})
