// Valid OTLP logs requests of every shape, for fast-check.
import * as fc from 'fast-check'
import type { Pairs, RecordFields, ResourceFields, ScopeFields, Text, Value } from '../fakes/logs-request.ts'
import { NOW_NANOS } from '../unit/exporters/awscloudwatchlogs/event/transcode-request.ts'

/** Any UTF-16, lone surrogates and control characters included; and bytes that need not be UTF-8 at all. */
const text: fc.Arbitrary<Text> = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.array(fc.integer({ min: 0, max: 0xff }), { maxLength: 20 }).map((codes) => String.fromCharCode(...codes)),
  fc.array(fc.integer({ min: 0xd7f0, max: 0xe00f }), { maxLength: 8 }).map((codes) => String.fromCharCode(...codes)),
  fc.uint8Array({ maxLength: 20 }).map((utf8) => ({ utf8 })),
)

/** Few names, so that a key often comes twice. */
const key: fc.Arbitrary<Text> = fc.oneof(fc.constantFrom('a', 'b', '', '__proto__', 'k8s.pod.name', '"\\\n'), text)

const int64 = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constantFrom(2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n, 2n ** 53n + 1n, -(2n ** 53n) - 1n, 2n ** 32n, -1n, 0n),
)
const double = fc.oneof(
  fc.double(),
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0),
)

const { value, pairs } = fc.letrec<{ value: Value; pairs: Pairs; scalar: Value }>((tie) => ({
  scalar: fc.oneof(fc.constant(null), text, fc.boolean(), int64, double, fc.uint8Array({ maxLength: 100 })),
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    { weight: 5, arbitrary: tie('scalar') },
    { weight: 1, arbitrary: fc.array(tie('value'), { maxLength: 4 }) },
    { weight: 1, arbitrary: tie('pairs').map((kvlist): Value => ({ kvlist })) },
    { weight: 1, arbitrary: fc.tuple(tie('scalar'), fc.nat(70), fc.boolean()).map(nested) },
    { weight: 1, arbitrary: fc.array(tie('scalar'), { maxLength: 3 }).map((oneof): Value => ({ oneof })) },
  ),
  pairs: fc.array(fc.tuple(key, fc.option(tie('value'), { nil: undefined })), { maxLength: 5 }),
}))

/** A scalar in nested lists or maps: around the depth at which a marker takes its place. */
function nested([inner, levels, inMaps]: [Value, number, boolean]): Value {
  let outer = inner
  for (let i = 0; i < levels; i++) outer = inMaps ? { kvlist: [['k', outer]] } : [outer]
  return outer
}

const uint32 = fc.oneof(fc.nat(3), fc.constantFrom(0xffff_ffff, 0x8000_0000, 0x7fff_ffff))
const id = fc.oneof(
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
  fc.uint8Array({ minLength: 8, maxLength: 8 }),
  fc.constantFrom(new Uint8Array(16), new Uint8Array(8), new Uint8Array(0), Uint8Array.of(1)),
)
const DAY = 86_400_000_000_000n
const time = fc.oneof(
  { weight: 4, arbitrary: fc.bigInt({ min: NOW_NANOS - 14n * DAY, max: NOW_NANOS + DAY / 12n }) },
  { weight: 1, arbitrary: fc.constant(0n) },
  { weight: 1, arbitrary: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) },
)

const record: fc.Arbitrary<RecordFields> = fc.record(
  {
    time,
    observed: time,
    severityNumber: fc.oneof(fc.nat(24), fc.constantFrom(-1, 2_147_483_647, -2_147_483_648)),
    severityText: text,
    body: value,
    attributes: pairs,
    dropped: uint32,
    flags: uint32,
    traceId: id,
    spanId: id,
    eventName: text,
  },
  { requiredKeys: [] },
)
const scope: fc.Arbitrary<ScopeFields> = fc.record(
  { name: text, version: text, attributes: pairs, records: fc.array(record, { maxLength: 4 }) },
  { requiredKeys: ['records'] },
)
const resource: fc.Arbitrary<ResourceFields> = fc.record(
  { resource: pairs, scopes: fc.array(scope, { maxLength: 3 }) },
  { requiredKeys: ['scopes'] },
)

export const resources: fc.Arbitrary<ResourceFields[]> = fc.array(resource, { maxLength: 3 })
