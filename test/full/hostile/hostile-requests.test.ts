// The requests of integration/hostile/hostile-requests.test.ts at the receiver's limit of 64 MiB, in every way they can be sent.
// Prints how long each took, and the health check beside it, for people: machines differ.
import { expect, test } from 'vitest'
import {
  GROUPS,
  JSON_REQUESTS,
  MEBIBYTE,
  PROTOBUF,
  RAW_LINES,
  TIMES,
} from '../../integration/hostile/hostile-requests.ts'
import { attackWith, type Kind, Target, type Way } from '../../integration/hostile/hostile-run.ts'

const LIMIT = 64 * MEBIBYTE
const TIMEOUT = { timeout: 900_000 }
const print = (line: string) => void process.stderr.write(`${line}\n`)

const IDENTITY: Way = { transport: 'http', coding: 'identity' }
const WAYS: readonly (readonly [string, Way])[] = [
  ['HTTP', IDENTITY],
  ['HTTP, gzip', { transport: 'http', coding: 'gzip' }],
  ['HTTP, zstd', { transport: 'http', coding: 'zstd' }],
  ['gRPC', { transport: 'grpc', coding: 'identity' }],
]

test.each(WAYS)('protobuf by %s', TIMEOUT, async (_, way) => {
  await attackWith(await Target.start('plain'), PROTOBUF, LIMIT, way, print)
})

test('JSON', TIMEOUT, async () => {
  await attackWith(await Target.start('plain'), JSON_REQUESTS, LIMIT, IDENTITY, print)
})

test('raw lines', TIMEOUT, async () => {
  await attackWith(await Target.start('raw'), RAW_LINES, LIMIT, IDENTITY, print)
})

test.each<Kind>(['tenant', 'storage', 'clamp', 'divert', 'twice', 'debug'])(
  'times and groups, %s',
  TIMEOUT,
  async (kind) => {
    await attackWith(await Target.start(kind), [...TIMES, ...GROUPS], LIMIT, IDENTITY, print)
  },
)

test('protobuf beside an exporter that shows everything', TIMEOUT, async () => {
  await attackWith(await Target.start('debug'), PROTOBUF, LIMIT, IDENTITY, print)
})

test.each(['a list of empty strings', 'one text of the whole request', 'attributes of one key', 'JSON: attributes'])(
  'four at once of %s',
  TIMEOUT,
  async (name) => {
    const target = await Target.start('plain')
    const request = [...PROTOBUF, ...JSON_REQUESTS].find((each) => each.name === name)
    const body = request?.build(LIMIT) ?? Buffer.alloc(0)
    const attacks = Array.from({ length: 4 }, () => target.attack(body, IDENTITY, request?.json === true))
    const answers = await Promise.all(attacks)
    expect(answers.filter((answer) => ![200, 413, 503].includes(answer))).toEqual([])
    print(`four at once of ${name}: ${answers.join(', ')}, health in ${Math.round(target.slowestHealthMs)} ms`)
    await target.serves()
    await target.survived()
  },
)
