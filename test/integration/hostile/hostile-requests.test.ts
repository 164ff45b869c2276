// Requests of a few MiB, most of which gzip makes a few KB, to a daemon with a heap of 128 MiB. At the receiver's limit:
// full/hostile/hostile-requests.test.ts.
import { expect, test } from 'vitest'
import { GROUPS, JSON_REQUESTS, MEBIBYTE, PROTOBUF, RAW_LINES, TIMES } from './hostile-requests.ts'
import { attackWith, type Kind, Target, type Way } from './hostile-run.ts'

const SIZE = 8 * MEBIBYTE
const HTTP: Way = { transport: 'http', coding: 'gzip' }
const STORED = /half a million records|a scope for each record/
const GRPC: Way = { transport: 'grpc', coding: 'identity' }

test('lists, maps, depth, texts, records and resources in protobuf', { timeout: 120_000 }, async () => {
  // What is stored by the hundred thousand takes its time in CloudWatch, and is in the full tests.
  const requests = PROTOBUF.filter((request) => !GROUPS.includes(request) && !STORED.test(request.name))
  await attackWith(await Target.start('plain'), requests, SIZE, HTTP)
})

test('lists, digits, escapes, unknown fields and no OTLP at all in JSON', { timeout: 120_000 }, async () => {
  await attackWith(await Target.start('plain'), JSON_REQUESTS, SIZE, { transport: 'http', coding: 'identity' })
})

test('lines of JSON with raw_log and route_from_body', { timeout: 120_000 }, async () => {
  await attackWith(await Target.start('raw'), RAW_LINES, SIZE, { transport: 'http', coding: 'zstd' })
})

test('half a million groups that a tenant may not write', { timeout: 120_000 }, async () => {
  await attackWith(await Target.start('tenant'), GROUPS, SIZE, GRPC)
})

test.each<Kind>(['twice', 'storage'])(
  'half a million records that are too late, %s',
  { timeout: 120_000 },
  async (kind) => {
    await attackWith(await Target.start(kind), TIMES, SIZE, GRPC)
  },
)

test('four of them at once', { timeout: 120_000 }, async () => {
  const target = await Target.start('debug')
  const chosen = ['a list of empty strings', 'JSON: a list of empty values', 'a map of one key, over and over']
  const requests = [...PROTOBUF, ...JSON_REQUESTS].filter(({ name }) => chosen.includes(name))
  expect(requests).toHaveLength(3)
  const [first = PROTOBUF[0], ...others] = requests
  const all = [first, first, ...others].flatMap((request) => (request === undefined ? [] : [request]))
  const answers = await Promise.all(all.map(({ build, json }) => target.attack(build(2 * SIZE), HTTP, json === true)))
  expect(answers.filter((answer) => ![200, 413, 503].includes(answer))).toEqual([])
  await target.serves()
  await target.survived()
})
